// What people tell an element apart by: the row it is in, its column, its item, its dialog, the heading above it.
import { attribute, children, closest, localName, parentNode, previousElement, textIn } from "./dom";
import { nameOf } from "./names";

const CONTROL = new Set(["button", "input", "select", "textarea", "option"]);
const HEADING = "h1,h2,h3,h4,h5,h6,[role=heading]";
const ITEM = "li,[role=listitem],[role=option],[role=treeitem],[role=menuitem],article,[role=article]";
const MOST_ROWS = 200;

export function anchorsOf(element: Element): [string, string][] {
  const found: [string, string][] = [];
  const add = (kind: string, text: string) => {
    if (text) found.push([kind, text]);
  };
  const row = closest(element, "tr,[role=row]");
  if (row) {
    add("row", rowKey(row, element));
    add("column", columnOf(element, row));
  } else {
    const item = closest(element, ITEM) ?? repeated(element);
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
  const table = parentNode(row);
  const own = cellsOf(row);
  const rows = table instanceof Element ? [...children(table)].slice(0, MOST_ROWS) : [];
  const headed = own.findIndex((cell) => localName(cell) === "th" || attribute(cell, "role") === "rowheader");
  const order = own.map((_, n) => n);
  if (headed > 0) order.unshift(...order.splice(headed, 1));
  for (const n of order) {
    const cell = own[n];
    if (!cell || cell.contains(element)) continue;
    const text = keyText(cell, element);
    if (!text || counts(row, text, (other) => other.children[n], element)) continue;
    const others = rows.some(
      (other) => other !== row && other.children[n] && keyText(other.children[n], element) === text,
    );
    if (!others) return text;
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
  const header = table?.querySelector("thead tr,[role=row]:has([role=columnheader]),tr:has(th)");
  if (!header || header === row) return "";
  const index = [...children(row)].indexOf(cell);
  const head = header.children[index];
  return head && (localName(head) === "th" || attribute(head, "role") === "columnheader") ? textIn(head, 80) : "";
}

/** The nearest box around an element that has siblings of its make: a card, a row made of boxes. */
function repeated(element: Element): Element | null {
  let at: Element | null = element;
  for (let up = 0; at && up < 6; up++) {
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
  for (let at: Element | null = element; at; ) {
    for (let before = previousElement(at); before && looked < 60; before = previousElement(before), looked++) {
      if (before.matches(HEADING)) return textIn(before, 80);
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
