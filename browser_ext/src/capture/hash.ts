// A document's content and form values as one number of 64 bits: what a replay waits for before it acts.
import { uncounted } from "./counted";
import { attributes, firstChild, localName, nextSibling, parentNode, shadowOf, title } from "./dom";
import { dots, isMasked } from "./masks";

// What shows nothing of itself.
const UNSEEN = new Set(["script", "style", "noscript", "template", "link", "meta", "head"]);
// What differs by chance.
const VOLATILE = new Set(["nonce"]);

let a = 0;
let b = 0;

function mix(text: string): void {
  for (let n = 0; n < text.length; n++) {
    const code = text.charCodeAt(n);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ 0xfffe, 2654435761);
  b = Math.imul(b ^ 0xfffe, 1597334677);
}

/** The hash of what the document shows (its title and body, through shadow roots, with what its fields hold), how many
 * elements that is, and its shadow roots. */
export function hashOf(): { dom: string; nodes: number; roots: ShadowRoot[] } {
  a = 0xdeadbeef;
  b = 0x41c6ce57;
  const roots: ShadowRoot[] = [];
  mix(title());
  const nodes = document.documentElement ? tree(document.documentElement, roots) : 0;
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return { dom: hex(a) + hex(b), nodes, roots };
}

const hex = (value: number) => (value >>> 0).toString(16).padStart(8, "0");

// Down and up again, without recursion but into shadow roots: a page may nest as deep as it likes.
function tree(top: Element | ShadowRoot, roots: ShadowRoot[]): number {
  let nodes = 0;
  let text = ""; // adjacent text nodes count as one
  for (let node: Node = top; ; ) {
    let down: Node | null = null;
    if (node.nodeType === Node.TEXT_NODE) text += (node as Text).data;
    else if (node.nodeType !== Node.COMMENT_NODE) {
      if (text) mix(text);
      text = "";
      if (!(node instanceof Element)) down = node.firstChild;
      else if (!UNSEEN.has(localName(node))) {
        nodes += 1 + one(node, roots);
        down = node instanceof HTMLFormElement ? firstChild(node) : node.firstChild;
      }
    }
    if (down) {
      node = down;
      continue;
    }
    for (;;) {
      if (node === top) {
        if (text) mix(text);
        mix("");
        return nodes;
      }
      const next: Node | null = node instanceof HTMLFormElement ? nextSibling(node) : node.nextSibling;
      if (next) {
        node = next;
        break;
      }
      // Leaving an element counts, so that siblings and children differ.
      if (text) mix(text);
      text = "";
      mix("");
      node = parentNode(node) ?? top;
    }
  }
}

function one(element: Element, roots: ShadowRoot[]): number {
  mix(localName(element));
  const all = attributes(element);
  // Attributes keep the order in which they were set, which differs by chance: their sum does not.
  let first = 0;
  let second = 0;
  const outerA = a;
  const outerB = b;
  for (let n = 0; n < all.length; n++) {
    const attribute = all[n];
    if (!attribute || VOLATILE.has(attribute.name)) continue;
    if (attribute.name === "value" && (isMasked(element) || isHidden(element))) continue;
    a = 1;
    b = 2;
    mix(attribute.name);
    mix(lasting(attribute));
    first = (first + a) | 0;
    second = (second + b) | 0;
  }
  a = Math.imul(outerA ^ first, 2654435761);
  b = Math.imul(outerB ^ second, 1597334677);
  const held = heldBy(element);
  if (held !== null) mix(held);
  const root = shadowOf(element);
  if (!root) return 0;
  roots.push(root);
  mix("#shadow");
  return tree(root, roots);
}

/** The value without what it has by chance. */
function lasting({ name, value }: Attr): string {
  if (value.startsWith("blob:")) return "blob:";
  return name === "id" || name === "for" || name.startsWith("aria-") ? uncounted(value) : value;
}

// Nobody sees what it holds: tokens of one session mostly. It is judged with the request that carries it.
function isHidden(element: Element): boolean {
  return element instanceof HTMLInputElement && element.type === "hidden";
}

/** What a field holds, as far as it is not in its attributes; null for what is no field. */
export function heldBy(element: Element): string | null {
  if (element instanceof HTMLInputElement) {
    if (element.type === "checkbox" || element.type === "radio") return `${element.checked} ${element.indeterminate}`;
    if (isHidden(element)) return null;
    if (element.type === "file") return [...(element.files ?? [])].map((file) => file.name).join("\n");
    return isMasked(element) ? dots(element.value) : element.value;
  }
  if (element instanceof HTMLTextAreaElement) return isMasked(element) ? dots(element.value) : element.value;
  if (element instanceof HTMLSelectElement)
    return [...element.selectedOptions].map((option) => option.value).join("\n");
  return null;
}
