// What the extension's own pages (popup, note window) and its worker say to each other.
import type { State } from "./worker/recorder";

export const PANEL = "panel";

/** What is to be shown. `own` are the expert's sites, `asked` the session's; both must allow a page (none: all). */
export interface View {
  state: State;
  why: string;
  task: string;
  paused: boolean;
  events: number;
  lost: number;
  /** Unix ms. */
  since: number;
  own: string[];
  /** Match patterns that the browser lets the extension see; `fixed`: they come with it. */
  granted: string[];
  fixed: boolean;
  asked: string[];
  /** Whether the browser's network is recorded by the browser; null: that is not for it to do. */
  network: boolean | null;
  /** Whether cookies and storage are handed over as a recording begins. */
  storage: boolean;
}

export type Command =
  | { do: "call" }
  | { do: "pair"; code: string }
  | { do: "pause" | "resume" | "stop" }
  | { do: "note"; text: string; t: number }
  | { do: "network" | "storage"; on: boolean }
  | { do: "sites"; sites: string[] };
