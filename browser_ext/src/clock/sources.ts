// Whose turn it is: a browser keeps the order of tasks of one source, and chooses among the sources as it can.

/** script: a classic script while it is evaluated; frame: a callback of an animation frame; task: whatever else. */
export type Source = "script" | "timer" | "frame" | "task";

// Kept from what the page may make of them later; a worker has no document.
const { apply } = Reflect;
const script =
  typeof Document === "undefined"
    ? undefined
    : Object.getOwnPropertyDescriptor(Document.prototype, "currentScript")?.get;

let source: Source = "task";

export function running(): Source {
  // Asked each time: a window goes over from its first about:blank to another document.
  return source === "task" && script && apply(script, document, []) ? "script" : source;
}

/** `call`, known as one of `of` while it runs. */
export function as<F extends (...given: never[]) => unknown>(of: Source, call: F): F {
  return function (this: unknown, ...given: never[]) {
    const before = source;
    source = of;
    try {
      return apply(call, this, given);
    } finally {
      source = before;
    }
  } as F;
}
