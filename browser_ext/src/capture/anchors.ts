// What people tell an element apart by: the row it is in, its column, its item, its dialog, the heading above it.
import {
  attribute,
  children,
  closest,
  localName,
  matches,
  parentNode,
  previousElement,
  textContent,
  textIn,
} from "./dom";
import { nameOf } from "./names";

const CONTROL = new Set(["button", "input", "select", "textarea", "option"]);
const HEADING = "h1,h2,h3,h4,h5,h6,[role=heading]";
const ITEM = "li,[role=listitem],[role=option],[role=treeitem],[role=menuitem],article,[role=article]";
const MOST_ROWS = 200;

/** `control` is what the element is a part of, or is itself: a button, a link. */
export function anchorsOf(element: Element, control: Element | null): [string, string][] {
  const found: [string, string][] = [];
  const add = (kind: string, text: string) => {
    if (text) found.push([kind, text]);
  };
  const row = closest(element, "tr,[role=row]");
  if (row) {
    add("row", rowKey(row, element));
    add("column", columnOf(element, row));
  } else {
    // A control is no item of its own, though others are made like it: buttons in a row.
    const item = closest(element, ITEM) ?? repeated(control ? parentNode(control) : element, element);
    if (item) {
      const text = keyText(item, element);
      if (!counts(item, text, (other) => other, element)) add("item", text);
    }
  }
  const group = closest(element, "fieldset,[role=group],[role=radiogroup]");
  if (group && group !== element) add("group", nameOf(group));
  const dialog = closest(element, "dialog,[role=dialog],[role=alertdialog]");
  if (dialog && dialog !== element) add("dialog", nameOf(dialog) || headingIn(dialog));
  add("heading", headingAbove(element));
  return found;
}

/** What a container says but for its controls and the element itself. */
function keyText(container: Element, element: Element): string {
  return textIn(container, 80, (inner) => inner === element || isControl(inner));
}

function isControl(element: Element): boolean {
  return CONTROL.has(localName(element)) || attribute(element, "role") === "button";
}

/** The text of the row's first cell that no other row has there; else what the row says. */
function rowKey(row: Element, element: Element): string {
  const own = cellsOf(row);
  const headed = own.findIndex((cell) => localName(cell) === "th" || attribute(cell, "role") === "rowheader");
  const order = own.map((_, n) => n);
  if (headed > 0) order.unshift(...order.splice(headed, 1));
  for (const n of order) {
    const cell = own[n];
    if (!cell || cell.contains(element)) continue;
    const text = keyText(cell, element);
    if (!text || counts(row, text, (other) => other.children[n], element)) continue;
    if (isAlone(row, n)) return text;
  }
  return own
    .map((cell, n) => {
      const text = keyText(cell, element);
      return counts(row, text, (other) => other.children[n], element) ? "" : text;
    })
    .filter(Boolean)
    .join(" ")
    .slice(0, 80);
}

/** Whether no other row has in its n-th cell what this one has there. */
function isAlone(row: Element, n: number): boolean {
  const words = textOfCell(row, n);
  const rows = row.parentElement && children(row.parentElement);
  for (let at = 0; rows && at < rows.length && at < MOST_ROWS; at++) {
    const other = rows[at];
    if (other && other !== row && textOfCell(other, n) === words) return false;
  }
  return true;
}

function textOfCell(row: Element, n: number): string | null {
  const cell = row.children[n];
  return cell ? textContent(cell) : null;
}

const WHOLE = /^\W*(\d{1,9})\W*$/;

/** Whether a text only says the how manieth a row is: one more than before it, one less than after it. */
function counts(
  row: Element,
  text: string,
  part: (of: Element) => Element | null | undefined,
  element: Element,
): boolean {
  const mine = WHOLE.exec(text)?.[1];
  if (mine === undefined) return false;
  const beside = [row.previousElementSibling, row.nextElementSibling].map((other) => {
    const there = other && part(other);
    const number = there && WHOLE.exec(keyText(there, element))?.[1];
    return number ? Number(number) - Number(mine) : undefined;
  });
  const [before, after] = beside;
  return (before ?? -1) === -1 && (after ?? 1) === 1 && (before !== undefined || after !== undefined);
}

function cellsOf(row: Element): Element[] {
  return [...children(row)];
}

function columnOf(element: Element, row: Element): string {
  let cell: Element | null = element;
  while (cell && parentNode(cell) !== row) {
    const parent: Node | null = parentNode(cell);
    cell = parent instanceof Element ? parent : null;
  }
  if (!cell) return "";
  const table = closest(row, "table,[role=table],[role=grid],[role=treegrid]");
  const header = table && headOf(table);
  if (!header || header === row) return "";
  const index = [...children(row)].indexOf(cell);
  const head = header.children[index];
  return head && (localName(head) === "th" || attribute(head, "role") === "columnheader") ? textIn(head, 80) : "";
}

/** The row that heads a table: its first, where that has heads of columns. */
function headOf(table: Element): Element | null {
  const first = table instanceof HTMLTableElement ? (table.tHead ?? table).querySelector("tr") : null;
  const row = first ?? table.querySelector("[role=row]");
  return row?.querySelector("th,[role=columnheader]") ? row : null;
}

/** The nearest box around an element, from `at` on, that has siblings of its make: a card, a row made of boxes. */
function repeated(at: Node | null, element: Element): Element | null {
  for (let up = 0; at instanceof Element && up < 6; up++) {
    const parent: Node | null = parentNode(at);
    if (!(parent instanceof Element)) return null;
    const made = attribute(at, "class");
    if (made && localName(at) !== "body") {
      let alike = 0;
      for (let n = 0; n < parent.children.length && n < MOST_ROWS; n++) {
        const other = parent.children[n];
        if (other && localName(other) === localName(at) && attribute(other, "class") === made) alike++;
      }
      if (alike > 1 && keyText(at, element)) return at;
    }
    at = parent;
  }
  return null;
}

function headingIn(container: Element): string {
  const heading = container.querySelector(HEADING);
  return heading ? textIn(heading, 80) : "";
}

/** The last heading before an element, as one sees it on the page: among what precedes it and what is around it. */
function headingAbove(element: Element): string {
  let looked = 0;
  // Not among the rows and items before its own.
  for (let at: Element | null = closest(element, "tr,li,[role=row],[role=listitem]") ?? element; at; ) {
    const alike = matches(at, "tr,td,li,tbody,[role=row],[role=listitem]");
    for (
      let before = alike ? null : previousElement(at);
      before && looked < 60;
      before = previousElement(before), looked++
    ) {
      if (matches(before, HEADING)) return textIn(before, 80);
      if (before.childElementCount === 0 || before.childElementCount > 12) continue;
      const inner = before.querySelectorAll(HEADING);
      const last = inner[inner.length - 1];
      if (last) return textIn(last, 80);
    }
    const parent: Node | null = parentNode(at);
    at = parent instanceof ShadowRoot ? parent.host : parent instanceof Element ? parent : null;
  }
  return "";
}
