// From what the listeners saw to what is stated, in order, in tasks of its own: the page's handlers never wait for it.
import type { EventItem } from "../wire";
import { type Content, partsOf } from "./content";
import type { Rect } from "./dom";
import type { Outbox } from "./outbox";
import type { Print } from "./prints";
import type { Targets } from "./targets";

export type Fields = Omit<EventItem, "s">;

/** An event as its listener saw it. */
export interface Seen {
  fields: Fields;
  element: Element | null;
  print?: Print;
  /** Where the element was, if that matters. */
  corner?: Rect | null;
  content?: Content;
  /** What is cheaper to find out later. */
  late?: () => void;
}

type Entry = Seen | (() => void);

const TICK = 40; // ms
const SLICE = 8; // ms of one task

export class Log {
  #queue: Entry[] = [];
  #running = false;
  #run = 0;
  #parts = 0;
  #idle: (() => void)[] = [];
  #timer = 0;
  #quiet = 0;
  #hurries = false;

  constructor(
    private readonly outbox: Outbox,
    private readonly targets: Targets,
    /** What else is to be done now and then while a person is at work. */
    private readonly tick: () => void,
    /** Puts in line what is only said when asked for. */
    private readonly gather: () => void,
  ) {}

  /** Puts in line what a listener saw, or what states something itself. O(1): even a timer would cost more. */
  push(entry: Entry): void {
    this.#queue.push(entry);
    this.#quiet = 0;
    if (this.#hurries) queueMicrotask(() => this.#tick());
    if (!this.#timer) this.#timer = setInterval(() => this.#tick(), TICK) as unknown as number;
  }

  // What was seen is stated first: by the fingerprints of then, before they are renewed.
  #tick(): void {
    const waited = this.#queue.length > 0;
    if (waited) {
      this.gather();
      this.#start();
    }
    if (this.#queue.length === 0) this.tick();
    if (!waited && ++this.#quiet * TICK > 1000) {
      clearInterval(this.#timer);
      this.#timer = 0;
    }
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#drain(this.#run);
  }

  /** States all that waits now, and from here on what comes at once: the document may be left any time. Returns whether
   * all is stated: a file is not, while it is read. */
  hurry(): boolean {
    this.#hurries = true;
    this.gather();
    this.#start();
    return this.#queue.length === 0;
  }

  /** The document stays. */
  calm(): void {
    this.#hurries = false;
  }

  /** The event that came before this one, the newest, if it was not stated yet. */
  before(seen: Seen): Seen | undefined {
    const before = this.#queue[this.#queue.lastIndexOf(seen) - 1];
    return typeof before === "function" ? undefined : before;
  }

  /** Resolves when nothing waits. */
  idle(): Promise<void> {
    this.gather();
    if (this.#queue.length === 0 && !this.#running) return Promise.resolve();
    const rest = new Promise<void>((done) => this.#idle.push(done));
    this.#start(); // may be done at once
    return rest;
  }

  /** States all that waits, now: the document goes away. Content that is not read yet is said to be missing. */
  finish(): void {
    this.#hurries = false; // what comes after its end is kept, for the page may be shown again
    this.gather();
    this.#run++;
    const queue = this.#queue;
    this.#queue = [];
    for (const entry of queue) {
      if (typeof entry === "function") attempt(entry);
      else {
        for (const { told } of entry.content?.loading ?? []) told.skipped ??= "the page went away first";
        this.#state(entry);
      }
    }
    this.outbox.flush();
    this.#rest();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#run++;
    this.#queue = [];
    this.#rest();
  }

  async #drain(run: number): Promise<void> {
    const until = performance.now() + SLICE;
    let n = 0;
    while (n < this.#queue.length && performance.now() < until) {
      const entry = this.#queue[n] as Entry;
      if (typeof entry !== "function" && entry.content?.loading.length) {
        this.#queue.splice(0, n);
        n = 0;
        this.outbox.flush();
        await this.#load(entry.content, run);
        if (run !== this.#run) return;
      }
      n++;
      if (typeof entry !== "function") this.#state(entry);
      else attempt(entry);
    }
    this.#queue.splice(0, n);
    this.outbox.flush();
    if (this.#queue.length > 0) setTimeout(() => this.#drain(run));
    else this.#rest();
  }

  #rest(): void {
    this.#running = false;
    for (const done of this.#idle.splice(0)) done();
  }

  #state({ fields, element, print, content, late }: Seen): void {
    try {
      late?.();
      if (element) fields.target = this.targets.number(element, print);
    } catch {
      // An element that the page has taken apart since, or that defends itself.
    }
    if (content?.clips.length) fields.clips = content.clips;
    if (content?.files.length) fields.files = content.files;
    this.outbox.add(fields);
  }

  async #load(content: Content, run: number): Promise<void> {
    for (const { told, blob } of content.loading) {
      const id = `p${++this.#parts}`;
      try {
        for await (const data of partsOf(blob)) {
          await this.outbox.room();
          if (run !== this.#run) return;
          this.outbox.add({ k: "part", t: now(), id, data });
          this.outbox.flush();
        }
        told.part = id;
      } catch (error) {
        told.skipped = `not readable: ${error instanceof Error ? error.name : error}`;
      }
    }
    content.loading = [];
  }
}

// One that fails leaves the rest.
function attempt(state: () => void): void {
  try {
    state();
  } catch {
    // Only an element that defends itself has a say in it: what has the focus, in a state.
  }
}

/** Unix ms, to the microsecond as far as the browser gives it, never going back within a document. */
export function now(): number {
  const within = performance.now();
  // What the document takes for its origin was seen to be some ms off from the clock that requests are told by.
  const off = Date.now() + 0.5 - origin - within;
  if (Math.abs(off) > 0.7) origin += off;
  latest = Math.max(latest, origin + within);
  return latest;
}
let origin = performance.timeOrigin;
let latest = 0;
