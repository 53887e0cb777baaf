// Counts what a worker says and is told: while the number changes, it and a page may have more to say to each other.

const { apply } = Reflect;

/** From here on it counts. Returns what gives the number. */
export function countMessages(): () => number {
  let count = 0;
  const scope = globalThis as unknown as Record<string, unknown>;
  const speakers = [scope, ...["MessagePort", "BroadcastChannel", "Client"].map(prototypeOf)];
  for (const speaker of speakers) {
    const post = speaker?.postMessage;
    if (speaker === undefined || typeof post !== "function") continue;
    speaker.postMessage = new Proxy(post, {
      apply(say, self, given: unknown[]) {
        count++;
        return apply(say as () => unknown, self, given);
      },
    });
  }
  for (const type of ["message", "connect"]) addEventListener(type, () => count++);
  return () => count;

  function prototypeOf(name: string): Record<string, unknown> | undefined {
    return (scope[name] as { prototype: Record<string, unknown> } | undefined)?.prototype;
  }
}
