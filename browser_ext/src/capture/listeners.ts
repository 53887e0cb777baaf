// What a person does, as the first listener of the document sees it: O(1) work, before any of the page's own.

import { contentOf, filesOf, textContentOf } from "./content";
import { cents, closest, focused, rectOf, rootOf, shadowOf, targetOf } from "./dom";
import { type Fields, type Log, now, type Seen } from "./log";
import { dots, isMasked } from "./masks";
import { isField } from "./prints";
import type { States } from "./states";
import { activeElement, type Targets } from "./targets";

const TYPES = (
  "pointerdown pointerup pointermove pointercancel mousedown mouseup click dblclick auxclick contextmenu wheel " +
  "keydown keyup beforeinput input compositionstart compositionupdate compositionend copy cut paste dragstart " +
  "dragover drop dragend selectionchange popstate hashchange fullscreenchange resize " +
  "visibilitychange beforeunload"
).split(" ");
/** Those that do not leave the shadow root that they are in, or not always. */
const INNER = "change cancel select submit reset scroll focus blur dragenter dragleave".split(" ");
// What says who was acted on: their element is identified before the page reacts.
const IDENTIFYING = new Set(
  (
    "pointerdown pointerup mousedown mouseup click dblclick auxclick contextmenu keydown beforeinput input change " +
    "dragstart drop copy cut paste"
  ).split(" "),
);
// A script can make them, even trusted ones (focus(), scrollTo(), execCommand()): as many as a person could and more.
const SCRIPTABLE = new Set(
  "focus blur scroll selectionchange select input beforeinput change submit reset popstate hashchange resize".split(
    " ",
  ),
);
// Those of a gesture that say where in its target it began and ended. To ask for a place may lay the page out.
const POINTED = new Set("pointerdown pointerup contextmenu dragstart drop dragend".split(" "));
const BURST = 2000;
const PER_SECOND = 200;
const MOST_LIVE_VALUE = 10_000;
const MOST_VALUE = 1 << 20;

/** How many events that a script could have made are still taken: a bucket that fills again with time. */
class Allowance {
  #left = BURST;
  #at = 0;

  take(at: number): boolean {
    this.#left = Math.min(BURST, this.#left + ((at - this.#at) / 1000) * PER_SECOND);
    this.#at = at;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }

  /** What a person does may lead to as many. */
  earn(more: number): void {
    this.#left = Math.min(BURST, this.#left + more);
  }
}

/** Who is told of what is more than an event. */
export interface Heard {
  /** A person did something. */
  acted(): void;
  leaving(event: BeforeUnloadEvent): void;
}

export class Listeners {
  #on = false;
  #synthetic = new Allowance();
  #scripted = new Allowance();
  #omitted = 0;
  #hovered: Element | null = null;
  #identified: Element | null = null;
  #last: Event | null = null;
  #seen: Seen | null = null;
  #see = (event: Event) => {
    if (!this.#on) return;
    if (event === this.#last) this.#within(event);
    else {
      this.#last = event;
      this.#seen = null;
      this.#take(event);
    }
  };

  constructor(
    private readonly log: Log,
    private readonly states: States,
    private readonly targets: Targets,
    private readonly heard: Heard,
  ) {}

  start(): void {
    this.#on = true;
    this.arm();
  }

  stop(): void {
    this.#on = false;
  }

  /** Adds the listeners; those that are there stay as they are. `document.open()` takes them away. */
  arm(): void {
    for (const type of TYPES) addEventListener(type, this.#see, { capture: true, passive: true });
    for (const type of INNER) addEventListener(type, this.#see, { capture: true, passive: true });
  }

  /** Sees what does not leave this shadow root, and what in a closed one it is that an event is at. */
  armRoot(root: ShadowRoot): void {
    for (const type of root.mode === "closed" ? [...TYPES, ...INNER] : INNER)
      root.addEventListener(type, this.#see, { capture: true, passive: true });
  }

  /** States how many events were left out, if any were. */
  flush(): void {
    if (this.#omitted === 0) return;
    const omitted = this.#omitted;
    this.#omitted = 0;
    this.log.push({
      fields: { k: "event", t: now(), type: "omitted", trusted: false, detail: omitted },
      element: null,
    });
  }

  #take(event: Event): void {
    const t = now();
    const { type } = event;
    if (!event.isTrusted ? !this.#synthetic.take(t) : SCRIPTABLE.has(type) && !this.#scripted.take(t)) {
      this.#omitted++;
      if (type === "input" || type === "change") this.states.changed();
      return;
    }
    if (event.isTrusted && !SCRIPTABLE.has(type)) this.#scripted.earn(10);
    this.flush();
    if (type === "input" || type === "reset") this.states.changed();
    const element = event.target instanceof Node && !(event.target instanceof Document) ? targetOf(event) : null;
    const fields: Fields = { k: "event", t, type: type.slice(0, 64), trusted: event.isTrusted };
    const state = this.states.current();
    if (state !== undefined) fields.state = state;
    const seen: Seen = { fields, element };
    this.#seen = seen;
    this.log.push(seen);
    try {
      this.#tell(event, seen);
    } catch {
      // That it happened is told even of a page that defends itself against being looked at.
    }
  }

  #tell(event: Event, seen: Seen): void {
    const { fields, element } = seen;
    const { type } = event;
    if (event instanceof MouseEvent) this.#mouse(event, fields, seen);
    else if (event instanceof KeyboardEvent) this.#key(event, fields, seen);
    else if (event instanceof InputEvent) this.#input(event, fields, seen);
    else if (event instanceof CompositionEvent) this.#composition(event, fields, element);
    else if (event instanceof ClipboardEvent) this.#clipboard(event, seen);
    else this.#other(event, fields, seen);
    if (type === "input" || type === "change") this.#held(type, seen);
    if (element && IDENTIFYING.has(type)) this.#identify(element, seen);
    if (event.isTrusted && (type === "pointerdown" || type === "keydown")) this.heard.acted();
  }

  // An event that was seen at the window comes to the closed root that it is in, where its path does not end.
  #within(event: Event): void {
    const seen = this.#seen;
    const inner = event.composedPath()[0];
    if (!seen || !(inner instanceof Element) || inner === seen.element || shadowOf(inner)) return;
    seen.element = inner;
    delete seen.print;
    const { fields } = seen;
    if (IDENTIFYING.has(fields.type)) this.#identify(inner, seen);
    if (seen.corner) seen.corner = rectOf(inner);
  }

  // Who was acted on is told before the page reacts, once for the events of a gesture.
  #identify(element: Element, seen: Seen): void {
    if (element === this.#identified && seen.fields.type !== "pointerdown") return;
    this.#identified = element;
    const root = rootOf(element);
    if (root instanceof ShadowRoot) this.states.meet(root);
    seen.print = this.targets.print(element);
  }

  // What an event says stays with it; it is read when there is time. Not so where things are and what they hold.
  #mouse(event: MouseEvent, fields: Fields, seen: Seen): void {
    const { type } = event;
    if (type === "pointermove") {
      this.#hovered = seen.element;
      if (event.isTrusted) this.states.pointed(event);
    }
    if (event instanceof DragEvent) this.#drag(event, seen);
    seen.corner = seen.element && POINTED.has(type) ? rectOf(seen.element) : null;
    seen.late = () => {
      fields.x = cents(event.clientX);
      fields.y = cents(event.clientY);
      if (seen.corner) fields.offset = [cents(fields.x - seen.corner[0]), cents(fields.y - seen.corner[1])];
      fields.button = within(event.button, -1, 31);
      if (event.buttons) fields.buttons = event.buttons;
      if (event.detail) fields.detail = within(event.detail, 0, 1 << 20);
      modifiers(event, fields);
      if (event instanceof PointerEvent && event.pointerType) fields.pointer = event.pointerType.slice(0, 16);
      if (event instanceof WheelEvent) {
        const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? innerHeight : 1;
        fields.dx = cents(event.deltaX * unit);
        fields.dy = cents(event.deltaY * unit);
      }
    };
  }

  #drag(event: DragEvent, seen: Seen): void {
    if (event.type === "drop") seen.content = contentOf(event.dataTransfer, false);
    else if (event.type === "dragstart") {
      last(event, () => {
        seen.content = contentOf(event.dataTransfer, false);
      });
    }
  }

  #key(event: KeyboardEvent, fields: Fields, seen: Seen): void {
    // Now: the field may be one of plain text soon.
    const masked = seen.element !== null && isMasked(seen.element) && [...event.key].length === 1;
    seen.late = () => {
      modifiers(event, fields);
      if (event.location) fields.location = within(event.location, 0, 3);
      if (event.repeat) fields.repeat = true;
      if (event.isComposing) fields.composing = true;
      if (masked) {
        fields.key = "•";
        fields.masked = true;
        fields.modifiers = (fields.modifiers ?? 0) & ~8;
      } else {
        fields.key = event.key.slice(0, 1024);
        fields.code = event.code.slice(0, 1024);
      }
    };
  }

  #input(event: InputEvent, fields: Fields, seen: Seen): void {
    fields.input_type = event.inputType.slice(0, 64);
    if (event.isComposing) fields.composing = true;
    const masked = seen.element !== null && isMasked(seen.element);
    if (masked) fields.masked = true;
    if (event.data !== null) fields.text = masked ? dots(event.data) : event.data.slice(0, MOST_VALUE);
    if (event.dataTransfer && event.type === "beforeinput") seen.content = contentOf(event.dataTransfer, masked);
  }

  #composition(event: CompositionEvent, fields: Fields, element: Element | null): void {
    const masked = element !== null && isMasked(element);
    if (masked) fields.masked = true;
    fields.text = masked ? dots(event.data) : event.data.slice(0, MOST_VALUE);
  }

  #clipboard(event: ClipboardEvent, seen: Seen): void {
    const masked = seen.element !== null && isMasked(seen.element);
    if (masked) seen.fields.masked = true;
    if (event.type === "paste") {
      seen.content = contentOf(event.clipboardData, masked);
      return;
    }
    // What is copied is known when all handlers have run: theirs, or what is selected.
    last(event, () => {
      seen.content = event.defaultPrevented
        ? contentOf(event.clipboardData, masked)
        : textContentOf(selected(seen.element), masked);
    });
  }

  #other(event: Event, fields: Fields, seen: Seen): void {
    switch (event.type) {
      case "scroll": {
        const { element } = seen;
        const [x, y] = element ? [element.scrollLeft, element.scrollTop] : [scrollX, scrollY];
        fields.scroll = [cents(x), cents(y)];
        break;
      }
      case "resize":
        fields.size = [innerWidth, innerHeight];
        break;
      case "visibilitychange":
        fields.value = document.visibilityState;
        break;
      case "fullscreenchange":
        fields.value = document.fullscreenElement ? "on" : "off";
        break;
      case "popstate":
      case "hashchange":
        fields.value = location.href.slice(0, MOST_VALUE);
        this.states.changed();
        break;
      case "selectionchange":
        this.#selection(fields, seen);
        break;
      case "beforeunload":
        this.heard.leaving(event as BeforeUnloadEvent);
    }
  }

  #selection(fields: Fields, seen: Seen): void {
    const element = activeElement();
    seen.element = element;
    if (element && isField(element)) {
      if (!isMasked(element)) selection(element, fields);
      return;
    }
    // One that changes many times between two other events is told once.
    const before = this.log.before(seen);
    if (before?.fields.type === "selectionchange") delete before.late;
    seen.late = () => {
      fields.text = String(getSelection() ?? "").slice(0, 1024);
    };
  }

  // What a field holds after it was changed.
  #held(type: string, seen: Seen): void {
    const { element, fields } = seen;
    if (!element) return;
    const most = type === "change" ? MOST_VALUE : MOST_LIVE_VALUE;
    if (element instanceof HTMLSelectElement) {
      const chosen = [...element.selectedOptions].slice(0, 1000);
      fields.value = element.value.slice(0, MOST_VALUE);
      fields.selected = chosen.map((option) => option.value.slice(0, 1024));
      fields.text = chosen
        .map((option) => option.label)
        .join(", ")
        .slice(0, 1024);
    } else if (element instanceof HTMLInputElement && element.type === "file") {
      if (type === "change") seen.content = filesOf(element.files ?? new DataTransfer().files);
    } else if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) {
      if (isMasked(element)) {
        fields.masked = true;
        fields.value = dots(element.value);
      } else if (element.value.length <= most) fields.value = element.value;
      if ("checked" in element && /^(checkbox|radio)$/.test(element.type)) fields.checked = element.checked;
      else if (!fields.masked) selection(element, fields);
    } else if (element instanceof HTMLElement && element.isContentEditable) {
      const host = closest(element, "[contenteditable]") ?? element;
      if (isMasked(host)) return;
      seen.late = () => {
        const text = (host as HTMLElement).innerText;
        if (text.length <= MOST_LIVE_VALUE) fields.value = text;
      };
    }
  }

  /** Identifies what the pointer is over and what has the focus ahead of the press, between events. */
  warm(): void {
    if (!this.#on) return;
    this.states.look();
    for (const one of [this.#hovered, focused()]) {
      if (one?.isConnected) this.targets.print(one);
    }
  }
}

/** Calls `read` when all other listeners have run, unless one of them stops the event. */
function last(event: Event, read: () => void): void {
  addEventListener(event.type, (again) => again === event && read(), { once: true });
}

function selected(element: Element | null): string {
  if (element && (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement)) {
    const { selectionStart, selectionEnd } = element;
    return element.value.slice(selectionStart ?? 0, selectionEnd ?? 0);
  }
  return String(getSelection() ?? "").slice(0, 16 << 20);
}

function selection(element: Element, fields: Fields): void {
  const { selectionStart, selectionEnd } = element as HTMLInputElement;
  if (typeof selectionStart === "number" && typeof selectionEnd === "number") {
    fields.selection = [selectionStart, selectionEnd];
  }
}

function modifiers(event: MouseEvent | KeyboardEvent, fields: Fields): void {
  const held = +event.altKey | (+event.ctrlKey << 1) | (+event.metaKey << 2) | (+event.shiftKey << 3);
  if (held) fields.modifiers = held;
}

function within(value: number, least: number, most: number): number {
  return Number.isFinite(value) ? Math.min(most, Math.max(least, Math.trunc(value))) : 0;
}
