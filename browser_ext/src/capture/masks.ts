// What is withheld: what is typed into password fields, card and one-time-code fields, and those that the session names.
import { attribute, closest } from "./dom";

const SECRET = /(^|\s)(cc-|one-time-code|current-password|new-password)/;
// A field stays masked for the document's life: "show password" turns it into one of text.
const masked = new WeakSet<Element>();
let named = "";

/** The session's own selectors; one that is none is left out. */
export function setMasks(selectors: string[]): void {
  named = selectors
    .filter((selector) => {
      try {
        document.createDocumentFragment().querySelector(selector);
        return true;
      } catch {
        return false;
      }
    })
    .join(",");
}

/** Whether what this element holds is withheld. */
export function isMasked(element: Element): boolean {
  if (masked.has(element)) return true;
  const field = element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement;
  const secret =
    (field && (element.type === "password" || SECRET.test(attribute(element, "autocomplete").toLowerCase()))) ||
    (named !== "" && closest(element, named) !== null);
  if (secret) masked.add(element);
  return secret;
}

/** One sign for each character. */
export function dots(text: string): string {
  return "•".repeat(Math.min([...text].length, 1024));
}
