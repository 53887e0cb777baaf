// What the page's scripts read of the clock, kept in order, so that a replay can give it again.
import { type Reading, wrapReadings } from "../clock/readings";
import { as, running, type Source } from "../clock/sources";

const CHUNK = 1000;
const MOST = 200_000;

/** Readings of one kind, made by tasks of one source. Typed arrays, for no script of the page's can stand in their way. */
class Stream {
  first = 0;
  length = 0;
  readonly #values = new Float64Array(CHUNK);
  readonly #times = new Uint32Array(CHUNK);
  #last = Number.NaN;
  #repeated = false;

  constructor(
    readonly read: Reading,
    readonly by: Source,
  ) {}

  /** Whether this one is as the last one was, and counted there. */
  again(value: number): boolean {
    if (value !== this.#last || this.length === 0) return false;
    (this.#times[this.length - 1] as number)++;
    this.#repeated = true;
    return true;
  }

  add(value: number): void {
    this.#last = value;
    this.#values[this.length] = value;
    this.#times[this.length] = 1;
    this.length++;
  }

  /** All that it holds, as JSON; then it holds nothing. */
  taken(): string {
    let values = "";
    let times = "";
    for (let n = 0; n < this.length; n++) {
      values += `${n ? "," : ""}${this.#values[n]}`;
      times += `${n ? "," : ""}${this.#times[n]}`;
    }
    const told = `{"read":"${this.read}","by":"${this.by}","first":${this.first},"values":[${values}],"times":[${this.#repeated ? times : ""}]}`;
    this.first += this.length;
    this.length = 0;
    this.#repeated = false;
    return told;
  }
}

/** From here on readings are kept, and said in portions, or when asked for. Returns what asks, and what ends it. */
export function tapeReadings(say: (portion: string) => void): { pull(): void; stop(): void } {
  const streams: Record<Source, Record<Reading, Stream | undefined>> = Object.create(null);
  const kinds: Reading[] = ["date", "now", "event", "frame", "drawn"];
  const sources: Source[] = ["script", "timer", "frame", "task"];
  for (const by of sources) streams[by] = Object.create(null);
  let left = MOST;
  const keep = (of: Reading, said: number, by = running()): number => {
    if (left === 0) return said;
    streams[by][of] ??= new Stream(of, by);
    const stream = streams[by][of] as Stream;
    if (stream.again(said)) return said;
    left--;
    stream.add(said);
    if (stream.length === CHUNK) say(stream.taken());
    return said;
  };
  const { apply } = Reflect;
  const { now } = Performance.prototype;
  const clock = performance;
  wrapReadings((of, said) => keep(of, said));
  let frame = Number.NaN;
  window.requestAnimationFrame = new Proxy(window.requestAnimationFrame, {
    apply(ask, self, given: [FrameRequestCallback]) {
      const [call] = given;
      if (typeof call !== "function") return apply(ask, self, given);
      const drawn = (at: number) => {
        if (at !== frame) {
          frame = at;
          keep("frame", at, "frame");
          keep("drawn", apply(now, clock, []), "frame");
        }
        apply(as("frame", call), undefined, [at]);
      };
      return apply(ask, self, [drawn]);
    },
  });
  const timed = {
    apply(set: (...given: never[]) => number, self: unknown, given: unknown[]) {
      if (typeof given[0] === "function") given[0] = as("timer", given[0] as (...given: never[]) => unknown);
      return apply(set, self, given);
    },
  };
  window.setTimeout = new Proxy(window.setTimeout, timed as ProxyHandler<typeof window.setTimeout>);
  window.setInterval = new Proxy(window.setInterval, timed as ProxyHandler<typeof window.setInterval>);
  const each = (call: (by: Source, of: Reading) => void) => {
    for (let s = 0; s < sources.length; s++) {
      for (let n = 0; n < kinds.length; n++) call(sources[s] as Source, kinds[n] as Reading);
    }
  };
  return {
    pull() {
      each((by, of) => {
        const stream = streams[by][of];
        if (stream?.length) say(stream.taken());
      });
    },
    stop() {
      left = 0;
      each((by, of) => {
        streams[by][of] = undefined;
      });
    },
  };
}
