"use strict";
(() => {
  // src/bridge.ts
  var HANDED = "reenact:bridge";
  var ASKED = "asked";
  var ANSWERED = "answered";
  var ATTACHED = "attached";
  var CLOSING = "closing";
  function awaitNode(take) {
    addEventListener(
      HANDED,
      (event) => {
        event.stopImmediatePropagation();
        const node = event.relatedTarget;
        if (node) take(node);
      },
      { once: true, capture: true }
    );
  }

  // src/page/seeded.ts
  function seeded(seed) {
    const salt = `${seed} ${location.origin}${location.pathname} ${history.length} ${depth()}`;
    let state = Math.random() * 2 ** 32 ^ Math.random() * 2 ** 32;
    for (let n = 0; n < salt.length; n++) state = Math.imul(state ^ salt.charCodeAt(n), 16777619);
    const next = () => {
      state = state + 1831565813 | 0;
      let t = Math.imul(state ^ state >>> 15, state | 1);
      t ^= t + Math.imul(t ^ t >>> 7, t | 61);
      return (t ^ t >>> 14) >>> 0;
    };
    const { apply: apply2 } = Reflect;
    const Bytes = Uint8Array;
    const fill = Crypto.prototype.getRandomValues;
    const hex = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, "0"));
    const draw = (bytes) => {
      for (let n = 0; n < bytes.length; n++) bytes[n] = next() >>> 24;
    };
    Crypto.prototype.getRandomValues = new Proxy(fill, {
      apply(native, self, given) {
        const filled = apply2(native, self, given);
        draw(new Bytes(filled.buffer, filled.byteOffset, filled.byteLength));
        return filled;
      }
    });
    if (!Crypto.prototype.randomUUID) return;
    Crypto.prototype.randomUUID = new Proxy(Crypto.prototype.randomUUID, {
      apply(native, self, given) {
        apply2(native, self, given);
        const bytes = new Bytes(16);
        draw(bytes);
        bytes[6] = bytes[6] & 15 | 64;
        bytes[8] = bytes[8] & 63 | 128;
        let text = "";
        for (let n = 0; n < 16; n++) text += ([4, 6, 8, 10].includes(n) ? "-" : "") + hex[bytes[n]];
        return text;
      }
    });
  }
  function depth() {
    const places = [];
    for (let at = window; at !== at.parent; at = at.parent) {
      let n = 0;
      while (n < at.parent.length && at.parent[n] !== at) n++;
      places.push(n);
    }
    return places.join(".");
  }

  // src/page/main.ts
  var session = globalThis.__reenactSession;
  delete globalThis.__reenactSession;
  var { stringify } = JSON;
  var { dispatchEvent: dispatchEvent2 } = EventTarget.prototype;
  var { apply } = Reflect;
  var { CustomEvent } = globalThis;
  awaitNode((node) => {
    const say = (type, detail) => {
      apply(dispatchEvent2, node, [new CustomEvent(type, { detail: stringify(detail) ?? "null" })]);
    };
    for (const name of ["alert", "confirm", "prompt"]) {
      window[name] = new Proxy(window[name], {
        apply(ask, self, given) {
          const message = given.length > 0 ? `${given[0]}` : "";
          say(ASKED, [name, message]);
          const answer = apply(ask, self, [message, ...given.slice(1)]);
          say(ANSWERED, answer ?? null);
          return answer;
        }
      });
    }
    window.close = new Proxy(window.close, {
      apply(close, self) {
        if (self === window || self === void 0) say(CLOSING, null);
        apply(close, self, []);
      }
    });
    Element.prototype.attachShadow = new Proxy(Element.prototype.attachShadow, {
      apply(attach, self, given) {
        const root = apply(attach, self, given);
        say(ATTACHED, null);
        return root;
      }
    });
  });
  if (typeof session?.seed === "number") seeded(session.seed);
})();
