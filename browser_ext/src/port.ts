// What a document's capture script and the worker say to each other. A script connects by
// `chrome.runtime.connect({ name: PORT + its own random word })` and waits to be told `on` or `off`; until then it keeps what it saw.

import type { DocumentItem } from "./wire";

export const PORT = "document:";

/**
 * Document to worker, once it was told `on`: items that were not acknowledged yet; those of a new port begin with the
 * first such. `session` is that of the last `on`; a document that ends before it was told anything says so by an empty
 * one.
 */
export interface Said {
  session: string;
  items: DocumentItem[];
  /** The document may be left at any time, and all that is seen in it is sent at once: where its port closes now, it has
   * ended. A page that the browser keeps to show again cannot say so: its port is closed before it knows. */
  leaving?: boolean;
}

/**
 * This document is recorded. Another `session` than before: its items are numbered from 1 again, beginning with
 * `start`. `paused`: what happens now is not to be stated (states neither), but what was is still sent; `on` comes
 * again, on the same port, when that changes.
 */
export interface On {
  m: "on";
  session: string;
  mask: string[];
  paused: boolean;
}

/** Nobody records this document: what was seen is forgotten, the port closed by the script, and a Wake awaited. */
export interface Off {
  m: "off";
}

/** All items up to `s` are written. */
export interface Acked {
  m: "ack";
  s: number;
}

export type Told = On | Off | Acked;

/** Worker to all documents, by `chrome.tabs.sendMessage`: whoever has no port connects. */
export interface Wake {
  m: "wake";
}
