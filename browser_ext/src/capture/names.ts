// Roles and names as assistive technology has them, by dom-accessibility-api; the many plain ones without its cost.
import { computeAccessibleName, getRole } from "dom-accessibility-api";
import { attribute, childCount, line, localName, parentNode, rootOf, textContent, textIn } from "./dom";
import { isMasked } from "./masks";

// Roles whose name is what is in them.
const NAMED_BY_CONTENT = new Set(
  (
    "button cell checkbox columnheader gridcell heading link menuitem menuitemcheckbox menuitemradio option radio row " +
    "rowheader switch tab tooltip treeitem"
  ).split(" "),
);
const NAMING = ["aria-label", "aria-labelledby", "title"];
const MOST_INNER = 60;

/** An element's role; "" for none. */
export function roleOf(element: Element): string {
  // A form's fields can stand in front of what the library asks it.
  const form = element instanceof HTMLFormElement;
  const role = form ? attribute(element, "role") || "form" : (getRole(element) ?? "");
  const name = localName(element);
  if (role === "banner" || role === "contentinfo") {
    return attribute(element, "role") || !element.closest("article,aside,main,nav,section") ? role : "";
  }
  if ((role === "form" || role === "region") && !attribute(element, "role")) {
    return NAMING.some((name) => attribute(element, name)) ? role : "";
  }
  if (role === "columnheader" && name === "th" && attribute(element, "scope") === "row") return "rowheader";
  if (role === "" && name === "p") return "paragraph";
  if (role === "" && name === "input" && (element as HTMLInputElement).type === "password") return "textbox";
  return role === "document" || role === "legend" || role === "presentation" || role === "none" ? "" : role;
}

/** An element's accessible name, one line. */
export function nameOf(element: Element, role = roleOf(element)): string {
  const plain = NAMING.every((name) => !attribute(element, name));
  const inner = childCount(element);
  if (plain && NAMED_BY_CONTENT.has(role) && !(element instanceof HTMLInputElement)) {
    if (inner === 0) return line(textContent(element) ?? "", 200);
    if (element.getElementsByTagName("*").length > MOST_INNER) return textIn(element, 200);
    const words = wordsOf(element);
    if (words !== null) return line(words, 200);
  } else if (plain && isUnlabelled(element)) {
    return line(attribute(element, "placeholder"), 200);
  } else if (plain && inner > 0 && !(element instanceof HTMLFieldSetElement || element instanceof HTMLTableElement)) {
    if (!NAMED_BY_CONTENT.has(role) && !(element instanceof HTMLSelectElement)) return "";
  }
  try {
    return line(computeAccessibleName(element, { computedStyleSupportsPseudoElements: false }), 200);
  } catch {
    return ""; // a label that names itself in a circle, a detached node
  }
}

const BLOCKS = new Set("td th tr tbody p div li ul ol h1 h2 h3 h4 h5 h6 section article header footer br".split(" "));
const INLINE = new Set("span a b i u em strong small code kbd mark sub sup time abbr button".split(" "));
const TYPED = new Set(["text", "search", "email", "tel", "url"]);
const NAMED = [...NAMING, "role", "aria-hidden", "aria-owns"];

/** What a plain element says, as the library would tell it at ten times the cost; null where it is to be asked. */
function wordsOf(element: Element): string | null {
  let words = "";
  for (const node of element.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) words += (node as Text).data;
    else if (node instanceof Element) {
      const name = localName(node);
      const block = BLOCKS.has(name);
      const typed = node instanceof HTMLInputElement && TYPED.has(node.type) && !isMasked(node);
      if (!(block || typed || INLINE.has(name)) || NAMED.some((name) => node.hasAttribute(name))) return null;
      if (!node.checkVisibility({ visibilityProperty: true })) continue;
      const inner = typed ? node.value : wordsOf(node);
      if (inner === null) return null;
      words += block ? ` ${inner} ` : inner;
    }
  }
  return words;
}

// The controls of all labels, as of this turn: to ask one control for its labels looks through the whole document.
let labelled: Set<Element> | null = null;

function isUnlabelled(element: Element): boolean {
  if (!(element instanceof HTMLInputElement && TYPED.has(element.type)) && !(element instanceof HTMLTextAreaElement))
    return false;
  if (rootOf(element) !== document) return false;
  if (!labelled) {
    labelled = new Set();
    for (const label of document.querySelectorAll("label")) if (label.control) labelled.add(label.control);
    queueMicrotask(() => {
      labelled = null;
    });
  }
  return !labelled.has(element);
}

export const isNamedByContent = (role: string) => NAMED_BY_CONTENT.has(role);

/** What the labels of a field say. */
export function labelOf(element: Element): string {
  const labels = (element as HTMLInputElement).labels;
  if (labels instanceof NodeList && labels.length > 0) {
    return line([...labels].map((label) => textIn(label, 120, (inner) => inner === element)).join(" "));
  }
  const around = parentNode(element);
  return around instanceof HTMLLabelElement ? textIn(around) : "";
}
