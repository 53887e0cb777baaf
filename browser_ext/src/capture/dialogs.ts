// Dialogs: what the page asked by alert, confirm and prompt, told by page.js; and beforeunload.
import { ANSWERED, ASKED } from "../bridge";
import { type Log, now } from "./log";
import type { Outbox } from "./outbox";

const MOST = 1 << 16;

/** Hears of the page's dialogs. */
export class Dialogs {
  #asked = { type: "alert" as "alert" | "confirm" | "prompt", message: "", at: 0 };
  #leaving: { event: BeforeUnloadEvent; asked: number; t: number } | null = null;

  constructor(
    private readonly log: Log,
    private readonly outbox: Outbox,
    private readonly on: () => boolean,
    page: EventTarget,
  ) {
    page.addEventListener(ASKED, (event) => {
      const [type, message] = JSON.parse((event as CustomEvent<string>).detail);
      this.#asked = { type, message: String(message).slice(0, MOST), at: now() };
    });
    page.addEventListener(ANSWERED, (event) => {
      const answer: unknown = JSON.parse((event as CustomEvent<string>).detail);
      const { type, message, at } = this.#asked;
      const accepted = type === "alert" || (answer !== false && answer !== null);
      const given = type === "prompt" && typeof answer === "string" ? { answer: answer.slice(0, MOST) } : {};
      this.#state({ type, message, asked: at, t: now(), accepted, ...given });
    });
  }

  /** The page is about to be left; whether the browser asks follows from what its handlers say, after this. */
  leaving(event: BeforeUnloadEvent): void {
    this.stayed();
    const leaving = { event, asked: now(), t: now() };
    this.#leaving = leaving;
    queueMicrotask(() => {
      if (this.log.hurry()) this.outbox.leaving(true);
    });
    // The page stands still while it is asked.
    setTimeout(() => {
      leaving.t = now();
      // What is answered is told when the page goes.
      if (asks(event)) this.#stays();
    });
  }

  /** The page is still there and used: he chose to stay, if he was asked. */
  stayed(): void {
    if (this.#leaving) this.#stays();
    this.#left(false);
  }

  #stays(): void {
    this.log.calm();
    this.outbox.leaving(false);
  }

  /** The page goes away. */
  gone(): void {
    this.#left(true);
  }

  #left(accepted: boolean): void {
    if (!this.#leaving) return;
    const { event, asked, t } = this.#leaving;
    this.#leaving = null;
    if (!asks(event) || !navigator.userActivation.hasBeenActive) return;
    this.#state({ type: "beforeunload", message: "", asked, t: accepted ? now() : t, accepted });
  }

  #state(dialog: {
    type: "alert" | "confirm" | "prompt" | "beforeunload";
    message: string;
    asked: number;
    t: number;
    accepted: boolean;
    answer?: string;
  }): void {
    if (this.on()) this.log.push(() => this.outbox.add({ k: "dialog", ...dialog }));
  }
}

function asks(event: BeforeUnloadEvent): boolean {
  return event.defaultPrevented || event.returnValue !== "";
}
