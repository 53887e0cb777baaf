// Fingerprints: several independent ways to find an element again, and what tells it apart from those like it.
import type { TargetItem } from "../wire";
import { anchorsOf } from "./anchors";
import { isCounted } from "./counted";
import { attribute, closest, localName, rectOf, rootOf, textContent, textIn } from "./dom";
import { isMasked } from "./masks";
import { labelOf, nameOf, roleOf } from "./names";
import { idOf, pathsOf, shadowPath, testId } from "./paths";

export type Print = Omit<TargetItem, "k" | "s" | "t" | "n" | "control">;

const KEPT = (
  "href name title alt for aria-label autocomplete inputmode draggable data-id data-key data-value data-row-key " +
  "data-name data-action data-index"
).split(" ");
const CHOICES = new Set(["checkbox", "radio", "button", "submit", "reset"]);
const CONTROLS =
  "a[href],button,input,select,textarea,summary,label,option,[contenteditable=''],[contenteditable=true],[role=button]," +
  "[role=link],[role=checkbox],[role=radio],[role=switch],[role=tab],[role=option],[role=menuitem]," +
  "[role=menuitemcheckbox],[role=menuitemradio],[role=treeitem],[role=combobox],[role=textbox],[role=slider]";
const MOST_ALIKE = 2000;
const MOST_INNER = 20;

/** What identifies an element now. */
export function printOf(element: Element): Print {
  const tag = localName(element);
  const masked = isMasked(element);
  const role = roleOf(element);
  const field = isField(element);
  const type = field || element instanceof HTMLButtonElement ? String(element.type) : "";
  const { shadow, closed } = shadowPath(element);
  const [ordinal, alike] = placeAmongAlike(element);
  return {
    ...told({
      type,
      role,
      name: nameOf(element, role),
      label: field ? labelOf(element) : "",
      placeholder: attribute(element, "placeholder").slice(0, 1024),
      text: field || masked ? "" : textIn(element),
      id: idOf(element).slice(0, 1024),
      test_id: testId(element)?.[1].slice(0, 1024) ?? "",
      ...pathsOf(element),
    }),
    tag: tag.slice(0, 1024),
    attributes: kept(element, tag, type, masked),
    anchors: anchorsOf(element, closest(element, CONTROLS)),
    shadow,
    closed,
    rect: rectOf(element),
    ordinal,
    alike,
    editable: isEditable(element),
    masked,
  };
}

/** The control that an element is a part of: the button around a picture. Null where it is one itself, or in none. */
export function controlOf(element: Element): Element | null {
  const control = closest(element, CONTROLS);
  return control === element ? null : control;
}

function told(fields: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ""));
}

export function isField(element: Element): element is HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement {
  return (
    element instanceof HTMLInputElement ||
    element instanceof HTMLTextAreaElement ||
    element instanceof HTMLSelectElement
  );
}

export function isEditable(element: Element): boolean {
  if (element instanceof HTMLTextAreaElement) return !element.readOnly && !element.disabled;
  if (element instanceof HTMLInputElement) {
    return !element.readOnly && !element.disabled && element.selectionStart !== undefined && !CHOICES.has(element.type);
  }
  return element instanceof HTMLElement && element.isContentEditable === true;
}

function kept(element: Element, tag: string, type: string, masked: boolean): Record<string, string> {
  const found: Record<string, string> = {};
  const names = tag === "option" || CHOICES.has(type) ? [...KEPT, "value"] : tag === "img" ? [...KEPT, "src"] : KEPT;
  for (const name of masked ? ["name", "autocomplete"] : names) {
    const value = attribute(element, name);
    if (!value || value.length > 1024 || value.startsWith("data:") || (name === "for" && isCounted(value))) continue;
    found[name] = value;
  }
  return found;
}

/** Its place, from 0, among the elements of its root that look alike: same tag, same words. */
function placeAmongAlike(element: Element): [number, number] {
  const root = rootOf(element);
  if (!root || element.getElementsByTagName("*").item(MOST_INNER)) return [0, 1];
  const words = textContent(element);
  const inner = element.childElementCount;
  const looks = look(element);
  let alike = 0;
  let mine = 0;
  const all = root.querySelectorAll(CSS.escape(localName(element)));
  for (let n = 0; n < all.length && n < MOST_ALIKE; n++) {
    const other = all[n];
    if (!other) break;
    if (other === element) mine = alike;
    else if (other.childElementCount !== inner || textContent(other) !== words || look(other) !== looks) continue;
    alike++;
  }
  return [mine, Math.max(alike, 1)];
}

function look(element: Element): string {
  const field = element instanceof HTMLInputElement ? `${element.type} ${element.placeholder}` : "";
  return `${attribute(element, "aria-label")}\n${attribute(element, "title")}\n${field}`;
}
