// Where a page's scripts read the clock. Its functions become proxies, which show themselves as native ones.

/** Each counts by itself: date is Unix ms, the others are ms since the document's time origin. */
export type Reading = "date" | "now" | "event" | "frame" | "drawn";
/** Takes what the clock says, and gives what the script is to read. */
export type Give = (of: Reading, said: number) => number;

// Kept from what the page may make of them later.
const { apply, construct } = Reflect;

/** From here on scripts read what `give` gives, all but the times of animation frames. */
export function wrapReadings(give: Give): void {
  const Plain = globalThis.Date;
  const { now } = Plain;
  const { toString: words } = Plain.prototype;
  const date = () => give("date", now());
  Plain.now = new Proxy(now, { apply: date });
  const Wrapped = new Proxy(Plain, {
    apply: () => apply(words, new Plain(date()), []),
    construct: (of, given, made) => construct(of, given.length === 0 ? [date()] : given, made),
  });
  Plain.prototype.constructor = Wrapped;
  globalThis.Date = Wrapped;

  Performance.prototype.now = new Proxy(Performance.prototype.now, {
    apply: (read, self) => give("now", apply(read, self, [])),
  });

  const stamp = Object.getOwnPropertyDescriptor(Event.prototype, "timeStamp");
  if (!stamp?.get) return;
  const stamps = new WeakMap<Event, number>();
  const { get: known, set: keep } = stamps;
  const get = new Proxy(stamp.get, {
    apply(read, self: Event) {
      let at: number | undefined = apply(known, stamps, [self]);
      if (at === undefined) {
        at = give("event", apply(read, self, []) as number);
        apply(keep, stamps, [self, at]);
      }
      return at;
    },
  });
  Object.defineProperty(Event.prototype, "timeStamp", { ...stamp, get });
}
