// Where an element is: CSS and XPath, within its root.
import { attribute, children, localName, parentNode, rootOf } from "./dom";

const TEST_IDS = ["data-testid", "data-test-id", "data-test", "data-cy", "data-qa"];

/** The name of the attribute that tests find it by, and its value. */
export function testId(element: Element): [string, string] | null {
  for (const name of TEST_IDS) {
    const value = attribute(element, name);
    if (value) return [name, value];
  }
  return null;
}

/** A selector that matches the element alone within its root: by an id of its own or around it, else by places. */
export function cssPath(element: Element): string {
  const root = rootOf(element);
  const steps: string[] = [];
  for (let at: Element | null = element; at; ) {
    const own = root && ownName(at, root);
    if (own) {
      steps.unshift(own);
      break;
    }
    const parent: Node | null = parentNode(at);
    const name = CSS.escape(localName(at));
    if (!(parent instanceof Element)) {
      steps.unshift(parent instanceof ShadowRoot ? name + place(at, [...parent.children]) : name);
      break;
    }
    steps.unshift(name + place(at, children(parent)));
    at = parent;
  }
  return steps.join(" > ").slice(0, 8192);
}

function ownName(element: Element, root: Document | ShadowRoot): string | null {
  const id = attribute(element, "id");
  if (id && id.length <= 128 && !/\d{3,}|:/.test(id)) {
    const selector = `#${CSS.escape(id)}`;
    if (root.querySelectorAll(selector).length === 1) return selector;
  }
  const test = testId(element);
  if (test && test[1].length <= 128) {
    const selector = `[${test[0]}="${CSS.escape(test[1])}"]`;
    if (root.querySelectorAll(selector).length === 1) return selector;
  }
  return null;
}

function place(element: Element, siblings: Iterable<Element>): string {
  const name = localName(element);
  let alike = 0;
  let mine = 0;
  for (const sibling of siblings) {
    if (localName(sibling) !== name) continue;
    alike++;
    if (sibling === element) mine = alike;
  }
  return alike > 1 ? `:nth-of-type(${mine})` : "";
}

/** The places from the document's root down; none within a shadow root, which XPath does not know. */
export function xPath(element: Element): string {
  const steps: string[] = [];
  let at: Node | null = element;
  for (; at instanceof Element; at = parentNode(at)) {
    let n = 1;
    const name = localName(at);
    for (let s = at.previousElementSibling; s; s = s.previousElementSibling) if (localName(s) === name) n++;
    const known = /^[a-z][a-z0-9-]*$/.test(name) && at.namespaceURI === "http://www.w3.org/1999/xhtml";
    steps.unshift(known ? `${name}[${n}]` : `*[local-name()="${name.replace(/"/g, "")}"][${n}]`);
  }
  return at instanceof Document ? `/${steps.join("/")}`.slice(0, 8192) : "";
}

/** The CSS paths of the shadow hosts around an element, outermost first, and whether one of their roots is closed. */
export function shadowPath(element: Element): { shadow: string[]; closed: boolean } {
  const shadow: string[] = [];
  let closed = false;
  for (let root = rootOf(element); root instanceof ShadowRoot; root = rootOf(root.host)) {
    shadow.unshift(cssPath(root.host));
    closed ||= root.mode === "closed";
  }
  return { shadow, closed };
}

/** The elements that a fingerprint's shadow path and CSS lead to. */
export function byCss(shadow: string[], css: string): Element[] {
  let roots: (Document | ShadowRoot)[] = [document];
  for (const host of shadow) roots = roots.flatMap((root) => all(root, host).flatMap(rootIn));
  return roots.flatMap((root) => all(root, css));
}

function rootIn(element: Element): ShadowRoot[] {
  const root =
    element.shadowRoot ?? (element instanceof HTMLElement ? chrome.dom.openOrClosedShadowRoot(element) : null);
  return root ? [root as ShadowRoot] : [];
}

function all(root: Document | ShadowRoot, css: string): Element[] {
  try {
    return [...root.querySelectorAll(css)];
  } catch {
    return [];
  }
}

export function byXPath(xpath: string): Element[] {
  if (!xpath) return [];
  try {
    const found = document.evaluate(xpath, document, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null);
    return Array.from({ length: found.snapshotLength }, (_, n) => found.snapshotItem(n)).filter(
      (n) => n instanceof Element,
    );
  } catch {
    return [];
  }
}
