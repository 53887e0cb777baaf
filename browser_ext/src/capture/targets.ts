// The numbers of targets: a fingerprint is stated once; another one of the same element gets another number.
import { attribute, focused, localName } from "./dom";
import { controlOf, type Print, printOf } from "./prints";

interface Known {
  print: Print;
  epoch: number;
  numbers: Map<string, number>; // by what a fingerprint looks like
}

/** `epoch` counts the changes of the document: a fingerprint made since the last one is as good as one made now. */
export class Targets {
  #known = new WeakMap<Element, Known>();
  #controls = new WeakMap<Print, { element: Element; print: Print }>();
  #last = 0;

  constructor(
    private readonly epoch: () => number,
    private readonly state: (n: number, print: Print & { control?: number }) => void,
  ) {}

  /** The element's fingerprint as of now. */
  print(element: Element): Print {
    const epoch = this.epoch();
    const known = this.#known.get(element);
    if (known?.epoch === epoch) return known.print;
    const print = printed(element);
    const control = controlOf(element);
    if (control) this.#controls.set(print, { element: control, print: this.print(control) });
    this.#known.set(element, { print, epoch, numbers: known?.numbers ?? new Map() });
    return print;
  }

  /** Its number, with the fingerprint that was made when it was acted on, or the last one, or one made now. */
  number(element: Element, print = this.#known.get(element)?.print ?? this.print(element)): number {
    const numbers = this.#known.get(element)?.numbers ?? new Map<string, number>();
    // What moves is still the same.
    const looks = JSON.stringify({ ...print, rect: undefined });
    let n = numbers.get(looks);
    if (n === undefined) {
      const around = this.#controls.get(print);
      const control = around && this.number(around.element, around.print);
      n = ++this.#last;
      numbers.set(looks, n);
      if (!this.#known.has(element)) this.#known.set(element, { print, epoch: -1, numbers });
      this.state(n, control ? { ...print, control } : print);
    }
    return n;
  }

  /** From here on nothing was stated. */
  restart(): void {
    this.#known = new WeakMap();
    this.#last = 0;
  }
}

/** A fingerprint even of an element of a page that defends itself. */
export function printed(element: Element): Print {
  try {
    return printOf(element);
  } catch {
    return {
      tag: String(localName(element)).slice(0, 1024),
      id: attribute(element, "id").slice(0, 1024),
      masked: true,
    };
  }
}

/** What has the focus, null for the page itself. */
export function activeElement(): Element | null {
  const element = focused();
  return element === document.body || element === document.documentElement ? null : element;
}
