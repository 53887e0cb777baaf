// What page.js, in the page's own world, and capture.js, in the extension's, say to each other: events on a node that is
// in no document and that both were handed before any of the page's scripts ran. So no page can listen or speak.

const HANDED = "reenact:bridge";
export const ASKED = "asked";
export const ANSWERED = "answered";
export const ATTACHED = "attached";
export const CLOSING = "closing";
/** A portion of what was read of the clock (a ClockItem's fields, as JSON). */
export const READ = "read";
/** To the page's world: say what was read so far; and: it is not wanted. */
export const PULL = "pull";
export const UNWANTED = "unwanted";

/** In the extension's world: makes the node and hands it to page.js, which ran before. */
export function handOver(): EventTarget {
  const node = document.createElement("i");
  dispatchEvent(new MouseEvent(HANDED, { relatedTarget: node }));
  return node;
}

/** In the page's world: calls `take` with the node, once. */
export function awaitNode(take: (node: EventTarget) => void): void {
  addEventListener(
    HANDED,
    (event) => {
      event.stopImmediatePropagation();
      const node = (event as MouseEvent).relatedTarget;
      if (node) take(node);
    },
    { once: true, capture: true },
  );
}
