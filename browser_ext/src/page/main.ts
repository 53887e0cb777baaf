// In the page's own world, before its scripts: tells of dialogs and of its closing, and seeds its randomness where the session says so.
import { ANSWERED, ASKED, ATTACHED, awaitNode, CLOSING } from "../bridge";
import { seeded } from "./seeded";

const session = (globalThis as { __reenactSession?: { seed?: number | null } }).__reenactSession;
delete (globalThis as { __reenactSession?: unknown }).__reenactSession;

// Kept from what the page may make of them later.
const { stringify } = JSON;
const { dispatchEvent } = EventTarget.prototype;
const { apply } = Reflect;
const { CustomEvent } = globalThis;

awaitNode((node) => {
  const say = (type: string, detail: unknown) => {
    apply(dispatchEvent, node, [new CustomEvent(type, { detail: stringify(detail) ?? "null" })]);
  };
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
});

if (typeof session?.seed === "number") seeded(session.seed);
