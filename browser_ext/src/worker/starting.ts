// What the expert's browser has of the recorded sites as the recording begins: cookies and local storage, in the form of
// Playwright's storage state. Handed over on the expert's consent alone.
import type { Storage } from "../wire";

const SAME_SITE: Record<string, "None" | "Lax" | "Strict"> = { no_restriction: "None", strict: "Strict" };

/** Of the sites that `wanted` names, or, where no site is named, of those that are open. */
export async function startingState(wanted: (url: string) => boolean, named: boolean): Promise<Storage> {
  const tabs = (await chrome.tabs.query({ url: ["http://*/*", "https://*/*"] })).filter((tab) => wanted(tab.url ?? ""));
  const hosts = new Set(tabs.map((tab) => new URL(tab.url ?? "").hostname));
  const cookies = (await chrome.cookies.getAll({})).filter(({ domain, secure, path }) => {
    const host = domain.replace(/^\./, "");
    if (named)
      return wanted(`http${secure ? "s" : ""}://${host}${path}`) || [...hosts].some((open) => within(open, domain));
    return [...hosts].some((open) => within(open, domain));
  });
  const origins = new Map<string, [string, string][]>();
  for (const { id } of tabs) {
    if (id === undefined) continue;
    const read = () => [location.origin, Object.entries(localStorage)] as [string, [string, string][]];
    const told = await chrome.scripting.executeScript({ target: { tabId: id }, func: read }).catch(() => []);
    for (const { result } of told) if (result) origins.set(...result);
  }
  return {
    m: "storage",
    cookies: cookies.map(({ name, value, domain, path, expirationDate, httpOnly, secure, sameSite }) => ({
      name,
      value,
      domain,
      path,
      expires: expirationDate ?? -1,
      httpOnly,
      secure,
      sameSite: SAME_SITE[sameSite] ?? "Lax",
    })),
    origins: [...origins].map(([origin, entries]) => ({
      origin,
      localStorage: entries.map(([name, value]) => ({ name, value })),
    })),
  };
}

/** Whether a page at `host` is sent a cookie of `domain` (with a dot: of what is below it, too). */
function within(host: string, domain: string): boolean {
  return domain.startsWith(".") ? `.${host}`.endsWith(domain) : host === domain;
}
