// What the worker itself states, numbered and kept until the recorder has it, also over the worker's own death.
import type { Log, WorkerItem } from "../wire";

/** An item before it has its number and time. */
export type Statement = WorkerItem extends infer Item
  ? Item extends WorkerItem
    ? Omit<Item, "s" | "t">
    : never
  : never;

const KEY = "log:";
const MOST_KEPT = 20_000;

export class WorkerLog {
  private items: WorkerItem[] = [];
  private count = 0;
  private saving = false;
  private dirty = false;
  private left = new Map<string, WorkerItem[]>();

  instance: string = crypto.randomUUID();

  constructor(private readonly send: (log: Log) => void) {}

  /** What workers before this one stated and nobody acknowledged. */
  async recall(): Promise<void> {
    for (const [key, items] of Object.entries(await chrome.storage.session.get(null)))
      if (key.startsWith(KEY) && key !== KEY + this.instance)
        this.left.set(key.slice(KEY.length), items as WorkerItem[]);
  }

  state(statement: Statement, t = Date.now()): void {
    if (this.items.length >= MOST_KEPT) this.items.shift(); // the hole in the numbers tells
    const item = { ...statement, s: ++this.count, t } as WorkerItem;
    this.items.push(item);
    this.send({ m: "log", instance: this.instance, items: [item] });
    this.save();
  }

  /** Sends again all that is not acknowledged. */
  again(): void {
    for (const [instance, items] of this.left) this.send({ m: "log", instance, items });
    if (this.items.length > 0) this.send({ m: "log", instance: this.instance, items: this.items });
  }

  acknowledged(instance: string, s: number): boolean {
    if (instance === this.instance) {
      this.items = this.items.filter((item) => item.s > s);
      this.save();
      return true;
    }
    const left = this.left.get(instance);
    if (left === undefined) return false;
    if ((left.at(-1)?.s ?? 0) <= s) {
      this.left.delete(instance);
      void chrome.storage.session.remove(KEY + instance);
    }
    return true;
  }

  /** Nobody records: nothing was worth keeping. What is stated from here on is another instance's. */
  forget(): void {
    void chrome.storage.session.remove(KEY + this.instance);
    this.instance = crypto.randomUUID();
    this.count = 0;
    this.items = [];
    for (const instance of this.left.keys()) void chrome.storage.session.remove(KEY + instance);
    this.left.clear();
  }

  private save(): void {
    this.dirty = true;
    if (this.saving) return;
    this.saving = true;
    void (async () => {
      while (this.dirty) {
        this.dirty = false;
        if (this.items.length > 0) await chrome.storage.session.set({ [KEY + this.instance]: this.items });
        else await chrome.storage.session.remove(KEY + this.instance);
      }
    })()
      .catch(() => undefined) // its quota is spent: what is in memory serves while this worker lives
      .finally(() => {
        this.saving = false;
      });
  }
}
