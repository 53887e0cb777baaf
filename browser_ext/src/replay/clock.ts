// The clock that a replay gives to pages: it stands still until it is moved to a recorded moment, and then what is due
// runs, in its order. Put into every frame before the page's own scripts; the player calls `tapes`, `start` and `run`.
// What scripts read while it stands still is what they had read when they were recorded. Workers have it, too, but no
// readings of theirs were recorded.
import FakeTimers from "@sinonjs/fake-timers";
import { wrapReadings } from "../clock/readings";
import { as } from "../clock/sources";
import { seeded } from "../page/seeded";
import { fakeAnimations } from "./animations";
import { fakeFrames } from "./frames";
import { countMessages } from "./messages";
import { Readings, type Tape, tapeOf } from "./tape";

/** The page's time, when its next timer is due (null: none is) and where its scripts have got to by what they have read,
 * all Unix ms, and how many readings of the clock were others than the recorded ones. */
type Told = [now: number, next: number | null, latest: number, departed: number];

/** What is due every so often: `interval` is how long until it is again, which keeps to the `beat` if it comes late. */
interface Timer {
  callAt: number;
  interval?: number;
  every?: number | undefined;
  beat?: number;
}

interface Waiting {
  timers?: Map<number, Timer>;
}

interface ReplayClock {
  tapes(recorded: Tape[]): void;
  start(now: number): void;
  /** What is read on the way was read before `before`, and what is read there before `next`, when something is done.
   * `tardy`: what is due on the last of the way, and read the clock after it, waits. */
  run(to: number, before: number, next: number, tardy?: boolean): Promise<Told>;
  /** What is due until then comes just after it. */
  hold(to: number): void;
  /** The page was kept and is shown again: nothing ran meanwhile, what became due comes once, now. */
  resume(now: number): void;
  /** In a worker, before its script: the clock, and chance by this salt, where there is one. */
  work(now: number, salt: string | null): void;
  /** What waits has a turn. Returns how many messages came to this worker or went from it (0: it is none). */
  turn(): Promise<number>;
}

let clock: ReturnType<ReturnType<typeof FakeTimers.withGlobal>["install"]> | undefined;
// Ours are not counted.
const { apply } = Reflect;
const { MessageChannel: Channel } = globalThis;
const { postMessage } = MessagePort.prototype;
const LATE = 30_000; // ms
const PAUSE = 100; // ms
const TURNS = 8;
let recorded: Tape[] = [];
let readings: Readings | undefined;
let animate = () => {};
let messages = () => 0;
// The timer of a frame that was drawn just then when it was recorded, and when (Unix ms).
let drawn: number | undefined;
let drawnAt = 0;

function start(at: number): void {
  // The same global scope may come again: document.open, or what follows the first about:blank.
  const tape = readings ? undefined : tapeOf(recorded, at);
  // One that comes late, on a busy machine, begins when it had begun: it catches up.
  const now = Math.floor(tape && Math.abs(tape.began - at) < LATE ? tape.began : at);
  if (tape) readings = new Readings(tape, () => clock?.now ?? now);
  if (clock) {
    // A start that is renewed stands before the one that it replaces is gone.
    if (clock.countTimers() === 0) clock.setSystemTime(now);
    return;
  }
  clock = FakeTimers.withGlobal(globalThis).install({
    now,
    loopLimit: 100_000,
    toFake: [
      "Intl",
      "setTimeout",
      "clearTimeout",
      "setInterval",
      "clearInterval",
      "requestIdleCallback",
      "cancelIdleCallback",
    ] as never,
    ignoreMissingTimers: true, // workers have no idle callbacks
  });
  const faked = clock;
  const begin = () => readings?.base ?? now;
  const passed = () => Math.max(0, faked.now - begin());
  Object.defineProperty(Performance.prototype, "timeOrigin", { get: begin, configurable: true });
  if (typeof Document !== "undefined") {
    Object.defineProperty(Document.prototype, "lastModified", { get: () => lastModified(now), configurable: true });
  }
  wrapReadings((of) => {
    const said = of === "date" ? faked.now : passed();
    return readings?.give(of, said) ?? said;
  });
  const { setTimeout: after } = faked;
  faked.setTimeout = late(faked.setTimeout);
  faked.setInterval = late(faked.setInterval);
  fakeFrames(
    passed,
    (call, wait, exact) => {
      const timer = after(call, wait) as unknown as number;
      if (exact) drawn = timer;
    },
    () => {
      const frame = readings?.frame();
      drawnAt = frame?.[0] ?? 0;
      return frame && [Math.max(0, Math.floor(frame[0]) - faked.now), frame[1]];
    },
  );
  animate = fakeAnimations(() => faked.now);
}

/** Where scripts had got to by what they have read of the clock, timers are set from there: they ran as long as that. */
function late<F extends (...given: never[]) => unknown>(set: F): F {
  return ((...given: Parameters<F>) => {
    const faked = clock as NonNullable<typeof clock>;
    const { now } = faked;
    faked.now = Math.max(now, Math.floor(readings?.latest ?? 0));
    if (typeof given[0] === "function") given[0] = as("timer", given[0]);
    try {
      return set(...given);
    } finally {
      faked.now = now;
    }
  }) as F;
}

function lastModified(at: number): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const d = new Date(at);
  const day = `${two(d.getMonth() + 1)}/${two(d.getDate())}/${d.getFullYear()}`;
  return `${day} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

function timers(): Waiting["timers"] {
  return (clock as unknown as Waiting | undefined)?.timers;
}

function next(): number | null {
  let first: number | null = null;
  for (const timer of timers()?.values() ?? []) {
    if (first === null || timer.callAt < first) first = timer.callAt;
  }
  return first;
}

/** Whatever else waits has so many turns: promises, messages, answers of the network. */
function turn(turns: number): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new Channel();
    const post = () => apply(postMessage, port2, [null]);
    port1.onmessage = () => {
      if (--turns > 0) return post();
      port1.close();
      resolve();
    };
    post();
  });
}

function move(to: number): void {
  animate(); // what was set in motion since the clock came here, was so here
  try {
    clock?.tick(Math.max(0, to - clock.now));
  } catch (error) {
    reportError(error); // a timer's own: the others have run
  }
  animate();
}

async function run(until: number, before: number, later: number, tardy = false): Promise<Told> {
  if (!clock) return [until, null, 0, 0];
  readings?.leave(before);
  animate(); // what an input had begun, began then
  const to = Math.floor(until); // whole steps: parts of them would add up differently each time
  let rested = -1;
  for (;;) {
    if (readings) hold(readings.latest); // scripts had got there
    const frame = timers()?.get(drawn ?? 0);
    // Within one millisecond, too, what is done comes first if it did.
    if (frame && drawnAt > until) frame.callAt = Math.max(frame.callAt, to + 1);
    const due = next();
    const stop = Math.min(due ?? to, to);
    if (stop - clock.now > PAUSE && rested !== clock.now) {
      // What messages lead to by messages, as in schedulers, was done long before the pause was over.
      rested = clock.now;
      await turn(TURNS);
      continue;
    }
    if (due === null || due > to) break;
    if (tardy && readings?.tardy(due, until)) {
      hold(Math.floor(until) + 1);
      break;
    }
    move(Math.max(due, clock.now + (due <= clock.now ? 1 : 0)));
    await turn(1);
  }
  if (clock.now < to) {
    move(to);
    await turn(1);
  }
  readings?.stay(until, later);
  return [clock.now, next(), readings?.latest ?? 0, readings?.departed ?? 0];
}

function tapes(given: Tape[]): void {
  recorded = given;
}

/** What is due before this comes then, but for a frame whose time is known. */
function hold(until: number): void {
  for (const [number, timer] of timers() ?? []) {
    if (number === drawn) continue;
    timer.every ??= timer.interval;
    timer.beat ??= timer.callAt;
    timer.callAt = Math.max(timer.callAt, Math.floor(until));
    if (timer.every) timer.interval = timer.every - ((timer.callAt - timer.beat) % timer.every);
  }
}

function resume(at: number): void {
  if (!clock) return;
  const now = Math.max(Math.floor(at), clock.now);
  const waiting = [...(timers()?.values() ?? [])].map((timer) => ({ timer, due: timer.callAt }));
  clock.setSystemTime(now); // moves what waits, too
  for (const { timer, due } of waiting) timer.callAt = Math.max(due, now);
}

function work(now: number, salt: string | null): void {
  // A worker that has not begun lacks them: its own come below these, into the prototype.
  const scope = globalThis as unknown as Record<string, unknown>;
  for (const name of ["setTimeout", "clearTimeout", "setInterval", "clearInterval"]) scope[name] ??= () => {};
  start(now);
  messages = countMessages();
  if (salt !== null) seeded(salt);
}

async function turnOnce(): Promise<number> {
  await turn(1);
  return messages();
}

const api: ReplayClock = {
  tapes,
  start,
  run,
  hold: (to) => hold(Math.floor(to) + 1),
  resume,
  work,
  turn: turnOnce,
};
Object.defineProperty(globalThis, "__reenactClock", { value: api, configurable: true });
