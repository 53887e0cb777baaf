// The documents' capture scripts: each speaks through a port; what it states gets the browser's numbers and goes on.
import { PORT, type Said, type Told, type Wake } from "../port";
import type { Batch, DocumentItem } from "../wire";

const KEY = "document:";
/** A message has about so many characters at most: the recorder takes no long ones, and a portion is soon through. */
const PORTION = 1 << 20;
/** Items of all documents together that are kept here; a living document has its own and is asked again. */
const MOST_KEPT = 50_000;

const DEEDS = new Set(["pointerdown", "keydown", "wheel", "input", "drop"]);

type Head = Omit<Batch, "m" | "items">;

interface Speaker {
  port: chrome.runtime.Port | null;
  head: Head;
  site: string;
  /** Sent and not acknowledged. */
  kept: DocumentItem[];
  on: boolean;
  /** It was there before the recording, and nobody has done anything in it: it may be none of it. */
  idle: boolean;
  /** The number of the last that was sent, and whether the document sends all at once, for it is about to be left. */
  last: number;
  leaving: boolean;
  /** What is kept here has a hole: when the way is free again the document must begin again. */
  short: boolean;
}

/** What is remembered of a document that is gone. */
type Left = Batch & Pick<Speaker, "site" | "on">;

/** What the worker knows of the recording that a document asks for. */
export interface Recording {
  /** Null: nobody knows yet. */
  readonly session: string | null | undefined;
  /** Whether a page of this URL is recorded. */
  readonly wanted: (url: string) => boolean;
  readonly mask: string[];
  readonly paused: boolean;
}

export class Documents {
  private readonly speakers = new Map<string, Speaker>();
  private kept = 0;
  /** When the recording of a browser that was there before began, Unix ms; 0: the browser is the recording's own. */
  began = 0;

  constructor(
    private readonly recording: () => Recording,
    private readonly send: (batch: Batch) => void,
  ) {}

  /** What documents that are gone stated before this worker started. */
  async recall(): Promise<void> {
    for (const [key, batch] of Object.entries(await chrome.storage.session.get(null))) {
      if (!key.startsWith(KEY)) continue;
      const { items, m: _, site, on, ...head } = batch as Left;
      if (!this.speakers.has(head.document))
        this.speakers.set(head.document, {
          port: null,
          head,
          site,
          kept: items,
          on,
          idle: false,
          last: items.at(-1)?.s ?? 0,
          leaving: false,
          short: false,
        });
    }
  }

  /** A document has connected; once `ready`, it is known what was kept before. */
  async connected(port: chrome.runtime.Port, ready: Promise<void>): Promise<void> {
    const { tab, frameId: frame, documentId, url } = port.sender ?? {};
    if (!port.name.startsWith(PORT) || tab?.id === undefined || frame === undefined || documentId === undefined) return;
    // A `javascript:` URL puts another document in the place of one and leaves it its id: scripts count for themselves.
    const document = `${documentId}:${port.name.slice(PORT.length, PORT.length + 16)}`;
    const early: Said[] = [];
    let hear = (said: Said): void => void early.push(said);
    let gone = false;
    port.onMessage.addListener((said: Said) => hear(said));
    let left = (): void => {
      gone = true;
    };
    port.onDisconnect.addListener(() => left());
    const head: Head = { tab: tab.id, frame, document };
    if (frame !== 0) {
      const found = await chrome.webNavigation.getFrame({ tabId: tab.id, frameId: frame }).catch(() => null);
      head.parent = found?.parentFrameId ?? 0;
    }
    await ready;
    const before = this.speakers.get(document);
    const speaker: Speaker = {
      port: gone ? null : port,
      head,
      site: (frame === 0 ? url : tab.url) ?? url ?? "",
      kept: before?.kept ?? [],
      on: false,
      idle: before?.idle ?? false,
      last: before?.last ?? 0,
      leaving: false,
      short: false,
    };
    this.speakers.set(document, speaker);
    hear = (said) => this.heard(speaker, said);
    left = () => this.left(speaker);
    for (const said of early) hear(said);
    this.instruct(speaker);
    if (gone) this.left(speaker);
  }

  /** Tells every document whether it is recorded; those without a port are woken to ask. */
  async announce(): Promise<void> {
    for (const speaker of this.speakers.values()) this.instruct(speaker);
    if (!this.recording().session) return;
    const wake: Wake = { m: "wake" };
    for (const tab of await chrome.tabs.query({}))
      if (tab.id !== undefined) chrome.tabs.sendMessage(tab.id, wake).catch(() => undefined); // no script of ours there
  }

  /** Sends again all that is not acknowledged. */
  again(): void {
    const { session, wanted } = this.recording();
    for (const speaker of [...this.speakers.values()]) {
      if (!speaker.port && !speaker.on) {
        // It was gone before anybody could tell it.
        if (session && wanted(speaker.site)) speaker.on = true;
        else this.drop(speaker, speaker.kept.length);
        if (speaker.kept.length === 0) this.forget(speaker);
      }
      if (speaker.short && speaker.port) {
        this.drop(speaker, speaker.kept.length);
        speaker.short = false;
        speaker.port.disconnect(); // it connects again, with all that it has
        this.left(speaker);
      } else this.pass(speaker, speaker.kept);
    }
  }

  acknowledged(document: string, s: number): void {
    const speaker = this.speakers.get(document);
    if (!speaker) return;
    const written = speaker.kept.findIndex((item) => item.s > s);
    this.drop(speaker, written < 0 ? speaker.kept.length : written);
    tell(speaker, { m: "ack", s });
    if (!speaker.port && speaker.kept.length === 0) this.forget(speaker);
  }

  /** Another session, or none: what is kept was for the one before. */
  clear(): void {
    for (const speaker of [...this.speakers.values()]) {
      this.drop(speaker, speaker.kept.length);
      speaker.short = false;
      if (!speaker.port) this.forget(speaker);
    }
  }

  private heard(speaker: Speaker, { session, items, leaving }: Said): void {
    // Nothing is known yet: kept until it is. Another session: it was told so by now.
    const { session: recorded, paused } = this.recording();
    if (recorded === null || (session === "" ? paused : recorded !== undefined && recorded !== session)) return;
    if (leaving !== undefined) speaker.leaving = leaving;
    const [first] = items;
    speaker.last = Math.max(speaker.last, items.at(-1)?.s ?? 0);
    if (items.some(({ k }) => k === "end")) speaker.leaving = false;
    if (first?.k === "start") speaker.idle = (first.since ?? 0) < this.began;
    if (speaker.idle && items.some(done)) {
      speaker.idle = false;
      if (speaker.on) this.pass(speaker, speaker.kept);
    }
    const last = speaker.kept.at(-1)?.s ?? 0;
    const fresh = items.filter((item) => item.s > last);
    if (this.kept + fresh.length > MOST_KEPT) speaker.short = true;
    if (!speaker.short) {
      for (const item of fresh) speaker.kept.push(item);
      this.kept += fresh.length;
    }
    if (speaker.on || !speaker.port) this.pass(speaker, items);
  }

  private pass(speaker: Speaker, items: DocumentItem[]): void {
    if (speaker.idle) return;
    let portion: DocumentItem[] = [];
    let size = 0;
    for (const item of items) {
      const length = item.k === "part" ? item.data.length : item.k === "event" || item.k === "target" ? 1024 : 65536;
      if (size + length > PORTION && portion.length > 0) {
        this.send({ m: "batch", ...speaker.head, items: portion });
        portion = [];
        size = 0;
      }
      portion.push(item);
      size += length;
    }
    if (portion.length > 0) this.send({ m: "batch", ...speaker.head, items: portion });
  }

  private instruct(speaker: Speaker): void {
    const { session, wanted, mask, paused } = this.recording();
    if (!speaker.port || session === undefined) return;
    const on = session !== null && wanted(speaker.site);
    const begins = on && !speaker.on;
    speaker.on = on;
    if (on) tell(speaker, { m: "on", session, mask, paused });
    else {
      this.drop(speaker, speaker.kept.length);
      tell(speaker, { m: "off" });
    }
    if (begins) this.pass(speaker, speaker.kept);
  }

  private left(speaker: Speaker): void {
    if (this.speakers.get(speaker.head.document) !== speaker) return;
    speaker.port = null;
    const { session, wanted } = this.recording();
    if (speaker.leaving && speaker.on && typeof session === "string")
      this.heard(speaker, { session, items: [{ k: "end", s: speaker.last + 1, t: Date.now() }] });
    if (!speaker.on && session !== undefined) {
      speaker.on = session !== null && wanted(speaker.site);
      if (speaker.on) this.pass(speaker, speaker.kept);
      else this.drop(speaker, speaker.kept.length);
    }
    if (speaker.kept.length === 0) this.forget(speaker);
    else {
      const { head, site, on, kept: items } = speaker;
      chrome.storage.session
        .set({ [KEY + head.document]: { m: "batch", ...head, items, site, on } satisfies Left })
        .catch(() => undefined);
    }
  }

  private forget(speaker: Speaker): void {
    this.speakers.delete(speaker.head.document);
    void chrome.storage.session.remove(KEY + speaker.head.document);
  }

  private drop(speaker: Speaker, count: number): void {
    speaker.kept.splice(0, count);
    this.kept -= count;
  }
}

/** Whether it is a deed of a person's. */
function done(item: DocumentItem): boolean {
  return item.k === "event" && item.trusted && DEEDS.has(item.type);
}

function tell(speaker: Speaker, told: Told): void {
  try {
    speaker.port?.postMessage(told);
  } catch {
    // it is in the cache of pages gone back from; it connects again
  }
}
