"use strict";
(() => {
  // src/bridge.ts
  var HANDED = "reenact:bridge";
  var ASKED = "asked";
  var ANSWERED = "answered";
  var ATTACHED = "attached";
  var CLOSING = "closing";
  var READ = "read";
  var PULL = "pull";
  var UNWANTED = "unwanted";
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

  // src/clock/place.ts
  function placeInTab() {
    const places = [];
    for (let at = window; at !== at.parent; at = at.parent) {
      let n = 0;
      while (n < at.parent.length && at.parent[n] !== at) n++;
      places.unshift(n);
    }
    return places.join(".");
  }

  // src/page/seeded.ts
  function seeded(salt) {
    let state = 0;
    for (let n = 0; n < salt.length; n++) state = Math.imul(state ^ salt.charCodeAt(n), 16777619);
    const next = () => {
      state = state + 1831565813 | 0;
      let t = Math.imul(state ^ state >>> 15, state | 1);
      t ^= t + Math.imul(t ^ t >>> 7, t | 61);
      return (t ^ t >>> 14) >>> 0;
    };
    const { apply: apply4 } = Reflect;
    const Bytes = Uint8Array;
    const fill = Crypto.prototype.getRandomValues;
    const hex = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, "0"));
    const draw = (bytes) => {
      for (let n = 0; n < bytes.length; n++) bytes[n] = next() >>> 24;
    };
    Crypto.prototype.getRandomValues = new Proxy(fill, {
      apply(native, self, given) {
        const filled = apply4(native, self, given);
        draw(new Bytes(filled.buffer, filled.byteOffset, filled.byteLength));
        return filled;
      }
    });
    const uuid = () => {
      const bytes = new Bytes(16);
      draw(bytes);
      bytes[6] = bytes[6] & 15 | 64;
      bytes[8] = bytes[8] & 63 | 128;
      let text = "";
      for (let n = 0; n < 16; n++) text += ([4, 6, 8, 10].includes(n) ? "-" : "") + hex[bytes[n]];
      return text;
    };
    if (Crypto.prototype.randomUUID) {
      Crypto.prototype.randomUUID = new Proxy(Crypto.prototype.randomUUID, {
        apply(native, self, given) {
          apply4(native, self, given);
          return uuid();
        }
      });
    } else if (isSecureContext) {
      crypto.randomUUID = uuid;
    }
  }

  // src/clock/readings.ts
  var { apply, construct } = Reflect;
  function wrapReadings(give) {
    const Plain = globalThis.Date;
    const { now } = Plain;
    const { toString: words } = Plain.prototype;
    const date = () => give("date", now());
    Plain.now = new Proxy(now, { apply: date });
    const Wrapped = new Proxy(Plain, {
      apply: () => apply(words, new Plain(date()), []),
      construct: (of, given, made) => construct(of, given.length === 0 ? [date()] : given, made)
    });
    Plain.prototype.constructor = Wrapped;
    globalThis.Date = Wrapped;
    Performance.prototype.now = new Proxy(Performance.prototype.now, {
      apply: (read, self) => give("now", apply(read, self, []))
    });
    const stamp = Object.getOwnPropertyDescriptor(Event.prototype, "timeStamp");
    if (!stamp?.get) return;
    const stamps = /* @__PURE__ */ new WeakMap();
    const { get: known, set: keep } = stamps;
    const get = new Proxy(stamp.get, {
      apply(read, self) {
        let at = apply(known, stamps, [self]);
        if (at === void 0) {
          at = give("event", apply(read, self, []));
          apply(keep, stamps, [self, at]);
        }
        return at;
      }
    });
    Object.defineProperty(Event.prototype, "timeStamp", { ...stamp, get });
  }

  // src/clock/sources.ts
  var { apply: apply2 } = Reflect;
  var script = typeof Document === "undefined" ? void 0 : Object.getOwnPropertyDescriptor(Document.prototype, "currentScript")?.get;
  var source = "task";
  function running() {
    return source === "task" && script && apply2(script, document, []) ? "script" : source;
  }
  function as(of, call) {
    return function(...given) {
      const before = source;
      source = of;
      try {
        return apply2(call, this, given);
      } finally {
        source = before;
      }
    };
  }

  // src/page/tape.ts
  var CHUNK = 1e3;
  var MOST = 2e5;
  var Stream = class {
    constructor(read, by) {
      this.read = read;
      this.by = by;
    }
    read;
    by;
    first = 0;
    length = 0;
    #values = new Float64Array(CHUNK);
    #times = new Uint32Array(CHUNK);
    #last = Number.NaN;
    #repeated = false;
    /** Whether this one is as the last one was, and counted there. */
    again(value) {
      if (value !== this.#last || this.length === 0) return false;
      this.#times[this.length - 1]++;
      this.#repeated = true;
      return true;
    }
    add(value) {
      this.#last = value;
      this.#values[this.length] = value;
      this.#times[this.length] = 1;
      this.length++;
    }
    /** All that it holds, as JSON; then it holds nothing. */
    taken() {
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
  };
  function tapeReadings(say) {
    const streams = /* @__PURE__ */ Object.create(null);
    const kinds = ["date", "now", "event", "frame", "drawn"];
    const sources = ["script", "timer", "frame", "task"];
    for (const by of sources) streams[by] = /* @__PURE__ */ Object.create(null);
    let left = MOST;
    const keep = (of, said, by = running()) => {
      if (left === 0) return said;
      streams[by][of] ??= new Stream(of, by);
      const stream = streams[by][of];
      if (stream.again(said)) return said;
      left--;
      stream.add(said);
      if (stream.length === CHUNK) say(stream.taken());
      return said;
    };
    const { apply: apply4 } = Reflect;
    const { now } = Performance.prototype;
    const clock = performance;
    wrapReadings((of, said) => keep(of, said));
    let frame = Number.NaN;
    window.requestAnimationFrame = new Proxy(window.requestAnimationFrame, {
      apply(ask, self, given) {
        const [call] = given;
        if (typeof call !== "function") return apply4(ask, self, given);
        const drawn = (at) => {
          if (at !== frame) {
            frame = at;
            keep("frame", at, "frame");
            keep("drawn", apply4(now, clock, []), "frame");
          }
          apply4(as("frame", call), void 0, [at]);
        };
        return apply4(ask, self, [drawn]);
      }
    });
    const timed = {
      apply(set, self, given) {
        if (typeof given[0] === "function") given[0] = as("timer", given[0]);
        return apply4(set, self, given);
      }
    };
    window.setTimeout = new Proxy(window.setTimeout, timed);
    window.setInterval = new Proxy(window.setInterval, timed);
    const each = (call) => {
      for (let s = 0; s < sources.length; s++) {
        for (let n = 0; n < kinds.length; n++) call(sources[s], kinds[n]);
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
          streams[by][of] = void 0;
        });
      }
    };
  }

  // src/page/main.ts
  var session = globalThis.__reenactSession;
  delete globalThis.__reenactSession;
  var { stringify } = JSON;
  var { dispatchEvent: dispatchEvent2 } = EventTarget.prototype;
  var { apply: apply3 } = Reflect;
  var { CustomEvent } = globalThis;
  awaitNode((node) => {
    const tell = (type, detail) => {
      apply3(dispatchEvent2, node, [new CustomEvent(type, { detail })]);
    };
    const say = (type, detail) => tell(type, stringify(detail) ?? "null");
    for (const name of ["alert", "confirm", "prompt"]) {
      window[name] = new Proxy(window[name], {
        apply(ask, self, given) {
          const message = given.length > 0 ? `${given[0]}` : "";
          say(ASKED, [name, message]);
          const answer = apply3(ask, self, [message, ...given.slice(1)]);
          say(ANSWERED, answer ?? null);
          return answer;
        }
      });
    }
    window.close = new Proxy(window.close, {
      apply(close, self) {
        if (self === window || self === void 0) say(CLOSING, null);
        apply3(close, self, []);
      }
    });
    Element.prototype.attachShadow = new Proxy(Element.prototype.attachShadow, {
      apply(attach, self, given) {
        const root = apply3(attach, self, given);
        say(ATTACHED, null);
        return root;
      }
    });
    if (session?.tape === false) return;
    const tape = tapeReadings((portion) => tell(READ, portion));
    node.addEventListener(PULL, () => tape.pull());
    node.addEventListener(UNWANTED, () => tape.stop());
  });
  if (typeof session?.seed === "number") {
    const chance = [Math.random(), Math.random()];
    seeded(`${session.seed} ${chance} ${location.origin}${location.pathname} ${history.length} ${placeInTab()}`);
  }
})();
