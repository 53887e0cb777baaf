// Which sites are recorded: `example.org` is that host, `*.example.org` it and all below it, `host:port` one port alone.

export function matches(url: string, patterns: string[]): boolean {
  if (patterns.length === 0) return true;
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return false;
  }
  return patterns.some((pattern) => {
    const [host, port] = divided(pattern.toLowerCase());
    if (port && port !== (parsed.port || (parsed.protocol === "https:" ? "443" : "80"))) return false;
    const below = host.startsWith("*.") ? host.slice(2) : null;
    if (below !== null) return parsed.hostname === below || parsed.hostname.endsWith(`.${below}`);
    return parsed.hostname === host;
  });
}

/** Whether one of `origins`, match patterns as of `chrome.permissions`, covers `url`. */
export function covered(url: string, origins: string[]): boolean {
  if (origins.includes("<all_urls>")) return true;
  return origins.some((origin) => {
    const [, scheme, host = ""] = /^([^:]+):\/\/([^/]*)\//.exec(origin) ?? [];
    const fits = scheme === "*" ? /^https?:/.test(url) : url.startsWith(`${scheme}:`);
    return fits && (host === "*" || matches(url, [host]));
  });
}

const SITE = /^(?:https?:\/\/)?((?:\*\.)?(?:\[[\da-f:.]+\]|[^\s/:*?#@[\]]+))(:\d{1,5})?(?:[/?#]\S*)?$/i;

/** The match patterns of a site as the expert names it: HOST, *.HOST, HOST:PORT, or a page's address. Of what is none: none. */
export function patternsOf(site: string): string[] {
  const [, host = "", port = ""] = SITE.exec(site.trim().toLowerCase()) ?? [];
  if (!host) return [];
  // Chromium takes a port only where the scheme is named.
  return port ? [`http://${host}${port}/*`, `https://${host}${port}/*`] : [`*://${host}/*`];
}

/** The site that a match pattern means, for people. */
export function siteOf(origin: string): string {
  const site = origin.replace(/^(\*|https?):\/\//, "").replace(/\/\*$/, "");
  return site === "<all_urls>" || site === "*" ? "all sites" : site;
}

function divided(pattern: string): [string, string] {
  const found = /^(.*):(\d+)$/.exec(pattern);
  return found ? [found[1] ?? "", found[2] ?? ""] : [pattern, ""];
}
