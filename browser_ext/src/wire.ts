// What the extension and the recorder say to each other: JSON objects, the same types as recorder/trace/wire.py.
// Fields of items are those of the trace's events (recorder/trace/pages.py), but for times (Unix ms), inline content
// and the browser's own numbers of tabs, frames and documents, which the worker adds.

/** By the WebSocket only, before the hello: the recorder proves that it knows the code, or the key it was traded for. */
export interface Prove {
  m: "prove";
  server: string;
  proof: string;
}

/** And knows that the extension does: the hello may come. */
export interface Paired {
  m: "paired";
}

export const WIRE_VERSION = 1;

/** A statement of one document's capture script: `s` counts from 1 without holes, `t` is Unix ms. */
export interface Numbered {
  s: number;
  t: number;
}

/** What a page can say of the browser; the fields are those of BrowserStarted in pages.py. */
export interface About {
  width: number;
  height: number;
  scale: number;
  locale: string;
  languages: string[];
  timezone: string;
  dark: boolean;
  reduced_motion: boolean;
}

/** The first item of every document, which is there since `since`. `index`: which of its parent's frames it is; `about`: of a tab's own document. */
export interface StartItem extends Numbered {
  k: "start";
  url: string;
  opaque?: boolean;
  since?: number;
  index?: number;
  name?: string;
  about?: About;
}

export interface EndItem extends Numbered {
  k: "end";
}

/** The document, which had ended, is shown again: the browser had kept it. */
export interface ShownItem extends Numbered {
  k: "shown";
}

/** A portion (at most 256 KiB, base64) of the content that a later item of this document refers to by `part`. */
export interface PartItem extends Numbered {
  k: "part";
  id: string;
  data: string;
}

/** See PageTarget in pages.py. */
export interface TargetItem extends Numbered {
  k: "target";
  n: number;
  tag: string;
  type?: string;
  role?: string;
  name?: string;
  label?: string;
  placeholder?: string;
  text?: string;
  id?: string;
  test_id?: string;
  attributes?: Record<string, string>;
  anchors?: [string, string][];
  css?: string;
  xpath?: string;
  shadow?: string[];
  closed?: boolean;
  rect?: [number, number, number, number];
  ordinal?: number;
  alike?: number;
  editable?: boolean;
  masked?: boolean;
  control?: number;
}

export interface Clip {
  type: string;
  text?: string;
  part?: string;
  size?: number;
  skipped?: string;
}

export interface FileChosen {
  name: string;
  type: string;
  size: number;
  part?: string;
  skipped?: string;
}

/** See PageEvent in pages.py. */
export interface EventItem extends Numbered {
  k: "event";
  type: string;
  trusted: boolean;
  target?: number;
  state?: number;
  x?: number;
  y?: number;
  offset?: [number, number];
  button?: number;
  buttons?: number;
  detail?: number;
  pointer?: string;
  modifiers?: number;
  dx?: number;
  dy?: number;
  key?: string;
  code?: string;
  location?: number;
  repeat?: boolean;
  composing?: boolean;
  input_type?: string;
  text?: string;
  value?: string;
  checked?: boolean;
  selected?: string[];
  selection?: [number, number];
  scroll?: [number, number];
  size?: [number, number];
  clips?: Clip[];
  files?: FileChosen[];
  masked?: boolean;
}

/** See PageState in pages.py; `aria` is the snapshot itself. */
export interface StateItem extends Numbered {
  k: "state";
  n: number;
  url: string;
  title: string;
  dom: string;
  aria?: string;
  settled?: boolean;
  focus?: number;
  scroll?: [number, number];
  nodes?: number;
}

/** See DialogAnswered in pages.py; `asked` is Unix ms. */
export interface DialogItem extends Numbered {
  k: "dialog";
  type: "alert" | "confirm" | "prompt" | "beforeunload";
  message: string;
  asked: number;
  accepted: boolean;
  answer?: string;
}

/** See ClockRead in pages.py. */
export interface ClockItem extends Numbered {
  k: "clock";
  read: "date" | "now" | "event" | "frame" | "drawn";
  by?: "script" | "timer" | "frame" | "task";
  first: number;
  base: number;
  values: number[];
  times?: number[];
}

export type DocumentItem =
  | StartItem
  | EndItem
  | ShownItem
  | PartItem
  | TargetItem
  | EventItem
  | StateItem
  | DialogItem
  | ClockItem;

/** Names and values in the order in which they were sent. */
export type Head = [string, string][];

/** How a body ended, whose portions (base64) came as `flow.body`: it is not there and why, or it is not whole. */
export interface Kept {
  size?: number;
  skipped?: string;
  partial?: boolean;
}

/** What the worker itself states; numbers of tabs and frames are the browser's. `flow.*`: a request that the
 * browser itself tells with its answer, where no proxy does (FlowRequested and the others in events.py); `first` is when
 * the answer began, in Unix ms, `id` the browser's name for it. */
export type WorkerItem = Numbered &
  (
    | { k: "tab.opened"; tab: number; opener?: number; popup?: boolean }
    | { k: "tab.activated"; tab: number }
    | { k: "tab.closed"; tab: number }
    | { k: "navigated"; tab: number; frame: number; url: string; how: string; within?: boolean }
    | {
        k: "request";
        id: string;
        tab?: number;
        frame?: number;
        method: string;
        url: string;
        type: string;
        initiator?: string;
        ended?: boolean;
        status?: number;
        error?: string;
        cached?: boolean;
      }
    | { k: "gap"; reason: string }
    | { k: "flow.requested"; id: string; tab?: number; method: string; url: string; version?: string; headers: Head }
    | { k: "flow.body"; id: string; of: "request" | "response"; data: string }
    | {
        k: "flow.answered";
        id: string;
        status?: number;
        reason?: string;
        version?: string;
        headers?: Head;
        server?: string;
        error?: string;
        first?: number;
        request?: Kept;
        response?: Kept;
      }
    | { k: "flow.message"; id: string; sent: boolean; text: boolean; data: string }
    | { k: "flow.closed"; id: string; sent: boolean; code?: number; reason?: string }
    | { k: "download"; tab?: number; url: string; name: string; complete: boolean; size: number; type?: string }
  );

// -- upwards: extension to recorder ----------------------------------------------------------------

/** Items of one document. `tab`, `frame` (0: the tab's own) and `parent` are the browser's numbers. */
export interface Batch {
  m: "batch";
  tab: number;
  frame: number;
  parent?: number;
  document: string;
  items: DocumentItem[];
}

export interface Log {
  m: "log";
  instance: string;
  items: WorkerItem[];
}

/** The first message of a connection. `browser` stays as long as the browser runs. */
export interface Hello {
  m: "hello";
  v: number;
  capture: string;
  user_agent: string;
  instance: string;
  browser?: string;
  /** Whether the browser lets it see any site. */
  sees?: boolean;
}

/** Words of the expert, by the hotkey or the popup. */
export interface Note {
  m: "note";
  t: number;
  text: string;
}

/** What the expert asks for in the popup; `ready`: the browser is, whatever happens in it now is told. */
export interface Ask {
  m: "ask";
  what: "pause" | "resume" | "stop" | "ready";
}

/** Cookies and storage of the recorded sites, on the expert's consent: Playwright's storage state. Before all else. */
export interface Storage {
  m: "storage";
  cookies: {
    name: string;
    value: string;
    domain: string;
    path: string;
    expires: number;
    httpOnly: boolean;
    secure: boolean;
    sameSite: "None" | "Lax" | "Strict";
  }[];
  origins: { origin: string; localStorage: { name: string; value: string }[] }[];
}

export type Upward = Hello | Batch | Log | Note | Ask | Storage;

// -- downwards: recorder to extension --------------------------------------------------------------

/** Recording is on. `sites`: host patterns that are captured (empty: all); `mask`: CSS of fields to withhold. */
export interface Welcome {
  m: "welcome";
  session: string;
  task: string;
  sites: string[];
  mask: string[];
  /** Nobody else records the network: the browser may, if the expert lets it. */
  network?: boolean;
}

/** All up to `s` of this document or worker instance is written. */
export interface Ack {
  m: "ack";
  key: string;
  s: number;
}

/** What the popup shows. */
export interface Status {
  m: "status";
  recording: boolean;
  paused: boolean;
  events: number;
  steps: number;
  lost: number;
  since: number;
}

export interface Refused {
  m: "refused";
  why: string;
}

export type Downward = Welcome | Ack | Status | Refused;
