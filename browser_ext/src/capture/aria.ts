// The document as assistive technology has it, in the manner of Playwright's ARIA snapshots (YAML).
import { attribute, line, localName, shadowOf } from "./dom";
import { dots, isMasked } from "./masks";
import { isNamedByContent, nameOf, roleOf } from "./names";

const MOST_LINES = 10_000;
const UNSEEN = new Set(["script", "style", "noscript", "template", "head"]);
const FLAGS = ["checked", "disabled", "expanded", "pressed", "selected"];
// Roles that are never checked, pressed or the like.
const PLAIN = new Set(
  (
    "article banner cell columnheader complementary contentinfo definition document figure heading img iframe list " +
    "listitem main navigation paragraph region rowgroup rowheader separator table term"
  ).split(" "),
);

type Piece = string | Node_;
interface Node_ {
  head: string;
  name: string;
  pieces: Piece[];
}

/** The snapshot of the whole document, without what is hidden. */
export function ariaOf(): string {
  if (!document.body) return "";
  const budget = { left: MOST_LINES };
  const lines: string[] = [];
  try {
    for (const piece of joined(piecesIn(document.body, budget))) write(piece, "", lines);
  } catch {
    lines.push("- text: … (nested too deep)");
  }
  if (budget.left <= 0) lines.push("- text: … (cut)");
  return lines.join("\n");
}

function piecesIn(parent: Element | ShadowRoot, budget: { left: number }): Piece[] {
  const pieces: Piece[] = [];
  const shadow = parent instanceof Element ? shadowOf(parent) : null;
  const slot = parent instanceof HTMLSlotElement ? parent.assignedNodes() : [];
  const nodes = shadow ? shadow.childNodes : slot.length > 0 ? slot : parent.childNodes;
  for (const node of nodes) {
    if (budget.left <= 0) break;
    if (node.nodeType === Node.TEXT_NODE) pieces.push((node as Text).data);
    else if (node.nodeType === Node.ELEMENT_NODE) pieces.push(...ofElement(node as Element, budget));
  }
  return pieces;
}

function ofElement(element: Element, budget: { left: number }): Piece[] {
  const tag = localName(element);
  if (UNSEEN.has(tag) || attribute(element, "aria-hidden") === "true") return [];
  if (!element.checkVisibility({ visibilityProperty: true })) {
    if (getComputedStyle(element).display !== "contents") return [];
  }
  if (tag === "br") return [" "];
  const role = tag === "iframe" ? "iframe" : roleOf(element);
  if (!role || role === "generic") {
    const block = tag === "div" || tag === "p";
    const inner = piecesIn(element, budget);
    return block ? [" ", ...inner, " "] : inner;
  }
  budget.left--;
  const name = nameOf(element, role);
  const value = valueIn(element);
  const pieces = value !== null ? [value] : tag === "svg" ? [] : piecesIn(element, budget);
  return [{ head: role + flags(element, role), name: isNamedByContent(role) || name ? name : "", pieces }];
}

function valueIn(element: Element): string | null {
  if (element instanceof HTMLInputElement) {
    if (["checkbox", "radio", "button", "submit", "reset", "image", "file"].includes(element.type)) return "";
    return isMasked(element) ? dots(element.value) : line(element.value, 1000);
  }
  if (element instanceof HTMLTextAreaElement)
    return isMasked(element) ? dots(element.value) : line(element.value, 1000);
  return null;
}

function flags(element: Element, role: string): string {
  let said = "";
  for (const flag of PLAIN.has(role) ? [] : FLAGS) {
    let value = attribute(element, `aria-${flag}`);
    const field = element as HTMLInputElement;
    if (flag === "checked" && element instanceof HTMLInputElement && /checkbox|radio/.test(element.type)) {
      value = field.indeterminate ? "mixed" : String(field.checked);
    } else if (flag === "disabled" && !value && element.matches(":disabled")) value = "true";
    else if (flag === "selected" && element instanceof HTMLOptionElement) value = String(element.selected);
    else if (flag === "expanded" && element instanceof HTMLDetailsElement) value = String(element.open);
    if (value === "true") said += ` [${flag}]`;
    else if (value === "mixed") said += ` [${flag}=mixed]`;
  }
  const level = role === "heading" ? attribute(element, "aria-level") || localName(element).slice(1) : "";
  return /^[1-9]$/.test(level) ? `${said} [level=${level}]` : said;
}

function joined(pieces: Piece[]): Piece[] {
  const made: Piece[] = [];
  let text = "";
  const end = () => {
    const words = line(text, 1000);
    if (words) made.push(words);
    text = "";
  };
  for (const piece of pieces) {
    if (typeof piece === "string") text += piece;
    else {
      end();
      made.push(piece);
    }
  }
  end();
  return made;
}

function write(piece: Piece, indent: string, lines: string[]): void {
  if (typeof piece === "string") {
    lines.push(`${indent}- text: ${scalar(piece)}`);
    return;
  }
  const [role, ...rest] = piece.head.split(" ");
  const name = piece.name ? ` ${JSON.stringify(piece.name)}` : "";
  const head = `${indent}- ${role}${name}${rest.length ? ` ${rest.join(" ")}` : ""}`;
  const inner = joined(piece.pieces);
  const only = inner.length === 1 && typeof inner[0] === "string" ? inner[0] : null;
  if (inner.length === 0 || only === piece.name) lines.push(head);
  else if (only !== null) lines.push(`${head}: ${scalar(only)}`);
  else {
    lines.push(`${head}:`);
    for (const next of inner) write(next, `${indent}  `, lines);
  }
}

/** As a YAML value: in quotes where it could be read as something else. */
function scalar(text: string): string {
  return /^[\p{L}\p{N}(][^:#"'\\]*$/u.test(text) && !/^(true|false|null|yes|no|on|off|[\d.,+-]+)$/i.test(text)
    ? text
    : JSON.stringify(text);
}
