// The sites that may be recorded: the browser asks the expert for each, and the expert takes them back here.
import type { View } from "../panel";
import { patternsOf, siteOf } from "../worker/sites";
import { part } from "./panel";

const ALL = "<all_urls>";
/** A site was taken back, and its button goes: the focus needs a place. */
let taken: string | null = null;

/** Shows them. */
export function showGrants({ granted, fixed, own }: View): void {
  const all = granted.includes(ALL);
  part("granted", HTMLElement).hidden = fixed;
  part("granting", HTMLFormElement).hidden = all;
  // A list of its own is of use where the browser lets it see all.
  part("allowed", HTMLFormElement).hidden = !all && own.length === 0;
  part("none", HTMLElement).hidden = granted.length > 0;
  part("again", HTMLElement).hidden = granted.length === 0;
  const sites = new Map<string, string[]>();
  for (const origin of granted) sites.set(siteOf(origin), [...(sites.get(siteOf(origin)) ?? []), origin]);
  part("list", HTMLUListElement).replaceChildren(...[...sites].map(entry));
  if (taken === null || sites.has(taken)) return;
  part("site", HTMLInputElement).focus();
  taken = null;
}

/** Lets the expert change them; each request to the browser must be of a click. */
export function offerGrants(): void {
  const site = part("site", HTMLInputElement);
  site.addEventListener("input", () => site.setCustomValidity(""));
  part("granting", HTMLFormElement).addEventListener("submit", async (event) => {
    event.preventDefault();
    const origins = patternsOf(site.value);
    if (origins.length === 0) {
      site.setCustomValidity("A site is example.org, *.example.org or example.org:8080");
      site.reportValidity();
    } else await chrome.permissions.request({ origins });
  });
  part("everywhere", HTMLButtonElement).addEventListener("click", () => chrome.permissions.request({ origins: [ALL] }));
  // The page that the popup was opened on: that click lets its address be seen.
  void chrome.tabs.query({ active: true, currentWindow: true }).then(([tab]) => {
    if (!site.value && /^https?:/.test(tab?.url ?? "")) site.value = new URL(tab?.url ?? "").host;
  });
}

function entry([name, origins]: [string, string[]]): HTMLLIElement {
  const remove = document.createElement("button");
  remove.type = "button";
  remove.textContent = "Remove";
  remove.setAttribute("aria-label", `Remove ${name}`);
  remove.addEventListener("click", () => {
    taken = name;
    void chrome.permissions.remove({ origins });
  });
  const item = document.createElement("li");
  item.append(name, remove);
  return item;
}
