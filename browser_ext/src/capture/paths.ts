// Where an element is: CSS and XPath, within its root.
import { isCounted } from "./counted";
import { attribute, children, localName, parentNode, rootOf, shadowOf } from "./dom";

const TEST_IDS = ["data-testid", "data-test-id", "data-test", "data-cy", "data-qa"];

/** The name of the attribute that tests find it by, and its value. */
export function testId(element: Element): [string, string] | null {
  for (const name of TEST_IDS) {
    const value = attribute(element, name);
    if (value) return [name, value];
  }
  return null;
}

/** Its id, where that is no count. */
export function idOf(element: Element): string {
  const id = attribute(element, "id");
  return isCounted(id) ? "" : id;
}

/**
 * Where an element is within its root. `css` matches it alone: by an id of its own or around it, else by places; `xpath`
 * are the places from the document's root down, none in a shadow root, which XPath does not know.
 */
export function pathsOf(element: Element): { css: string; xpath: string } {
  const root = rootOf(element);
  const css: string[] = [];
  const xpath: string[] = [];
  let named = false;
  let at: Node | null = element;
  for (; at instanceof Element; at = parentNode(at)) {
    const name = localName(at);
    const [place, alike] = placeOf(at, name);
    const own: string | null = named || !root ? null : ownName(at, root);
    if (!named) css.unshift(own ?? CSS.escape(name) + (alike > 1 ? `:nth-of-type(${place})` : ""));
    named ||= own !== null;
    const plain = PLAIN.test(name) && at.namespaceURI === HTML;
    xpath.unshift(plain ? `${name}[${place}]` : `*[local-name()="${name.replace(/"/g, "")}"][${place}]`);
  }
  return {
    css: css.join(" > ").slice(0, 8192),
    xpath: at instanceof Document ? `/${xpath.join("/")}`.slice(0, 8192) : "",
  };
}

const PLAIN = /^[a-z][a-z0-9-]*$/;
const HTML = "http://www.w3.org/1999/xhtml";
const MANY = 30;
const counting = new Map<string, [XPathExpression, XPathExpression]>();

/** Which of its siblings of the same name an element is, from 1, and how many they are. */
function placeOf(element: Element, name: string): [number, number] {
  const parent = parentNode(element);
  if (!(parent instanceof Element || parent instanceof ShadowRoot)) return [1, 1];
  const siblings = children(parent);
  if (siblings.length === 1) return [1, 1];
  if (siblings.length > MANY && parent instanceof Element && PLAIN.test(name)) {
    // The browser counts faster.
    let made = counting.get(name);
    if (!made) {
      const along = (axis: string) => document.createExpression(`count(${axis}-sibling::${name})`);
      made = [along("preceding"), along("following")];
      if (counting.size < 200) counting.set(name, made);
    }
    const [before, after] = made.map((one) => one.evaluate(element, XPathResult.NUMBER_TYPE).numberValue);
    return [(before ?? 0) + 1, (before ?? 0) + (after ?? 0) + 1];
  }
  let place = 0;
  let alike = 0;
  for (const sibling of siblings) {
    if (localName(sibling) !== name) continue;
    alike++;
    if (sibling === element) place = alike;
  }
  return [place, alike];
}

function ownName(element: Element, root: Document | ShadowRoot): string | null {
  const id = idOf(element);
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

/** The CSS paths of the shadow hosts around an element, outermost first, and whether one of their roots is closed. */
export function shadowPath(element: Element): { shadow: string[]; closed: boolean } {
  const shadow: string[] = [];
  let closed = false;
  for (let root = rootOf(element); root instanceof ShadowRoot; root = rootOf(root.host)) {
    shadow.unshift(pathsOf(root.host).css);
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
  const root = shadowOf(element);
  return root ? [root] : [];
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
