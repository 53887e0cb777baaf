// Animation frames by the replay's clock: at the recorded frames' times, and else every 16 ms.

import { as } from "../clock/sources";

const EVERY = 16;

/** `passed` is the page's time, ms; `after` calls after so many ms of it, which are `exact` where that was recorded; `next`
 * gives how long the next recorded frame is away and what its callbacks were told. */
export function fakeFrames(
  passed: () => number,
  after: (call: () => void, wait: number, exact: boolean) => void,
  next: () => [wait: number, told: number] | undefined,
): void {
  if (typeof requestAnimationFrame === "undefined") return; // a worker that several pages share
  let last = 0;
  let waits = false;
  let asked = new Map<number, FrameRequestCallback>();
  let drawn = new Map<number, FrameRequestCallback>();
  globalThis.requestAnimationFrame = new Proxy(globalThis.requestAnimationFrame, {
    apply(native, self, [call]: [FrameRequestCallback]) {
      if (typeof call !== "function") return Reflect.apply(native, self, [call]);
      asked.set(++last, call);
      if (!waits) {
        waits = true;
        const recorded = next();
        const [wait, told] = recorded ?? [Math.ceil(EVERY - (passed() % EVERY)), undefined];
        after(() => draw(told ?? passed()), wait, recorded !== undefined);
      }
      return last;
    },
  });
  globalThis.cancelAnimationFrame = new Proxy(globalThis.cancelAnimationFrame, {
    apply(_, __, [number]: [number]) {
      asked.delete(number);
      drawn.delete(number);
    },
  });
  function draw(told: number): void {
    waits = false;
    drawn = asked;
    asked = new Map();
    for (const [number, call] of drawn) {
      if (!drawn.delete(number)) continue;
      try {
        as("frame", call)(told);
      } catch (error) {
        reportError(error);
      }
    }
  }
}
