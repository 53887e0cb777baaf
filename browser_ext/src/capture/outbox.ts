// What this document states: numbered, kept until it is acknowledged as written, sent again when the worker died.
import { type On, PORT, type Said, type Told } from "../port";
import type { DocumentItem } from "../wire";

type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never;
export type Statement = Without<DocumentItem, "s">;

const MOST_KEPT = 1_000_000;
const MOST_KEPT_UNITS = 96 << 20;
const MOST_BEFORE_ANSWER = 20_000;
// What is under way at once: the worker must not choke on a file of many megabytes.
const MOST_SENT = 2_000;
const MOST_SENT_UNITS = 4 << 20;
const MOST_WAITING_UNITS = 16 << 20;
const BATCH = 200;
const BATCH_UNITS = 512 << 10;

interface Kept {
  item: DocumentItem;
  units: number;
}

/** Who is told what the worker says. */
export interface Heard {
  /** Recording is on, or paused; `again`: in another session than before, whose numbers begin anew. */
  on(told: On, again: boolean): void;
  off(): void;
}

/**
 * Statements, in order. While nobody records (`off`) there is no port; `wake` opens one. What cannot be kept because too
 * much waits is left out with its number, so that the hole is seen as the loss that it is.
 */
export class Outbox {
  readonly #word = crypto.getRandomValues(new Uint32Array(2)).join("-").slice(0, 16);
  #kept: Kept[] = [];
  #units = 0;
  #sent = 0;
  #sentUnits = 0;
  #last = 0;
  #session: string | null = null;
  #answered = false; // on the present port
  #port: chrome.runtime.Port | null = null;
  #retry = 0;
  #roomy: (() => void)[] = [];
  #waiting: { upTo: number; done: () => void }[] = [];

  constructor(private readonly heard: Heard) {}

  /** States this next. Returns its number. */
  add(statement: Statement): number {
    const item = wellFormed({ ...statement, s: ++this.#last }) as DocumentItem;
    const units = statement.k === "part" ? statement.data.length : unitsOf(item);
    const most = this.#session ? MOST_KEPT : MOST_BEFORE_ANSWER;
    if (this.#kept.length < most && this.#units + units <= MOST_KEPT_UNITS) {
      this.#kept.push({ item, units });
      this.#units += units;
    }
    return item.s;
  }

  /** Sends what may be sent; at the document's end without waiting to be asked for it on a new port. */
  flush(end = false): void {
    // A page that goes before it was told anything says all that it saw: the worker knows whether it is wanted.
    if (this.#session === "" || (this.#session === null && !end)) return;
    this.wake();
    if (!this.#port || !(this.#answered || end)) return;
    while (this.#sent < this.#kept.length && this.#sent < MOST_SENT && this.#sentUnits < MOST_SENT_UNITS) {
      const items: DocumentItem[] = [];
      let units = 0;
      while (items.length < BATCH && units < BATCH_UNITS) {
        const next = this.#kept[this.#sent + items.length];
        if (!next) break;
        items.push(next.item);
        units += next.units;
      }
      try {
        this.#port.postMessage({ session: this.#session ?? "", items } satisfies Said);
      } catch {
        this.#lost();
        return;
      }
      this.#sent += items.length;
      this.#sentUnits += units;
    }
  }

  /** Says, after all that may be sent, whether the document is about to be left. */
  leaving(leaving: boolean): void {
    this.flush();
    if (!this.#port || !this.#answered || this.#sent < this.#kept.length) return;
    try {
      this.#port.postMessage({ session: this.#session ?? "", items: [], leaving } satisfies Said);
    } catch {
      this.#lost();
    }
  }

  /** Connects to the worker, unless there is a port. */
  wake(): void {
    if (this.#port) return;
    try {
      this.#port = chrome.runtime.connect({ name: PORT + this.#word });
    } catch {
      return; // the extension was removed or replaced: nobody is there any more
    }
    this.#sent = 0;
    this.#sentUnits = 0;
    this.#answered = false;
    this.#port.onMessage.addListener((told: Told) => this.#told(told));
    this.#port.onDisconnect.addListener(() => this.#lost());
  }

  /** The page was kept and is shown again: the browser closed its port meanwhile, and says nothing of it. */
  renew(): void {
    this.#port?.disconnect();
    this.#port = null;
    this.wake();
  }

  /** Resolves with the last number when all that was stated so far is written. */
  written(): Promise<number> {
    const upTo = this.#last;
    this.flush();
    if (this.#kept.length === 0) return Promise.resolve(upTo);
    return new Promise((resolve) => this.#waiting.push({ upTo, done: () => resolve(upTo) }));
  }

  /** Resolves when not too much waits to be written: before more of a large content is stated. */
  async room(): Promise<void> {
    while (this.#units > MOST_WAITING_UNITS) await new Promise<void>((done) => this.#roomy.push(done));
  }

  #told(told: Told): void {
    this.#retry = 0;
    if (told.m === "ack") {
      let n = 0;
      for (let first = this.#kept[n]; first && first.item.s <= told.s; first = this.#kept[n]) {
        this.#units -= first.units;
        if (n < this.#sent) this.#sentUnits -= first.units;
        n++;
      }
      this.#kept.splice(0, n);
      this.#sent = Math.max(0, this.#sent - n);
      if (this.#units <= MOST_WAITING_UNITS) for (const done of this.#roomy.splice(0)) done();
      const done = this.#waiting.filter((waiter) => waiter.upTo <= told.s);
      this.#waiting = this.#waiting.filter((waiter) => waiter.upTo > told.s);
      for (const waiter of done) waiter.done();
    } else if (told.m === "on") {
      // What was seen before the first answer counts, unless the recording was paused then.
      const again = this.#session !== told.session && (this.#session !== null || told.paused);
      if (again) this.#forget();
      this.#session = told.session;
      this.#answered = true;
      this.heard.on(told, again);
    } else {
      this.#forget();
      this.#session = "";
      this.#answered = false;
      this.#port?.disconnect();
      this.#port = null;
      this.heard.off();
      return;
    }
    this.flush();
  }

  #forget(): void {
    this.#kept = [];
    this.#units = this.#sent = this.#sentUnits = this.#last = 0;
    for (const done of this.#roomy.splice(0)) done();
  }

  #lost(): void {
    this.#port = null;
    this.#answered = false;
    // A worker that was stopped starts with the next connection; one that keeps failing is asked less and less.
    setTimeout(() => this.wake(), Math.min(5000, 20 * 2 ** this.#retry++));
  }
}

function unitsOf(item: DocumentItem): number {
  let units = 200;
  for (const value of Object.values(item)) {
    if (typeof value === "string") units += value.length;
    else if (typeof value === "object" && value !== null) units += 400;
  }
  return units;
}

/** The same with no half of a surrogate pair in any text: JSON has none. */
function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== "object" || value === null) return value;
  const made: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value))
    if (inner !== undefined) made[key.toWellFormed()] = wellFormed(inner);
  return made;
}
