// The network of the expert's own browser, where no proxy records it: what the tabs ask and are answered, as Chromium's
// debugger tells it. Needs a permission of its own, asked in the popup; Chromium shows a bar while it is used.
import type { Head } from "../wire";
import type { Statement } from "./log";
import { Missed, type Seen } from "./missed";

type State = (statement: Statement, t?: number) => void;
type Session = chrome.debugger.DebuggerSession;

const PROTOCOL = "1.3";
const PORTION = 192 << 10;
const MOST_BODY = 64 << 20;
const LATE_MS = 1000;
const REST_MS = 300;
const RECORDED = /^(https?|wss?):/;
const ENABLE = {
  maxPostDataSize: MOST_BODY,
  maxResourceBufferSize: MOST_BODY,
  maxTotalBufferSize: 2 * MOST_BODY,
  enableDurableMessages: true,
};

/** One request with its answer; a redirect's next is another, of the same name. */
interface Flow {
  id: string;
  tab: number;
  asked: { method: string; url: string; headers: Record<string, string>; t: number };
  body: { data: string[]; skipped?: string };
  /** The head as it was sent, which may be told late or never. */
  sent: Head | null;
  stated: boolean;
  answer: { status: number; reason: string; version: string; headers: Head; server: string; t: number } | null;
  /** The answer's head is still to be told as it came. */
  awaits: boolean;
  /** Whether its answer comes piece by piece; null: it comes at its end. */
  streamed: Promise<boolean> | null;
  done: (() => void) | null;
}

export class Network {
  private readonly tabs = new Set<number>();
  private readonly flows = new Map<string, Flow>();
  private readonly offsets = new Map<string, number>();
  private count = 0;
  private readonly missed = new Missed((tab) => this.tabs.has(tab) || this.awaited.has(tab));
  /** New tabs, which the debugger is on its way to, or cannot be at before they show a page. */
  private readonly awaited = new Set<number>();

  /** `wanted` says whether what a tab asks is recorded. */
  constructor(
    private readonly state: State,
    private readonly wanted: (tab: chrome.tabs.Tab) => boolean,
  ) {}

  get on(): boolean {
    return this.tabs.size > 0;
  }

  async start(): Promise<void> {
    chrome.debugger.onEvent.addListener(this.told);
    chrome.debugger.onDetach.addListener(this.detached);
    chrome.tabs.onCreated.addListener(this.created);
    chrome.tabs.onUpdated.addListener(this.updated);
    this.missed.start();
    const tabs = await chrome.tabs.query({});
    for (const tab of tabs) if (tab.id !== undefined) this.awaited.add(tab.id);
    await Promise.all(tabs.map((tab) => this.attach(tab)));
  }

  async stop(): Promise<void> {
    chrome.tabs.onCreated.removeListener(this.created);
    chrome.tabs.onUpdated.removeListener(this.updated);
    this.missed.stop();
    const tabs = [...this.tabs];
    this.tabs.clear();
    for (const tabId of tabs) await chrome.debugger.detach({ tabId }).catch(() => undefined);
    this.flows.clear();
  }

  private readonly created = (tab: chrome.tabs.Tab): void => {
    if (tab.id !== undefined) this.awaited.add(tab.id);
    void this.attach(tab);
  };

  private readonly updated = (id: number, change: { url?: string; status?: string }, tab: chrome.tabs.Tab): void => {
    if (change.url !== undefined) void this.attach(tab);
    if (change.status === "complete") setTimeout(() => this.rescue(id), REST_MS);
  };

  /** States what the debugger came too late for. */
  private async rescue(tab: number): Promise<void> {
    if (!this.tabs.has(tab)) return;
    this.awaited.delete(tab);
    const left = this.missed.take(tab);
    if (left.length === 0) return;
    const target = { tabId: tab };
    await chrome.debugger.sendCommand(target, "Page.enable").catch(() => undefined);
    const tree = await chrome.debugger.sendCommand(target, "Page.getResourceTree").catch(() => null);
    const frames = tree ? framesOf((tree as { frameTree: FrameTree }).frameTree) : [];
    for (const seen of left) {
      const [name] =
        [...this.flows].find(
          ([, { tab: of, asked }]) => of === tab && asked.url === seen.url && asked.method === seen.method,
        ) ?? [];
      const flow = name === undefined ? undefined : this.flows.get(name);
      if (name !== undefined) this.flows.delete(name);
      await this.stateMissed(seen, flow ?? this.flow("missed", tab, seen.method, seen.url, {}, seen.t), frames);
    }
    this.flows.delete("missed");
  }

  private async stateMissed(seen: Seen, flow: Flow, frames: string[]): Promise<void> {
    flow.sent ??= seen.headers;
    flow.answer = { ...seen, version: "1.1", headers: seen.answer, t: seen.ended };
    for (const frameId of seen.method === "GET" ? frames : []) {
      const said = await chrome.debugger
        .sendCommand({ tabId: seen.tab }, "Page.getResourceContent", { frameId, url: seen.url })
        .catch(() => null);
      if (!said) continue;
      const { content, base64Encoded } = said as { content: string; base64Encoded: boolean };
      this.answered(flow, [base64Encoded ? content : encoded(content)], undefined, seen.ended, true);
      return;
    }
    const empty = seen.status >= 300 && seen.status < 400;
    this.answered(flow, [], empty ? undefined : "the browser's debugger came too late for it", seen.ended, true);
  }

  private async attach(tab: chrome.tabs.Tab): Promise<void> {
    const tabId = tab.id;
    if (tabId === undefined || this.tabs.has(tabId) || !this.wanted(tab)) return;
    this.tabs.add(tabId);
    try {
      await chrome.debugger.attach({ tabId }, PROTOCOL).catch((error: Error) => {
        // A worker before this one attached.
        if (!error.message.includes("already attached")) throw error;
      });
      await this.enable({ tabId });
    } catch {
      this.tabs.delete(tabId); // a page of the browser's own
    }
  }

  private async enable(session: Session): Promise<void> {
    await chrome.debugger.sendCommand(session, "Network.enable", ENABLE);
    // A replay begins with an empty cache and no service worker: whatever is asked must be asked of the network.
    await chrome.debugger.sendCommand(session, "Network.setCacheDisabled", { cacheDisabled: true });
    await chrome.debugger
      .sendCommand(session, "Network.setBypassServiceWorker", { bypass: true })
      .catch(() => undefined);
    const within = { autoAttach: true, waitForDebuggerOnStart: true, flatten: true };
    await chrome.debugger.sendCommand(session, "Target.setAutoAttach", within).catch(() => undefined);
  }

  private readonly detached = (source: chrome.debugger.Debuggee, reason: string): void => {
    if (source.tabId === undefined || !this.tabs.delete(source.tabId)) return;
    if (reason === "canceled_by_user") this.state({ k: "gap", reason: "the browser's network was recorded no more" });
  };

  private readonly told = (source: Session, method: string, parameters?: object): void => {
    if (source.tabId === undefined || !this.tabs.has(source.tabId)) return;
    const handler = this.handlers[method];
    if (handler) handler(parameters as Told, source, source.tabId);
  };

  private readonly handlers: Record<string, (told: Told, source: Session, tab: number) => void> = {
    "Target.attachedToTarget": ({ sessionId }, source) => {
      const session = { tabId: source.tabId, sessionId } as Session;
      void this.enable(session)
        .catch(() => undefined)
        .then(() => chrome.debugger.sendCommand(session, "Runtime.runIfWaitingForDebugger"))
        .catch(() => undefined);
    },
    "Network.requestWillBeSent": (told, source, tab) => {
      const { requestId, request, redirectResponse, timestamp, wallTime } = told;
      if (!RECORDED.test(request.url)) return;
      this.offsets.set(requestId, wallTime - timestamp);
      const before = this.flows.get(requestId);
      if (before && redirectResponse) {
        this.head(before, redirectResponse, told.redirectHasExtraInfo, this.at(told));
        this.whenTold(before, () => this.answered(before, []));
        before.stated || this.asked(before);
      }
      const t = wallTime * 1000;
      const flow = this.flow(requestId, tab, request.method, request.url, request.headers, t);
      const extra = this.early.requests.get(requestId)?.shift();
      if (extra) flow.sent = extra;
      if (request.hasPostData) void this.posted(flow, request, source, requestId).then(() => this.maybeAsked(flow));
      else this.maybeAsked(flow);
    },
    "Network.requestWillBeSentExtraInfo": ({ requestId, headers }) => {
      const flow = this.flows.get(requestId);
      const sent = listed(headers);
      if (flow && !flow.sent && !flow.stated) {
        flow.sent = sent;
        this.maybeAsked(flow);
      } else this.early.keep("requests", requestId, sent);
    },
    "Network.responseReceived": (told, source) => {
      const flow = this.flows.get(told.requestId);
      if (!flow) return;
      this.head(flow, told.response, told.hasExtraInfo, this.at(told));
      if (told.response.mimeType === "text/event-stream") {
        const request = { requestId: told.requestId };
        flow.streamed = chrome.debugger
          .sendCommand(source, "Network.streamResourceContent", request)
          .then((held) => {
            this.portion(flow, (held as { bufferedData?: string }).bufferedData ?? "");
            return true;
          })
          .catch(() => false); // it has ended already
      }
    },
    "Network.responseReceivedExtraInfo": ({ requestId, headers, headersText, statusCode }) => {
      const flow = this.flows.get(requestId);
      const came = ordered(listed(headers), headersText);
      if (flow?.awaits && flow.answer) this.settle(flow, came, statusCode);
      else this.early.keep("responses", requestId, came, statusCode);
    },
    "Network.dataReceived": (told) => {
      const flow = this.flows.get(told.requestId);
      if (flow?.streamed && told.data) this.portion(flow, told.data, this.at(told));
    },
    "Network.loadingFinished": (told, source) => {
      const flow = this.flows.get(told.requestId);
      if (!flow) return;
      this.forget(told.requestId);
      const t = this.at(told);
      void this.body(flow, source, told.requestId).then((response) =>
        this.whenTold(flow, () => this.answered(flow, response.data, response.skipped, t)),
      );
    },
    "Network.loadingFailed": (told, source) => {
      const flow = this.flows.get(told.requestId);
      if (!flow) return;
      this.forget(told.requestId);
      flow.awaits = false;
      this.asked(flow);
      const partial = flow.answer ? this.body(flow, source, told.requestId) : Promise.resolve({ data: [] });
      const error = told.errorText || "it failed";
      void partial.then(({ data }) => this.ended(flow, data, { partial: true }, error, this.at(told)));
    },
    "Network.webSocketCreated": ({ requestId, url }, _, tab) => {
      this.flow(requestId, tab, "GET", url.replace(/^ws/, "http"), {}, Date.now());
    },
    "Network.webSocketWillSendHandshakeRequest": (told) => {
      const flow = this.flows.get(told.requestId);
      if (!flow) return;
      this.offsets.set(told.requestId, told.wallTime - told.timestamp);
      flow.asked.t = told.wallTime * 1000;
      flow.asked.headers = told.request.headers;
    },
    "Network.webSocketHandshakeResponseReceived": (told) => {
      const flow = this.flows.get(told.requestId);
      if (!flow) return;
      if (told.response.requestHeaders) flow.sent = listed(told.response.requestHeaders);
      this.asked(flow);
      this.head(flow, { ...told.response, protocol: "http/1.1" }, false, this.at(told));
      this.answered(flow, [], undefined, this.at(told));
    },
    "Network.webSocketFrameSent": (told) => this.message(told, true),
    "Network.webSocketFrameReceived": (told) => this.message(told, false),
    "Network.webSocketClosed": (told) => {
      const flow = this.flows.get(told.requestId);
      if (!flow) return;
      this.forget(told.requestId);
      if (flow.answer) this.state({ k: "flow.closed", id: flow.id, sent: false }, this.at(told));
      else {
        this.asked(flow);
        this.ended(flow, [], {}, "the WebSocket was not opened", this.at(told));
      }
    },
  };

  /** Heads as they went over the wire come on a way of their own, before or after the rest. */
  private readonly early = {
    requests: new Map<string, Head[]>(),
    responses: new Map<string, [Head, number][]>(),
    keep(kind: "requests" | "responses", id: string, head: Head, status = 0): void {
      if (kind === "requests") this.requests.set(id, [...(this.requests.get(id) ?? []), head].slice(-8));
      else this.responses.set(id, [...(this.responses.get(id) ?? []), [head, status] as [Head, number]].slice(-8));
      for (const map of [this.requests, this.responses]) if (map.size > 1000) map.delete(map.keys().next().value ?? "");
    },
  };

  private flow(
    name: string,
    tab: number,
    method: string,
    url: string,
    headers: Record<string, string>,
    t: number,
  ): Flow {
    const flow: Flow = {
      id: `${name}/${++this.count}`,
      tab,
      asked: { method, url: url.replace(/#.*$/, ""), headers, t },
      body: { data: [] },
      sent: null,
      stated: false,
      answer: null,
      awaits: false,
      streamed: null,
      done: null,
    };
    this.flows.set(name, flow);
    return flow;
  }

  private forget(name: string): void {
    this.flows.delete(name);
    this.early.requests.delete(name);
    setTimeout(() => {
      this.early.responses.delete(name);
      this.offsets.delete(name);
    }, LATE_MS);
  }

  private async posted(flow: Flow, request: Request, source: Session, requestId: string): Promise<void> {
    const entries = request.postDataEntries;
    if (entries?.every((entry) => entry.bytes !== undefined)) {
      flow.body.data = entries.map((entry) => entry.bytes ?? "");
      return;
    }
    const said = (await chrome.debugger
      .sendCommand(source, "Network.getRequestPostData", { requestId })
      .catch(() => null)) as { postData: string; base64Encoded?: boolean } | null;
    if (entries || !said) flow.body.skipped = "the browser tells of no files in it";
    else flow.body.data = [said.base64Encoded ? said.postData : encoded(said.postData)];
  }

  private maybeAsked(flow: Flow): void {
    if (flow.sent) this.asked(flow);
  }

  private asked(flow: Flow): void {
    if (flow.stated) return;
    flow.stated = true;
    const { method, url, headers, t } = flow.asked;
    const plain = Object.entries(headers);
    // HTTP/2 has its pseudo-headers among them.
    const sent = (flow.sent ?? (plain as Head)).filter(([name]) => !name.startsWith(":"));
    this.state({ k: "flow.requested", id: flow.id, tab: flow.tab, method, url, headers: sent }, t);
  }

  private head(flow: Flow, response: Response, extra: boolean | undefined, t: number): void {
    const { status, statusText: reason, headers, headersText, protocol, remoteIPAddress, remotePort } = response;
    const version = { h2: "2", h3: "3", "http/1.0": "1.0" }[protocol ?? ""] ?? "1.1";
    const server = remoteIPAddress ? `${remoteIPAddress}:${remotePort}` : "";
    flow.answer = { status, reason, version, headers: ordered(listed(headers), headersText), server, t };
    const name = flow.id.slice(0, flow.id.lastIndexOf("/"));
    const early = this.early.responses.get(name)?.shift();
    if (early) this.settle(flow, ...early);
    else if (extra) {
      flow.awaits = true;
      setTimeout(() => this.settle(flow, null, 0), LATE_MS);
    }
    this.asked(flow);
  }

  private settle(flow: Flow, head: Head | null, status: number): void {
    if (flow.answer && head && status === flow.answer.status)
      flow.answer.headers = head.filter(([n]) => !n.startsWith(":"));
    flow.awaits = false;
    flow.done?.();
    flow.done = null;
  }

  private whenTold(flow: Flow, done: () => void): void {
    if (flow.awaits) flow.done = done;
    else done();
  }

  private answered(flow: Flow, data: string[], skipped?: string, t = flow.answer?.t, missed = false): void {
    if (!missed) this.missed.told(flow.tab, flow.asked.method, flow.asked.url);
    this.asked(flow);
    this.ended(flow, data, skipped === undefined ? {} : { skipped }, undefined, t);
  }

  private ended(
    flow: Flow,
    data: string[],
    response: { skipped?: string; partial?: boolean },
    error?: string,
    t?: number,
  ): void {
    const { id, answer } = flow;
    for (const portion of flow.body.data.flatMap(cut))
      this.state({ k: "flow.body", id, of: "request", data: portion }, t);
    for (const portion of data.flatMap(cut)) this.state({ k: "flow.body", id, of: "response", data: portion }, t);
    this.state(
      {
        k: "flow.answered",
        id,
        ...(answer && {
          status: answer.status,
          reason: answer.reason,
          version: answer.version,
          headers: answer.headers,
          first: answer.t,
          ...(answer.server && { server: answer.server }),
          response,
        }),
        ...(flow.body.skipped !== undefined && { request: { skipped: flow.body.skipped } }),
        ...(error !== undefined && { error }),
      },
      t,
    );
  }

  private portion(flow: Flow, data: string, t?: number): void {
    for (const portion of cut(data)) this.state({ k: "flow.body", id: flow.id, of: "response", data: portion }, t);
  }

  private async body(flow: Flow, source: Session, requestId: string): Promise<{ data: string[]; skipped?: string }> {
    if (flow.asked.method === "HEAD" || (await flow.streamed)) return { data: [] };
    try {
      const said = (await chrome.debugger.sendCommand(source, "Network.getResponseBody", { requestId })) as {
        body: string;
        base64Encoded: boolean;
      };
      if (said.body.length > MOST_BODY) return { data: [], skipped: `more than ${MOST_BODY >> 20} MB` };
      return { data: [said.base64Encoded ? said.body : encoded(said.body)] };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const none = [204, 205, 304].includes(flow.answer?.status ?? 0);
      return none ? { data: [] } : { data: [], skipped: `the browser did not hand it over: ${why}`.slice(0, 200) };
    }
  }

  private message(told: Told, sent: boolean): void {
    const flow = this.flows.get(told.requestId);
    const { opcode, payloadData } = told.response;
    if (!flow || (opcode !== 1 && opcode !== 2)) return;
    const text = opcode === 1;
    const data = text ? encoded(payloadData ?? "") : (payloadData ?? "");
    this.state({ k: "flow.message", id: flow.id, sent, text, data }, this.at(told));
  }

  private at(told: Told): number {
    const offset = this.offsets.get(told.requestId);
    return offset === undefined ? Date.now() : (told.timestamp + offset) * 1000;
  }
}

interface FrameTree {
  frame: { id: string };
  childFrames?: FrameTree[];
}

function framesOf({ frame, childFrames }: FrameTree): string[] {
  return [frame.id, ...(childFrames ?? []).flatMap(framesOf)];
}

interface Request {
  method: string;
  url: string;
  headers: Record<string, string>;
  hasPostData?: boolean;
  postDataEntries?: { bytes?: string }[];
}

interface Response {
  status: number;
  statusText: string;
  headers: Record<string, string>;
  headersText?: string;
  requestHeaders?: Record<string, string>;
  protocol?: string;
  mimeType?: string;
  remoteIPAddress?: string;
  remotePort?: number;
  opcode?: number;
  payloadData?: string;
}

/** The fields of the events of Chromium's debugger that are used here, all together. */
interface Told {
  requestId: string;
  sessionId: string;
  timestamp: number;
  wallTime: number;
  url: string;
  request: Request;
  response: Response;
  redirectResponse?: Response;
  redirectHasExtraInfo?: boolean;
  hasExtraInfo?: boolean;
  headers: Record<string, string>;
  headersText?: string;
  statusCode: number;
  data?: string;
  errorText?: string;
}

/** Headers of one name come as one value with lines. */
function listed(headers: Record<string, string>): Head {
  return Object.entries(headers).flatMap(([name, value]) =>
    value.split("\n").map((one): [string, string] => [name, one]),
  );
}

/** As they stood in the head's text, where that is told. */
function ordered(headers: Head, text: string | undefined): Head {
  if (!text) return headers;
  const lines = text.split("\r\n").slice(1);
  return lines.flatMap((line): Head => {
    const colon = line.indexOf(":");
    return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1).trim()]] : [];
  });
}

function encoded(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let binary = "";
  for (let at = 0; at < bytes.length; at += 32768) binary += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(binary);
}

function cut(data: string): string[] {
  const portions: string[] = [];
  for (let at = 0; at < data.length; at += PORTION) portions.push(data.slice(at, at + PORTION));
  return portions;
}
