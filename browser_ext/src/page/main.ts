// In the page's own world, before its scripts: tells of dialogs, of its closing and of what it reads of the clock, and
// seeds its randomness where the session says so.
import { ANSWERED, ASKED, ATTACHED, awaitNode, CLOSING, PULL, READ, UNWANTED } from "../bridge";
import { placeInTab } from "../clock/place";
import { seeded } from "./seeded";
import { tapeReadings } from "./tape";

const session = (globalThis as { __reenactSession?: { seed?: number | null; tape?: boolean } }).__reenactSession;
delete (globalThis as { __reenactSession?: unknown }).__reenactSession;

// Kept from what the page may make of them later.
const { stringify } = JSON;
const { dispatchEvent } = EventTarget.prototype;
const { apply } = Reflect;
const { CustomEvent } = globalThis;

awaitNode((node) => {
  const tell = (type: string, detail: string) => {
    apply(dispatchEvent, node, [new CustomEvent(type, { detail })]);
  };
  const say = (type: string, detail: unknown) => tell(type, stringify(detail) ?? "null");
  for (const name of ["alert", "confirm", "prompt"] as const) {
    // A proxy: what the page sees of it is as it was.
    (window as unknown as Record<string, unknown>)[name] = new Proxy(window[name], {
      apply(ask, self, given: unknown[]) {
        const message = given.length > 0 ? `${given[0]}` : "";
        say(ASKED, [name, message]);
        const answer = apply(ask as () => unknown, self, [message, ...given.slice(1)]);
        say(ANSWERED, answer ?? null);
        return answer;
      },
    });
  }
  // A page that closes itself may be gone before it is told so.
  window.close = new Proxy(window.close, {
    apply(close, self) {
      if (self === window || self === undefined) say(CLOSING, null);
      apply(close as () => void, self, []);
    },
  });
  Element.prototype.attachShadow = new Proxy(Element.prototype.attachShadow, {
    apply(attach, self, given: [ShadowRootInit]) {
      const root = apply(attach as (init: ShadowRootInit) => ShadowRoot, self, given);
      say(ATTACHED, null);
      return root;
    },
  });
  if (session?.tape === false) return; // a replay, which has a tape
  const tape = tapeReadings((portion) => tell(READ, portion));
  node.addEventListener(PULL, () => tape.pull());
  node.addEventListener(UNWANTED, () => tape.stop());
});

if (typeof session?.seed === "number") {
  // Two numbers of Math.random's make documents of one process differ that are the same in all else.
  const chance = [Math.random(), Math.random()];
  seeded(`${session.seed} ${chance} ${location.origin}${location.pathname} ${history.length} ${placeInTab()}`);
}
