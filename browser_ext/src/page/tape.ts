// What the page's scripts read of the clock, kept in order, so that a replay can give it again.
import { type Reading, wrapReadings } from "../clock/readings";

const CHUNK = 1000;
const MOST = 200_000;

/** Readings of one kind. Typed arrays, for no script of the page's can stand in their way. */
class Stream {
  first = 0;
  length = 0;
  readonly #values = new Float64Array(CHUNK);
  readonly #times = new Uint32Array(CHUNK);
  #last = Number.NaN;
  #repeated = false;

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
  taken(read: Reading): string {
    let values = "";
    let times = "";
    for (let n = 0; n < this.length; n++) {
      values += `${n ? "," : ""}${this.#values[n]}`;
      times += `${n ? "," : ""}${this.#times[n]}`;
    }
    const told = `{"read":"${read}","first":${this.first},"values":[${values}],"times":[${this.#repeated ? times : ""}]}`;
    this.first += this.length;
    this.length = 0;
    this.#repeated = false;
    return told;
  }
}

/** From here on readings are kept, and said in portions, or when asked for. Returns what asks, and what ends it. */
export function tapeReadings(say: (portion: string) => void): { pull(): void; stop(): void } {
  const streams: Record<Reading, Stream | undefined> = Object.create(null);
  const kinds: Reading[] = ["date", "now", "event", "frame", "drawn"];
  let left = MOST;
  const keep = (of: Reading, said: number): number => {
    if (left === 0) return said;
    streams[of] ??= new Stream();
    const stream = streams[of] as Stream;
    if (stream.again(said)) return said;
    left--;
    stream.add(said);
    if (stream.length === CHUNK) say(stream.taken(of));
    return said;
  };
  const { apply } = Reflect;
  const { now } = Performance.prototype;
  const clock = performance;
  wrapReadings(keep);
  let frame = Number.NaN;
  window.requestAnimationFrame = new Proxy(window.requestAnimationFrame, {
    apply(ask, self, given: [FrameRequestCallback]) {
      const [call] = given;
      if (typeof call !== "function") return apply(ask, self, given);
      const drawn = (at: number) => {
        if (at !== frame) {
          frame = at;
          keep("frame", at);
          keep("drawn", apply(now, clock, []));
        }
        apply(call, undefined, [at]);
      };
      return apply(ask, self, [drawn]);
    },
  });
  return {
    pull() {
      for (let n = 0; n < kinds.length; n++) {
        const of = kinds[n] as Reading;
        const stream = streams[of];
        if (stream?.length) say(stream.taken(of));
      }
    },
    stop() {
      left = 0;
      for (let n = 0; n < kinds.length; n++) streams[kinds[n] as Reading] = undefined;
    },
  };
}
