// What a player and a drift search ask of a document: `__reenact`, in the extension's world, never in the page's.

import { ariaOf } from "./aria";
import { elementAt, focused, type Rect, rectOf } from "./dom";
import { roleOf } from "./names";
import { byCss, byXPath } from "./paths";
import type { Print } from "./prints";
import { type State, type States, stateOf } from "./states";
import { printed } from "./targets";

const MOST = 2000;

export interface Probe {
  /** The fingerprint of what a mouse event at this point of the frame hits; an iframe is an element. */
  probe(x: number, y: number): Print | null;
  /** That of what has the focus. */
  active(): Print | null;
  /** What the document is now; nothing is stated. */
  state(): State;
  /** States what the document is now, unless that was stated; returns it. */
  emit(): State;
  /** States what the document is now, if it was said to hold something else. */
  renew(): void;
  /** Resolves when the page shows what it is now, also of what is under a resting pointer. */
  drawn(): Promise<void>;
  /** The document's hash alone, of which a replay asks before each input. */
  dom(): string;
  /** Resolves when all that was seen so far is written, with the number of the last. */
  written(): Promise<number>;
  /** States the document's end: the page that it is a frame of goes. */
  end(): void;
  /** The elements that its CSS, or else its XPath, matches, with where they are. */
  find(target: Partial<Print>): [Rect, Print][];
  /** All elements of its role, or else of its tag. */
  candidates(target: Partial<Print>): [Rect, Print][];
}

export function probeOf(states: States, written: () => Promise<number>, end: () => void): Probe {
  const pair = (element: Element): [Rect, Print] => [rectOf(element), printed(element)];
  return {
    probe(x, y) {
      const element = elementAt(x, y);
      return element && printed(element);
    },
    active() {
      const element = focused();
      return element && printed(element);
    },
    drawn() {
      return states.drawn();
    },
    dom() {
      return stateOf().dom;
    },
    state() {
      const { roots: _, ...state } = stateOf();
      return { ...state, aria: ariaOf() };
    },
    emit() {
      return states.emit(true);
    },
    renew() {
      states.renew();
    },
    written,
    end,
    find(target) {
      const found = new Set(target.css ? byCss(target.shadow ?? [], target.css) : []);
      if (found.size === 0 && !target.shadow?.length)
        for (const element of byXPath(target.xpath ?? "")) found.add(element);
      return [...found].slice(0, MOST).map(pair);
    },
    candidates(target) {
      const { roots } = stateOf();
      const found: Element[] = [];
      for (const root of [document, ...roots]) {
        for (const element of root.querySelectorAll("*")) {
          if (target.role ? roleOf(element) !== target.role : element.localName !== target.tag) continue;
          if (found.push(element) >= MOST) break;
        }
      }
      return found.map(pair);
    },
  };
}
