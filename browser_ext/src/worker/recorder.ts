// The recorder, as the worker knows it: called until it answers, and called again when it was lost.
import type { Downward, Status, Upward, Welcome } from "../wire";
import { WIRE_VERSION } from "../wire";
import { dial, type Line, native, type Pass } from "./ways";

const AGAIN_MS = [100, 200, 400, 800, 1600, 2000];
/** How long a recorder that was there is waited for; documents keep what they see meanwhile. */
const PATIENCE_MS = 60_000;

/** asking: nobody knows yet; lost: it was there and is being called again; on: it records; off: nobody records. */
export type State = "asking" | "on" | "lost" | "off";

export interface Listener {
  welcomed(welcome: Welcome, again: boolean): void;
  acknowledged(key: string, s: number): void;
  changed(): void;
}

export class Recorder {
  state: State = "asking";
  why = "";
  /** Nobody records any more, and nobody wanted that. */
  fell = false;
  welcome: Welcome | null = null;
  status: Status | null = null;
  /** Where it is reached by a WebSocket; null: by the native host. */
  pass: Pass | null = null;
  private line: Line | null = null;
  private lostSince = 0;
  private attempts = 0;

  constructor(
    private readonly listener: Listener,
    private readonly instance: () => string,
    private readonly browser: () => string,
    private readonly sees: () => boolean,
  ) {}

  get paused(): boolean {
    return this.status?.paused ?? false;
  }

  /** It was there before this worker was. */
  resume(): void {
    this.state = "lost";
    this.lostSince = Date.now();
    this.call();
  }

  /** Calls the recorder, unless it is being called or was reached. */
  call(): void {
    if (this.line) return;
    if (this.state === "off") this.state = "asking";
    const hello: Upward = {
      m: "hello",
      v: WIRE_VERSION,
      capture: chrome.runtime.getManifest().version,
      user_agent: navigator.userAgent,
      instance: this.instance(),
      browser: this.browser(),
      sees: this.sees(),
    };
    const heard = (message: Downward) => this.heard(message);
    const ended = (why: string) => this.ended(why);
    const traded = (pass: Pass) => {
      this.pass = pass;
      this.listener.changed();
    };
    this.line = this.pass ? dial(this.pass, hello, { heard, ended }, traded) : native(hello, { heard, ended });
  }

  /** Nothing can be called by what the expert gave. */
  refuse(why: string): void {
    this.why = why;
    this.listener.changed();
  }

  /** Sends what can be sent now; what is not acknowledged is the speaker's to keep. */
  send(message: Upward): void {
    if (this.state === "on") this.line?.send(message);
  }

  private heard(message: Downward): void {
    switch (message.m) {
      case "welcome": {
        const again = this.welcome?.session === message.session;
        this.welcome = message;
        this.state = "on";
        this.fell = false;
        this.attempts = 0;
        this.lostSince = 0;
        this.listener.welcomed(message, again);
        break;
      }
      case "ack":
        this.listener.acknowledged(message.key, message.s);
        return;
      case "status":
        this.status = message;
        if (!message.recording) this.end("the recording ended");
        break;
      case "refused":
        this.fell = this.state === "on";
        this.end(message.why);
        break;
    }
    this.listener.changed();
  }

  private ended(error: string): void {
    this.line = null;
    if (this.state === "off") return;
    const now = Date.now();
    if (this.state === "on") {
      this.state = "lost";
      this.lostSince = now;
    }
    if (this.state === "lost" && now - this.lostSince < PATIENCE_MS) {
      const wait = AGAIN_MS[Math.min(this.attempts++, AGAIN_MS.length - 1)];
      setTimeout(() => this.call(), wait);
    } else {
      this.fell = this.state === "lost";
      this.end(this.fell ? "The recorder went, and did not come back" : error);
    }
    this.listener.changed();
  }

  private end(why: string): void {
    this.state = "off";
    this.why = why;
    this.welcome = null;
    this.status = null;
    this.pass = null;
    const line = this.line;
    this.line = null;
    line?.close();
  }
}
