// What the document is whenever it rests: computed a while after it changed, never in a listener.
import type { StateItem } from "../wire";
import { ariaOf } from "./aria";
import { cents, matches, title } from "./dom";
import { hashOf, heldBy } from "./hash";
import { activeElement } from "./targets";

const REST = 100;
const LONGEST = 1000;
const IDLE = { timeout: 200 };
const FIELDS = "input,textarea,select";
const MOST_FIELDS = 500;
const MOST_FRAMES = 3;

export type State = Omit<StateItem, "k" | "s" | "t" | "n" | "focus"> & { aria: string };

/** What the document is now. */
export function stateOf(): State & { roots: ShadowRoot[] } {
  const { dom, nodes, roots } = hashOf();
  return {
    url: location.href.slice(0, 1 << 20),
    title: title(),
    dom,
    aria: "",
    settled: document.readyState === "complete",
    scroll: [cents(scrollX), cents(scrollY)],
    nodes,
    roots,
  };
}

/** Resolves when the page was drawn as it is now and knows what is under a resting pointer: styles show things by that.
 * A page that is not shown is not drawn. */
async function drawn(pointer: MouseEvent | null): Promise<void> {
  const most = window.parent === window ? LONGEST / REST : 2; // a frame out of sight is not drawn
  for (let n = 0, frames = 0; n < most && frames < MOST_FRAMES && !document.hidden; n++) {
    void document.documentElement?.offsetHeight;
    const came = await new Promise<boolean>((done) => {
      requestAnimationFrame(() => done(true));
      setTimeout(() => done(false), REST);
    });
    if (came && (!pointer || isHovered(pointer.clientX, pointer.clientY))) return;
    frames += Number(came);
  }
}

/** Whether styles take what is at this point for what the pointer is over; so, too, where it is over none of this. */
function isHovered(x: number, y: number): boolean {
  const under = document.elementFromPoint(x, y);
  if (!under || !document.querySelector(":hover")) return true;
  return matches(under, ":hover") && !under.querySelector(":hover");
}

export interface Stated {
  /** States this as the n-th state, `focus` being the element that has the focus. */
  state(n: number, state: Omit<State, "aria"> & { aria?: string }, focus: Element | null): void;
  /** A shadow root that was not known before. */
  root(root: ShadowRoot): void;
}

/** Watches the document and states what it is when its changes have rested. */
export class States {
  #observer = new MutationObserver(() => this.changed());
  #roots = new Set<WeakRef<ShadowRoot>>();
  #known = new WeakSet<ShadowRoot>();
  #epoch = 0;
  #n = 0;
  #dirty = false;
  #since = 0;
  #latest = 0;
  #timer = 0;
  #cost = 0;
  #looks = 0;
  #last: { key: string; aria: string; held: string } = { key: "", aria: "", held: "" };
  #on = false;
  #loading = false;
  #pointer: MouseEvent | null = null;

  constructor(private readonly stated: Stated) {}

  /** Nothing was stated so far. */
  restart(): void {
    this.#n = 0;
    this.#last = { key: "", aria: "", held: "" };
  }

  /** The document is shown again after it had ended: what it is now is stated even where it is as before. */
  again(): void {
    this.#last.key = "";
    this.changed();
  }

  start(): void {
    this.#on = true;
    if (document.readyState === "loading") {
      // All that comes until it is parsed is a change: to be told of each would cost more than the look at it.
      this.#loading = true;
      const parsed = () => this.#loading && this.#on && this.#watch();
      document.addEventListener("DOMContentLoaded", parsed, { once: true });
      setTimeout(parsed, LONGEST);
      this.changed();
    } else this.#watch();
  }

  #watch(): void {
    this.#loading = false;
    this.#observe(document);
    for (const held of this.#roots) {
      const root = held.deref();
      if (root) this.#observe(root);
    }
    this.changed();
  }

  stop(): void {
    this.#on = this.#loading = false;
    this.#observer.disconnect();
    clearTimeout(this.#timer);
    this.#dirty = false;
  }

  /** Counts the document's changes. */
  epoch(): number {
    if (this.#loading || this.#observer.takeRecords().length > 0) this.changed();
    return this.#epoch;
  }

  /** The number of the last state, if nothing changed since it was computed. */
  current(): number | undefined {
    this.epoch();
    return this.#dirty || this.#n === 0 ? undefined : this.#n;
  }

  /** Something changed, in the document or in what its fields hold. */
  changed(): void {
    this.#epoch++;
    if (!this.#on) return;
    this.#latest = performance.now();
    if (this.#dirty) return;
    this.#dirty = true;
    this.#since = this.#latest;
    this.#arm(REST);
  }

  /** A script may set what a field holds without a trace in the document: looked at now and then. */
  look(): void {
    const began = performance.now();
    if (this.#dirty || began < this.#looks) return;
    if (this.#held() !== this.#last.held) this.changed();
    const now = performance.now();
    this.#looks = now + 50 * (now - began);
  }

  /** Resolves when the page shows what it is now. */
  drawn(): Promise<void> {
    return drawn(this.#pointer);
  }

  /** Where the pointer was seen last. */
  pointed(event: MouseEvent): void {
    this.#pointer = event;
  }

  /** States what the document is now, unless that was stated already; `whole`: what it says and offers may have changed
   * by styles alone. */
  emit(whole = false): State {
    this.#observer.takeRecords();
    const began = performance.now();
    const { roots, ...state } = stateOf();
    for (const root of roots) this.#meet(root);
    this.#dirty = false;
    clearTimeout(this.#timer);
    this.#last.held = this.#held();
    const key = `${state.dom} ${state.settled} ${state.url}\n${state.title}`;
    state.aria = this.#last.aria;
    const same = key === this.#last.key;
    if (this.#on && (whole || !same)) {
      const aria = ariaOf();
      if (!same || aria !== this.#last.aria) {
        const { aria: _, ...rest } = state;
        this.stated.state(++this.#n, aria === this.#last.aria ? rest : { ...rest, aria }, activeElement());
      }
      this.#last.key = key;
      this.#last.aria = state.aria = aria;
    }
    this.#cost = performance.now() - began;
    return state;
  }

  /** States what the document is now, if it was said to hold something else. */
  renew(): void {
    if (!this.#last.key.startsWith(`${stateOf().dom} `)) this.emit();
  }

  /** A shadow root, which is watched from now on. */
  meet(root: ShadowRoot): void {
    if (!this.#known.has(root)) this.changed();
    this.#meet(root);
  }

  #meet(root: ShadowRoot): void {
    if (this.#known.has(root)) return;
    this.#known.add(root);
    this.#roots.add(new WeakRef(root));
    if (this.#on && !this.#loading) this.#observe(root);
    this.stated.root(root);
  }

  #observe(root: Node): void {
    this.#observer.observe(root, { subtree: true, childList: true, characterData: true, attributes: true });
  }

  #held(): string {
    const fields = document.querySelectorAll(FIELDS);
    const held: string[] = [];
    for (let n = 0; n < fields.length && n < MOST_FIELDS; n++) held.push(heldBy(fields[n] as Element) ?? "");
    return held.join("\0");
  }

  // A costly page is looked at less often: at most a fifth of its time goes into this.
  #arm(wait: number): void {
    this.#timer = setTimeout(() => {
      const now = performance.now();
      const whole = document.readyState === "complete"; // before that more is to come
      const rest = whole ? Math.max(REST, 2 * this.#cost) - (now - this.#latest) : LONGEST;
      const left = Math.min(rest, Math.max(LONGEST, 4 * this.#cost) - (now - this.#since));
      if (left > 1) this.#arm(left);
      else void this.drawn().then(() => requestIdleCallback(() => this.#dirty && this.#on && this.emit(), IDLE));
    }, wait) as unknown as number;
  }
}
