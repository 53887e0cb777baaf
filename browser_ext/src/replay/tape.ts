// What a document's scripts read of the clock when it was recorded, given again in the same order.
import { placeInTab } from "../clock/place";
import type { Reading } from "../clock/readings";
import { running, type Source } from "../clock/sources";

/** One recorded document's: the address, where its frame is in the tab (null: not known), when it began and its time
 * origin (Unix ms), and of each kind, by the source of tasks that read it, the values, and how often in a row each was
 * read (empty: once). */
export interface Tape {
  url: string;
  place: string | null;
  began: number;
  base: number;
  read: Record<string, [values: number[], times: number[]] | undefined>;
}

// A page's clock and that of what it states differ by so much (ms).
const OFF = 3;
// What the network answered is told to have ended so much later than the page may have read on.
const LATE = 100;
const NEXT_FRAME = 250;
// A timer ran later by up to so much (ms) than it does here: what it was set by had come later, or the page was busy.
const TARDY = 100;
const MOST_PASSED = 1000;

/** The tape of the document that is here, which began at `at`; undefined: there is none. */
export function tapeOf(tapes: Tape[], at: number): Tape | undefined {
  if (tapes.length === 0) return undefined;
  const url = location.href.replace(/#.*/, "");
  const place = placeInTab();
  const mine = tapes.filter((tape) => tape.url === url && (tape.place === null || tape.place === place));
  return mine.sort((a, b) => Math.abs(a.began - at) - Math.abs(b.began - at))[0];
}

/** Gives readings, of the recorded ones those that were made after what was done last and before what is done next; to
 * what is read besides, what the standing clock says. */
export class Readings {
  #since = 0;
  #next = Number.POSITIVE_INFINITY;
  #until = Number.POSITIVE_INFINITY;
  /** Where scripts have got to by what was given to them, Unix ms. */
  latest = 0;
  /** How many were not read again, or had not been read. */
  departed = 0;
  #at: Record<string, { n: number; used: number }> = {};
  #last: Partial<Record<Reading, number>> = {};

  constructor(
    private readonly tape: Tape,
    private readonly now: () => number,
  ) {}

  get base(): number {
    return this.tape.base;
  }

  /** The clock is on its way; what was read from `to` on, when something is done, is not given yet (Unix ms). */
  leave(to: number): void {
    this.#until = to;
  }

  /** It is there, and stays until something is done at `next`; what was not read before it was there is over. */
  stay(at: number, next: number): void {
    if (at >= this.#next) this.#since = at;
    this.#next = this.#until = next;
  }

  give(of: Reading, said: number): number {
    const stream = this.#stream(of, running());
    const [values = [], times = []] = this.tape.read[stream] ?? [];
    this.#at[stream] ??= { n: 0, used: 0 };
    const at = this.#at[stream];
    const zero = of === "date" ? 0 : this.tape.base;
    const often = () => times[at.n] ?? 1;
    const next = () => {
      at.n++;
      at.used = 0;
    };
    if (at.used >= often()) next();
    for (let value = values[at.n]; value !== undefined && of !== "event"; value = values[at.n]) {
      if (zero + value >= this.#over) break;
      this.departed += often() - at.used;
      next();
    }
    const value = values[at.n];
    if (value === undefined || zero + value > this.#until + OFF) {
      this.departed++;
      return of === "event" ? said : Math.max(said, this.#last[of] ?? said);
    }
    at.used++;
    this.#last[of] = Math.max(value, this.#last[of] ?? value);
    if (of !== "event") this.latest = Math.max(this.latest, zero + value);
    return value;
  }

  /** What reads the clock next did so only after `to`, though something is due at `due`: that, it may be. */
  tardy(due: number, to: number): boolean {
    let first = Number.POSITIVE_INFINITY;
    for (const [stream, [values, times] = [[], []]] of Object.entries(this.tape.read)) {
      if (!/^(date|now)/.test(stream)) continue;
      const { n, used } = this.#at[stream] ?? { n: 0, used: 0 };
      const zero = stream.startsWith("date") ? 0 : this.tape.base;
      const left = values.slice(used >= (times[n] ?? 1) ? n + 1 : n, n + MOST_PASSED);
      const next = left.find((value) => zero + value >= this.#over);
      if (next !== undefined) first = Math.min(first, zero + next);
    }
    return first > to + OFF && first <= due + TARDY;
  }

  /** What was read before it is not read any more. */
  get #over(): number {
    return Math.max(this.#since - OFF, this.now() - LATE);
  }

  /** Which of the recorded: those of the tasks' source, or of all where they were not told apart. */
  #stream(of: Reading, by: Source): string {
    return of in this.tape.read ? of : `${of} ${by}`;
  }

  /** When the next frame is drawn, Unix ms, and what its callbacks are told; undefined: none was, not soon. */
  frame(): [drawn: number, told: number] | undefined {
    const frames = this.tape.read[this.#stream("frame", "frame")]?.[0] ?? [];
    const drawn = this.tape.read[this.#stream("drawn", "frame")]?.[0] ?? [];
    this.#at.drawn ??= { n: 0, used: 0 };
    const at = this.#at.drawn;
    for (let value = drawn[at.n]; value !== undefined; value = drawn[at.n]) {
      const when = this.tape.base + value;
      if (when >= this.now() - OFF) {
        const told = frames[at.n];
        if (told === undefined || when > this.now() + NEXT_FRAME) break;
        at.n++;
        return [when, told];
      }
      at.n++; // nobody asks for it here: whoever drives a browser looks at its frames, too
    }
    return undefined;
  }
}
