// What the worker itself states, numbered and kept until the recorder has it, also over the worker's own death.
import type { Log, WorkerItem } from "../wire";

/** An item before it has its number and time. */
export type Statement = WorkerItem extends infer Item
  ? Item extends WorkerItem
    ? Omit<Item, "s" | "t">
    : never
  : never;

const KEY = "log:";
const OWED = "owed:";
const MOST_KEPT = 20_000;

/** Each statement is handed to the browser's memory in the very task that makes it, by a key of its own: a worker may be
 * killed right after that, and nothing that waits for an answer would be done any more. */
export class WorkerLog {
  private items: WorkerItem[] = [];
  private count = 0;
  private left = new Map<string, WorkerItem[]>();
  private debts = 0;
  /** By key, when workers before this one came to know what they did not live to state. */
  private unpaid = new Map<string, number>();

  instance: string = crypto.randomUUID();

  constructor(private readonly send: (log: Log) => void) {}

  /** What workers before this one stated and nobody acknowledged. */
  async recall(): Promise<void> {
    for (const [key, item] of Object.entries(await chrome.storage.session.get(null))) {
      const [, instance] = key.split(":");
      if (key.startsWith(OWED) && instance !== this.instance) this.unpaid.set(key, item as number);
      if (key.startsWith(KEY) && instance && instance !== this.instance)
        this.left.set(instance, [...(this.left.get(instance) ?? []), item as WorkerItem]);
    }
    for (const items of this.left.values()) items.sort((one, other) => one.s - other.s);
  }

  /** Something is known that can be stated only later: if this worker is killed before, the next one tells. Returns what
   * is to be called once it was stated. */
  owe(): () => void {
    const key = `${OWED}${this.instance}:${++this.debts}`;
    void chrome.storage.session.set({ [key]: Date.now() }).catch(() => undefined);
    return () => void chrome.storage.session.remove(key);
  }

  /** States what workers before this one owed. */
  settle(): void {
    const reason = "a worker of the extension was killed before it could state what the browser had told it";
    const first = Math.min(...this.unpaid.values());
    if (this.unpaid.size > 0) this.state({ k: "gap", reason }, first);
    void chrome.storage.session.remove([...this.unpaid.keys()]);
    this.unpaid.clear();
  }

  state(statement: Statement, t = Date.now()): void {
    // The hole in the numbers tells.
    if (this.items.length >= MOST_KEPT) this.drop(this.instance, this.items.splice(0, 1));
    const item = { ...statement, s: ++this.count, t } as WorkerItem;
    this.items.push(item);
    this.keep(item);
    this.send({ m: "log", instance: this.instance, items: [item] });
  }

  /** Sends again all that is not acknowledged. */
  again(): void {
    for (const [instance, items] of this.left) this.send({ m: "log", instance, items });
    if (this.items.length > 0) this.send({ m: "log", instance: this.instance, items: this.items });
  }

  acknowledged(instance: string, s: number): boolean {
    const known = instance === this.instance ? this.items : this.left.get(instance);
    if (known === undefined) return false;
    const open = known.filter((item) => item.s > s);
    this.drop(instance, known.slice(0, known.length - open.length));
    if (instance === this.instance) this.items = open;
    else if (open.length > 0) this.left.set(instance, open);
    else this.left.delete(instance);
    return true;
  }

  /** Nobody records: nothing was worth keeping. What is stated from here on is another instance's. */
  forget(): void {
    for (const [instance, items] of [...this.left, [this.instance, this.items] as const]) this.drop(instance, items);
    this.instance = crypto.randomUUID();
    this.count = 0;
    this.items = [];
    this.left.clear();
  }

  private keep(item: WorkerItem): void {
    const key = `${KEY}${this.instance}:${item.s}`;
    chrome.storage.session.set({ [key]: item }).catch(() => {
      // Its quota is spent: what is in memory serves while this worker lives. That there was something is kept.
      if (!this.items.includes(item)) return;
      const reason = "what the worker of the extension stated did not fit into the memory of the browser";
      void chrome.storage.session.set({ [key]: { k: "gap", s: item.s, t: item.t, reason } }).catch(() => undefined);
    });
  }

  private drop(instance: string, items: WorkerItem[]): void {
    if (items.length > 0) void chrome.storage.session.remove(items.map(({ s }) => `${KEY}${instance}:${s}`));
  }
}
