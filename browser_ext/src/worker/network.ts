// The network of the expert's own browser, where no proxy records it: what the tabs ask and are answered, as Chromium's
// debugger tells it. Needs a permission of its own, asked in the popup; Chromium shows a bar while it is used.
import { type Flow, Flows, MOST_BODY } from "./flows";
import type { Statement } from "./log";
import { Missed, type Seen } from "./missed";
import { encoded, type FrameTree, framesOf, listed, ordered, type Told } from "./told";

type State = (statement: Statement, t?: number) => void;
type Session = chrome.debugger.DebuggerSession;

const PROTOCOL = "1.3";
const REST_MS = 300;
const MOST_LOADINGS = 1000;
const RECORDED = /^(https?|wss?):/;
const ENABLE = {
  maxPostDataSize: MOST_BODY,
  maxResourceBufferSize: MOST_BODY,
  maxTotalBufferSize: 2 * MOST_BODY,
  enableDurableMessages: true,
};

export class Network {
  /** Those that the debugger is at, and since when (Unix ms); not known while it is on its way. */
  private readonly tabs = new Map<number, number>();
  private readonly flows: Flows;
  private readonly missed = new Missed(
    (tab) => this.tabs.has(tab) || this.awaited.has(tab),
    (url) => this.wanted(url),
  );
  /** New tabs, which the debugger is on its way to, or cannot be at before they show a page. */
  private readonly awaited = new Set<number>();
  /** Those that it came to while their page loaded: it goes to their frames afterwards. A frame of another site that
   * is on its way when the debugger comes may never arrive. */
  private readonly late = new Set<number>();

  /** By tab: the frame that is its page, and whether the page that it asked for last is recorded. */
  private readonly pages = new Map<number, { frame: string; wanted: boolean }>();
  /** By the browser's name for a page's loading: whether the page is recorded. */
  private readonly loadings = new Map<string, boolean>();

  /** `wanted` says whether a page of this URL is recorded. */
  constructor(
    private readonly state: State,
    private readonly wanted: (url: string) => boolean,
  ) {
    this.flows = new Flows(state, ({ tab, asked }) => this.missed.told(tab, asked.method, asked.url));
  }

  get on(): boolean {
    return this.tabs.size > 0;
  }

  async start(): Promise<void> {
    chrome.debugger.onEvent.addListener(this.told);
    chrome.debugger.onDetach.addListener(this.detached);
    chrome.tabs.onCreated.addListener(this.created);
    chrome.tabs.onUpdated.addListener(this.updated);
    this.missed.start();
    await this.survey();
  }

  /** Goes to the tabs that are to be recorded: also when more are than before. */
  async survey(): Promise<void> {
    const tabs = await chrome.tabs.query({});
    for (const { id } of tabs) if (id !== undefined && !this.tabs.has(id)) this.awaited.add(id);
    await Promise.all(tabs.map((tab) => this.attach(tab)));
  }

  /** More may be seen than before: what Chromium refused to tell is asked for again. */
  async renew(): Promise<void> {
    this.missed.stop();
    this.missed.start();
    await this.survey();
  }

  async stop(): Promise<void> {
    chrome.tabs.onCreated.removeListener(this.created);
    chrome.tabs.onUpdated.removeListener(this.updated);
    this.missed.stop();
    const tabs = [...this.tabs.keys()];
    this.tabs.clear();
    for (const tabId of tabs) await chrome.debugger.detach({ tabId }).catch(() => undefined);
    this.flows.open.clear();
  }

  private readonly created = (tab: chrome.tabs.Tab): void => {
    if (tab.id !== undefined) this.awaited.add(tab.id);
    void this.attach(tab);
  };

  private readonly updated = (id: number, change: { url?: string; status?: string }, tab: chrome.tabs.Tab): void => {
    if (change.url !== undefined) void this.attach(tab, true);
    if (change.status === "complete") setTimeout(() => this.rescue(id), REST_MS);
  };

  /** States what the debugger came too late for. */
  private async rescue(tab: number): Promise<void> {
    const since = this.tabs.get(tab);
    if (since === undefined) return;
    const late = this.late.has(tab);
    if (late && (await chrome.tabs.get(tab).catch(() => null))?.status !== "complete") return; // it shows another by now
    this.awaited.delete(tab);
    this.late.delete(tab);
    if (late) await this.enter({ tabId: tab });
    const left = this.missed.take(tab, late ? Date.now() : since);
    if (left.length === 0) return;
    const target = { tabId: tab };
    await chrome.debugger.sendCommand(target, "Page.enable").catch(() => undefined);
    const tree = await chrome.debugger.sendCommand(target, "Page.getResourceTree").catch(() => null);
    const frames = tree ? framesOf((tree as { frameTree: FrameTree }).frameTree) : [];
    for (const seen of left) {
      const [name] =
        [...this.flows.open].find(
          ([, { tab: of, asked }]) =>
            of === tab && asked.url === seen.url && asked.method === seen.method && asked.t <= seen.ended,
        ) ?? [];
      const flow = name === undefined ? undefined : this.flows.open.get(name);
      if (name !== undefined) this.flows.open.delete(name);
      await this.stateMissed(seen, flow ?? this.flows.flow("missed", tab, seen.method, seen.url, {}, seen.t), frames);
    }
    this.flows.open.delete("missed");
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
      this.flows.answered(flow, [base64Encoded ? content : encoded(content)], undefined, seen.ended, true);
      return;
    }
    const empty = seen.status >= 300 && seen.status < 400;
    this.flows.answered(flow, [], empty ? undefined : "the browser's debugger came too late for it", seen.ended, true);
  }

  /** Whether this is of a page that is recorded: the tab's own decides, for its frames too. */
  private ofPage({ requestId, loaderId, frameId, type, request }: Told, tab: number): boolean {
    const page = this.pages.get(tab);
    if (page && type === "Document" && frameId === page.frame) {
      page.wanted = this.wanted(request.url);
      this.loadings.set(loaderId || requestId, page.wanted);
      if (this.loadings.size > MOST_LOADINGS) this.loadings.delete(this.loadings.keys().next().value ?? "");
    }
    return this.loadings.get(loaderId) ?? page?.wanted ?? true;
  }

  private async attach(tab: chrome.tabs.Tab, late = false): Promise<void> {
    const tabId = tab.id;
    if (tabId === undefined || this.tabs.has(tabId) || !this.wanted(tab.pendingUrl || tab.url || "")) return;
    this.tabs.set(tabId, Number.POSITIVE_INFINITY);
    try {
      const targets = await chrome.debugger.getTargets();
      this.pages.set(tabId, { frame: targets.find((one) => one.tabId === tabId)?.id ?? "", wanted: true });
      await chrome.debugger.attach({ tabId }, PROTOCOL).catch((error: Error) => {
        // A worker before this one attached.
        if (!error.message.includes("already attached")) throw error;
      });
      if (late) this.late.add(tabId);
      await this.enable({ tabId });
      if (!late) await this.enter({ tabId });
      this.tabs.set(tabId, Date.now());
    } catch {
      this.tabs.delete(tabId); // a page of the browser's own
      this.late.delete(tabId);
    }
  }

  private async enable(session: Session): Promise<void> {
    await chrome.debugger.sendCommand(session, "Network.enable", ENABLE);
    // A replay begins with an empty cache and no service worker: whatever is asked must be asked of the network.
    await chrome.debugger.sendCommand(session, "Network.setCacheDisabled", { cacheDisabled: true });
    await chrome.debugger
      .sendCommand(session, "Network.setBypassServiceWorker", { bypass: true })
      .catch(() => undefined);
  }

  /** Goes to the frames and workers that are there, and to those that come. */
  private async enter(session: Session): Promise<void> {
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
        .then(() => this.enter(session))
        .catch(() => undefined)
        .then(() => chrome.debugger.sendCommand(session, "Runtime.runIfWaitingForDebugger"))
        .catch(() => undefined);
    },
    "Network.requestWillBeSent": (told, source, tab) => {
      const { requestId, request, redirectResponse, timestamp, wallTime } = told;
      if (!RECORDED.test(request.url)) return;
      this.flows.offsets.set(requestId, wallTime - timestamp);
      const before = this.flows.open.get(requestId);
      if (before && redirectResponse) {
        this.flows.head(before, redirectResponse, told.redirectHasExtraInfo, this.flows.at(told));
        this.flows.whenTold(before, () => this.flows.answered(before, []));
        before.stated || this.flows.asked(before);
      }
      if (!this.ofPage(told, tab)) {
        this.flows.forget(requestId);
        return;
      }
      const t = wallTime * 1000;
      const flow = this.flows.flow(requestId, tab, request.method, request.url, request.headers, t);
      const extra = this.flows.early.requests.get(requestId)?.shift();
      if (extra) flow.sent = extra;
      if (request.hasPostData)
        flow.posting = this.flows.posted(flow, request, source, requestId).then(() => this.flows.maybeAsked(flow));
      else this.flows.maybeAsked(flow);
    },
    "Network.requestWillBeSentExtraInfo": ({ requestId, headers }) => {
      const flow = this.flows.open.get(requestId);
      const sent = listed(headers);
      if (flow && !flow.sent && !flow.stated) {
        flow.sent = sent;
        this.flows.maybeAsked(flow);
      } else this.flows.early.keep("requests", requestId, sent);
    },
    "Network.responseReceived": (told, source) => {
      const flow = this.flows.open.get(told.requestId);
      if (!flow) return;
      this.flows.head(flow, told.response, told.hasExtraInfo, this.flows.at(told));
      if (told.response.mimeType === "text/event-stream") {
        const request = { requestId: told.requestId };
        flow.streamed = chrome.debugger
          .sendCommand(source, "Network.streamResourceContent", request)
          .then((held) => {
            this.flows.portion(flow, (held as { bufferedData?: string }).bufferedData ?? "");
            return true;
          })
          .catch(() => false); // it has ended already
      }
    },
    "Network.responseReceivedExtraInfo": ({ requestId, headers, headersText, statusCode }) => {
      const flow = this.flows.open.get(requestId);
      const came = ordered(listed(headers), headersText);
      if (flow?.awaits && flow.answer) this.flows.settle(flow, came, statusCode);
      else this.flows.early.keep("responses", requestId, came, statusCode);
    },
    "Network.dataReceived": (told) => {
      const flow = this.flows.open.get(told.requestId);
      if (flow?.streamed && told.data) this.flows.portion(flow, told.data, this.flows.at(told));
    },
    "Network.loadingFinished": (told, source) => {
      const flow = this.flows.open.get(told.requestId);
      if (!flow) return;
      this.flows.forget(told.requestId);
      const t = this.flows.at(told);
      void this.flows
        .body(flow, source, told.requestId)
        .then((response) =>
          this.flows.whenTold(flow, () => this.flows.answered(flow, response.data, response.skipped, t)),
        );
    },
    "Network.loadingFailed": (told, source) => {
      const flow = this.flows.open.get(told.requestId);
      if (!flow) return;
      this.flows.forget(told.requestId);
      flow.awaits = false;
      this.flows.asked(flow);
      const partial = flow.answer ? this.flows.body(flow, source, told.requestId) : Promise.resolve({ data: [] });
      const error = told.errorText || "it failed";
      void partial.then(({ data }) => this.flows.ended(flow, data, { partial: true }, error, this.flows.at(told)));
    },
    "Network.webSocketCreated": ({ requestId, url }, _, tab) => {
      if (this.pages.get(tab)?.wanted === false) return;
      this.flows.flow(requestId, tab, "GET", url.replace(/^ws/, "http"), {}, Date.now());
    },
    "Network.webSocketWillSendHandshakeRequest": (told) => {
      const flow = this.flows.open.get(told.requestId);
      if (!flow) return;
      this.flows.offsets.set(told.requestId, told.wallTime - told.timestamp);
      flow.asked.t = told.wallTime * 1000;
      flow.asked.headers = told.request.headers;
    },
    "Network.webSocketHandshakeResponseReceived": (told) => {
      const flow = this.flows.open.get(told.requestId);
      if (!flow) return;
      if (told.response.requestHeaders) flow.sent = listed(told.response.requestHeaders);
      this.flows.asked(flow);
      this.flows.head(flow, { ...told.response, protocol: "http/1.1" }, false, this.flows.at(told));
      this.flows.answered(flow, [], undefined, this.flows.at(told));
    },
    "Network.webSocketFrameSent": (told) => this.flows.message(told, true),
    "Network.webSocketFrameReceived": (told) => this.flows.message(told, false),
    "Network.webSocketFrameError": ({ requestId }) => {
      const flow = this.flows.open.get(requestId);
      if (flow) flow.broken = true;
    },
    "Network.webSocketClosed": (told) => this.flows.closed(told),
  };
}
