// The capture script: one for each document, in the extension's world, before the page's own scripts.
import { ATTACHED, CLOSING, handOver, PULL, READ, UNWANTED } from "../bridge";
import type { On, Wake } from "../port";
import type { About, ClockItem } from "../wire";
import { Dialogs } from "./dialogs";
import { forgetRoots } from "./dom";
import { Listeners } from "./listeners";
import { Log, now } from "./log";
import { setMasks } from "./masks";
import { Outbox } from "./outbox";
import { type Probe, probeOf } from "./probe";
import { States } from "./states";
import { Targets } from "./targets";

/** What this document states, from its start to its end. */
class Capture {
  #seeing = false;
  #recorded = true; // until the worker has said that it is not, all is kept
  #outbox = new Outbox({ on: (told, again) => this.#on(told, again), off: () => this.#off() });
  #states: States = new States({
    state: (n, state, focus) => {
      const t = now();
      this.#log.push(() => {
        const number = focus ? { focus: this.#targets.number(focus) } : {};
        this.#outbox.add({ k: "state", t, n, ...state, ...number });
      });
    },
    root: (root) => this.#listeners.armRoot(root),
  });
  #targets = new Targets(
    () => this.#states.epoch(),
    (n, print) => this.#outbox.add({ k: "target", t: now(), n, ...print }),
  );
  #page = handOver();
  #log: Log = new Log(
    this.#outbox,
    this.#targets,
    () => this.#listeners.warm(),
    () => this.#page.dispatchEvent(new Event(PULL)),
  );
  #dialogs = new Dialogs(this.#log, this.#outbox, () => this.#seeing, this.#page);
  #listeners: Listeners = new Listeners(this.#log, this.#states, this.#targets, {
    acted: () => this.#dialogs.stayed(),
    leaving: (event) => this.#dialogs.leaving(event),
  });

  start(): void {
    this.#begin();
    this.#see();
    this.#outbox.wake();
    // document.open() takes every listener away; what comes then shows as other children of the document.
    new MutationObserver(() => this.#arm()).observe(document, { childList: true });
    this.#arm();
    chrome.runtime.onMessage.addListener((message: Wake) => {
      if (message.m === "wake") this.#outbox.wake();
    });
    this.#page.addEventListener(ATTACHED, () => {
      forgetRoots();
      this.#states.changed();
    });
    this.#page.addEventListener(CLOSING, () => this.#end());
    this.#page.addEventListener(READ, (event) => {
      if (!this.#recorded) return;
      const portion: Pick<ClockItem, "read" | "by" | "first" | "values" | "times"> = JSON.parse(
        (event as CustomEvent<string>).detail,
      );
      const t = now();
      this.#log.push(() => this.#outbox.add({ k: "clock", t, base: performance.timeOrigin, ...portion }));
    });
    const written = async () => {
      this.#listeners.flush();
      await this.#log.idle();
      return this.#outbox.written();
    };
    const end = () => this.#end();
    Object.assign(globalThis, { __reenact: probeOf(this.#states, written, end) });
  }

  #hide = () => this.#end();
  #show = (event: PageTransitionEvent) => {
    if (!event.persisted) return;
    this.#outbox.renew();
    if (!this.#recorded) return;
    this.#outbox.add({ k: "shown", t: now() });
    this.#states.again();
  };
  #load = () => {
    forgetRoots();
    this.#states.changed();
  };

  #arm(): void {
    if (this.#seeing) this.#listeners.arm();
    addEventListener("load", this.#load);
    addEventListener("pagehide", this.#hide, { capture: true });
    addEventListener("pageshow", this.#show, { capture: true });
  }

  #begin(): void {
    this.#outbox.add({
      k: "start",
      t: now(),
      since: performance.timeOrigin,
      url: location.href.slice(0, 1 << 20),
      opaque: self.origin === "null",
      name: window.name.slice(0, 1024),
      ...place(),
      ...(window.parent === window && { about: about() }),
    });
  }

  #see(): void {
    this.#seeing = true;
    this.#listeners.start();
    this.#states.start();
  }

  #unsee(): void {
    this.#seeing = false;
    this.#listeners.stop();
    this.#states.stop();
  }

  #on(told: On, again: boolean): void {
    setMasks(told.mask);
    this.#recorded = true;
    if (again) {
      this.#unsee();
      this.#log.clear();
      this.#targets.restart();
      this.#states.restart();
      this.#begin();
    }
    if (told.paused && this.#seeing) {
      this.#listeners.flush();
      this.#log.finish();
      this.#unsee();
    } else if (!told.paused && !this.#seeing) this.#see();
  }

  #off(): void {
    this.#recorded = false;
    this.#page.dispatchEvent(new Event(UNWANTED));
    this.#unsee();
    this.#log.clear();
  }

  // A page that the browser may show again is told to have ended, too: nobody says so when it drops it.
  #end(): void {
    if (!this.#recorded) return;
    for (let n = 0; n < window.length; n++) endWithin(window[n]);
    this.#dialogs.gone();
    this.#listeners.flush();
    this.#log.finish();
    this.#outbox.add({ k: "end", t: now() });
    this.#outbox.flush(true);
  }
}

/** What a page sees of the browser: it is the expert's own, and nobody else can say. */
function about(): About {
  const set = (query: string) => matchMedia(query).matches;
  return {
    width: innerWidth,
    height: innerHeight,
    scale: devicePixelRatio,
    locale: navigator.language,
    languages: [...navigator.languages],
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    dark: set("(prefers-color-scheme: dark)"),
    reduced_motion: set("(prefers-reduced-motion: reduce)"),
  };
}

/** Which of its parent's frames this is. */
function place(): { index?: number } {
  for (let n = 0; window.parent !== window && n < window.parent.length; n++) {
    if (window.parent[n] === window) return { index: n };
  }
  return {};
}

/** Ends a frame of a page that goes. A closed window tells its frames of it only when nobody hears them any more. */
function endWithin(frame: Window | undefined): void {
  try {
    (frame as (Window & { __reenact?: Probe }) | undefined)?.__reenact?.end();
  } catch {
    // of another origin: it is in another process, or out of reach
  }
}

const capture = new Capture();
// A page that is fetched ahead was not seen by anybody yet.
if ((document as Document & { prerendering?: boolean }).prerendering) {
  document.addEventListener("prerenderingchange", () => capture.start(), { once: true });
} else capture.start();
