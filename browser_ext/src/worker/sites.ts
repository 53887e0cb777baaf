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

function divided(pattern: string): [string, string] {
  const found = /^(.*):(\d+)$/.exec(pattern);
  return found ? [found[1] ?? "", found[2] ?? ""] : [pattern, ""];
}
