// Reading a page's nodes as they are: a form's fields and a document's images may be named like any property of theirs
// (`<input name="parentNode">`), so what could be hidden so is read through the prototypes' own getters.

function getter<T extends Node, R>(prototype: T, name: string): (of: T) => R {
  const get = Object.getOwnPropertyDescriptor(prototype, name)?.get;
  if (!get) throw new Error(`no getter ${name}`);
  // It is many times faster to ask without them. Text that a field hides is no text; other nodes hide nothing.
  return (of) => {
    const plain = (of as unknown as Record<string, R>)[name] as R;
    if (typeof plain === "string" || typeof plain === "number" || plain === null) return plain;
    return of instanceof HTMLFormElement || of instanceof Document ? (Reflect.apply(get, of, []) as R) : plain;
  };
}

export const localName = getter<Element, string>(Element.prototype, "localName");
export const parentNode = getter<Node, Node | null>(Node.prototype, "parentNode");
export const firstChild = getter<Node, Node | null>(Node.prototype, "firstChild");
export const nextSibling = getter<Node, Node | null>(Node.prototype, "nextSibling");
export const attributes = getter<Element, NamedNodeMap>(Element.prototype, "attributes");
const elementChildren = getter<Element, HTMLCollection>(Element.prototype, "children");
export const childCount = getter<Element, number>(Element.prototype, "childElementCount");
export const children = (of: Element | ShadowRoot) => (of instanceof Element ? elementChildren(of) : of.children);
export const previousElement = getter<Element, Element | null>(Element.prototype, "previousElementSibling");
export const textContent = getter<Node, string | null>(Node.prototype, "textContent");
const openRoot = getter<Element, ShadowRoot | null>(Element.prototype, "shadowRoot");
const documentTitle = getter<Document, string>(Document.prototype, "title");
const getAttribute = Element.prototype.getAttribute;
const matchesOf: (selector: string) => boolean = Element.prototype.matches;
const closestOf: (selector: string) => Element | null = Element.prototype.closest;
const getRootNode = Node.prototype.getRootNode;
const getRect = Element.prototype.getBoundingClientRect;

export const title = () => String(documentTitle(document));

export function attribute(element: Element, name: string): string {
  const plain = typeof element.getAttribute === "function";
  return (plain ? element.getAttribute(name) : Reflect.apply(getAttribute, element, [name])) ?? "";
}

export type Rect = [number, number, number, number];

export function rectOf(element: Element): Rect {
  const { x, y, width, height } = Reflect.apply(getRect, element, []);
  return [cents(x), cents(y), cents(width), cents(height)];
}

/** A length that fits the trace's bounds: two decimals, no infinities. */
export function cents(value: number): number {
  return Number.isFinite(value) ? Math.round(Math.min(1e9, Math.max(-1e9, value)) * 100) / 100 : 0;
}

/** The document or the shadow root that an element is in; null for what is in neither any more. */
export function rootOf(node: Node): Document | ShadowRoot | null {
  const root = Reflect.apply(getRootNode, node, []);
  return root instanceof Document || root instanceof ShadowRoot ? root : null;
}

// The elements that may have a shadow root, next to custom ones.
const HOSTS = new Set(
  "article aside blockquote body div footer h1 h2 h3 h4 h5 h6 header main nav p section span".split(" "),
);

// To ask for a closed root costs microseconds: those that had none are remembered until the page attaches another.
let without = new WeakSet<Element>();

/** A shadow root may be where there was none. */
export function forgetRoots(): void {
  without = new WeakSet();
}

/** The shadow root of an element, open or closed; not the browser's own. */
export function shadowOf(element: Element): ShadowRoot | null {
  const open = openRoot(element);
  if (open || without.has(element) || !(element instanceof HTMLElement)) return open;
  const name = localName(element);
  if (!HOSTS.has(name) && !name.includes("-")) return null;
  const closed = chrome.dom.openOrClosedShadowRoot(element) as ShadowRoot | null;
  if (!closed) without.add(element);
  return closed;
}

/** The innermost element at a point of this frame. */
export function elementAt(x: number, y: number): Element | null {
  const found = document.elementFromPoint(x, y);
  const inner = found && inside(found, (root) => root.elementFromPoint(x, y));
  return inner && (slotAt(inner, x, y) ?? inner);
}

/** The slot that a host's own words at this point stand in: an event is at the slot, a point is said to be at the host. */
function slotAt(host: Element, x: number, y: number): Element | null {
  const root = shadowOf(host);
  for (const slot of root?.querySelectorAll("slot") ?? []) {
    for (const node of slot.assignedNodes()) {
      if (!(node instanceof Text)) continue;
      const range = document.createRange();
      range.selectNode(node);
      for (const { left, right, top, bottom } of range.getClientRects()) {
        if (left <= x && x < right && top <= y && y < bottom) return slot;
      }
    }
  }
  return null;
}

/** The innermost element that has the focus. */
export function focused(): Element | null {
  const found = document.activeElement;
  return found && inside(found, (root) => root.activeElement);
}

function inside(element: Element, next: (root: ShadowRoot) => Element | null): Element {
  for (let found = element; ; ) {
    const root = shadowOf(found);
    const inner = root && next(root);
    if (!inner || inner === found || !root.contains(inner)) return found;
    found = inner;
  }
}

/**
 * The innermost element that an event is at. What is in open roots is in the event's path; a closed one ends it at its
 * host, and where in it the event is follows from its point, or from the focus.
 */
export function targetOf(event: Event): Element | null {
  const host = event.target;
  if (!(host instanceof Element)) return host instanceof Node ? around(host) : null;
  const root = shadowOf(host);
  if (!root) return host;
  const first = event.composedPath()[0];
  const element = first instanceof Element ? first : around(first as Node);
  const own = element === host ? root : element && shadowOf(element);
  if (!element || !own || own.mode === "open") return element;
  if (event instanceof MouseEvent) {
    const { clientX, clientY } = event;
    return inside(element, (root) => root.elementFromPoint(clientX, clientY));
  }
  return inside(element, (root) => root.activeElement);
}

function around(node: Node): Element | null {
  const parent = parentNode(node);
  return parent instanceof Element ? parent : null;
}

/** The nearest element around this one, itself included, that matches, through shadow hosts. */
export function closest(element: Element, selector: string): Element | null {
  for (let at: Element | null = element; at; ) {
    const found: Element | null = Reflect.apply(closestOf, at, [selector]);
    if (found) return found;
    const root = rootOf(at);
    at = root instanceof ShadowRoot ? root.host : null;
  }
  return null;
}

/** Whether an element matches a selector. */
export function matches(element: Element, selector: string): boolean {
  return Reflect.apply(matchesOf, element, [selector]);
}

/** Text as people read it: one space between words, at most `most` characters. */
export function line(text: string, most = 120): string {
  return text
    .slice(0, most * 8)
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, most);
}

/** The text in an element, but for what `skip` says to leave out: the first `most` characters, at bounded cost. */
export function textIn(element: Element, most = 120, skip?: (element: Element) => boolean): string {
  if (!element.firstElementChild) return line(textContent(element) ?? "", most);
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, (node) => {
    if (node.nodeType === Node.TEXT_NODE) return NodeFilter.FILTER_ACCEPT;
    const name = localName(node as Element);
    const out = name === "script" || name === "style" || name === "template" || skip?.(node as Element);
    return out ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_SKIP;
  });
  let text = "";
  for (let looked = 0; looked < 400 && text.length < most * 2 && walker.nextNode(); looked++) {
    text += `${(walker.currentNode as Text).data.slice(0, most * 8)} `;
  }
  return line(text, most);
}
