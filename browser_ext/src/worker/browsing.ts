// What the browser itself tells: tabs, navigations, requests, downloads. Listeners stand while something is recorded.
import type { Statement } from "./log";

type Request = Pick<
  chrome.webRequest.OnBeforeRequestDetails,
  "requestId" | "tabId" | "frameId" | "method" | "url" | "type" | "initiator"
>;
type State = (statement: Statement, t?: number) => void;

interface Source<Told, Extra extends unknown[]> {
  addListener(listener: (told: Told) => undefined, ...extra: Extra): void;
  removeListener(listener: (told: Told) => undefined): void;
}

const OWN = chrome.runtime.getURL("");
const HOW: Record<string, string> = {
  typed: "typed",
  generated: "typed",
  keyword: "typed",
  keyword_generated: "typed",
  auto_bookmark: "typed",
  link: "link",
  form_submit: "form",
  reload: "reload",
  start_page: "other",
  auto_toplevel: "other",
  auto_subframe: "script",
  manual_subframe: "link",
};

export class Browsing {
  private readonly standing: (() => void)[] = [];
  /** Tabs that were created and not stated yet: who opened one is told a moment later. */
  private readonly fresh = new Map<number, { t: number; popup: boolean }>();
  private readonly popups = new Set<number>();
  /** Tabs whose page has a frame that may not be seen: it was told. */
  private readonly partial = new Set<number>();
  /** The page that each tab shows. */
  private readonly pages = new Map<number, string>();
  /** What came before it was known what is there; null: that is known. */
  private early: (() => void)[] | null = [];

  /** `wanted` says whether a page of this URL is recorded, `seen` whether a frame may be; `owe` keeps in mind that something is still to be stated. */
  constructor(
    private readonly state: State,
    private readonly wanted: (url: string) => boolean,
    private readonly seen: (url: string) => boolean,
    private readonly owe: () => () => void,
  ) {}

  /** Learns what is there; what has come meanwhile is stated then. */
  async recall(): Promise<void> {
    for (const window of await chrome.windows.getAll({ populate: true })) {
      if (window.id !== undefined && window.type === "popup") this.popups.add(window.id);
      for (const tab of window.tabs ?? [])
        if (tab.id !== undefined && !this.pages.has(tab.id)) this.pages.set(tab.id, tab.url || tab.pendingUrl || "");
    }
    const early = this.early ?? [];
    this.early = null;
    const paid = early.shift();
    for (const one of early) one();
    paid?.();
  }

  /** States the tabs that are there already: all, or that in front alone. */
  async begin(all: boolean): Promise<void> {
    for (const window of await chrome.windows.getAll({ populate: true })) {
      for (const tab of window.tabs ?? []) {
        if (tab.id === undefined || this.fresh.has(tab.id) || !this.shows(tab.id, tab.pendingUrl || tab.url || ""))
          continue;
        const front = tab.active && window.focused;
        if (all || front) this.state({ k: "tab.opened", tab: tab.id, popup: window.type === "popup" });
        if (front) this.state({ k: "tab.activated", tab: tab.id });
      }
    }
  }

  listen(): void {
    if (this.standing.length > 0) return;
    const all = { urls: ["<all_urls>"] };
    this.stand(chrome.windows.onCreated, this.windowCreated);
    this.stand(chrome.windows.onFocusChanged, this.windowFocused);
    this.stand(chrome.tabs.onCreated, this.tabCreated);
    this.stand(chrome.tabs.onActivated, this.tabActivated);
    this.stand(chrome.tabs.onRemoved, this.tabRemoved);
    this.stand(chrome.webNavigation.onCreatedNavigationTarget, this.targetCreated);
    this.stand(chrome.webNavigation.onCommitted, this.committed);
    this.stand(chrome.webNavigation.onHistoryStateUpdated, this.within);
    this.stand(chrome.webNavigation.onReferenceFragmentUpdated, this.within);
    this.stand(chrome.webRequest.onBeforeRequest, this.requested, all);
    this.stand(chrome.webRequest.onCompleted, this.completed, all);
    this.stand(chrome.webRequest.onErrorOccurred, this.failed, all);
    this.stand(chrome.downloads.onChanged, this.downloaded);
  }

  /** More may be seen than before. A listener that Chromium refused, for there was nothing it might be told, stays
   * refused: all of an event must go before one is taken again. */
  renew(): void {
    if (this.standing.length === 0) return;
    for (const end of this.standing.splice(0)) end();
    this.listen();
  }

  /** Nothing is recorded: the worker is not to be woken for any of this. */
  deafen(): void {
    for (const end of this.standing.splice(0)) end();
    this.fresh.clear();
  }

  private stand<Told, Extra extends unknown[]>(
    event: Source<Told, Extra>,
    handler: (told: Told) => void,
    ...extra: Extra
  ): void {
    const listener = (told: Told): undefined => {
      if (this.early) {
        if (this.early.length === 0) this.early.push(this.owe());
        this.early.push(() => handler(told));
      } else handler(told);
    };
    event.addListener(listener, ...extra);
    this.standing.push(() => event.removeListener(listener));
  }

  /** The tab is to be stated before whatever is said of it. */
  settle(tab: number): void {
    const fresh = this.fresh.get(tab);
    if (!fresh) return;
    this.fresh.delete(tab);
    if (this.known(tab)) this.state({ k: "tab.opened", tab, popup: fresh.popup }, fresh.t);
  }

  private shows(tab: number, url: string): boolean {
    this.pages.set(tab, url);
    return !url.startsWith(OWN) && this.wanted(url);
  }

  private known(tab: number): boolean {
    const url = this.pages.get(tab);
    return url === undefined ? this.wanted("") : !url.startsWith(OWN) && this.wanted(url);
  }

  private readonly windowCreated = (window: chrome.windows.Window): void => {
    if (window.id !== undefined && window.type === "popup") this.popups.add(window.id);
  };

  private readonly tabCreated = (tab: chrome.tabs.Tab): void => {
    if (tab.id === undefined || !this.shows(tab.id, tab.pendingUrl || tab.url || "")) return;
    this.fresh.set(tab.id, { t: Date.now(), popup: this.popups.has(tab.windowId) });
    const id = tab.id;
    setTimeout(() => this.settle(id), 100);
  };

  private readonly targetCreated = (made: chrome.webNavigation.WebNavigationSourceCallbackDetails): void => {
    const fresh = this.fresh.get(made.tabId);
    if (!this.known(made.sourceTabId)) return;
    this.fresh.delete(made.tabId);
    const popup = fresh?.popup ?? false;
    this.state({ k: "tab.opened", tab: made.tabId, opener: made.sourceTabId, popup }, fresh?.t ?? made.timeStamp);
  };

  private readonly tabActivated = ({ tabId }: { tabId: number }): void => {
    if (!this.known(tabId)) return;
    if (this.fresh.has(tabId))
      setTimeout(() => this.activated(tabId), 100); // who opened it comes first
    else this.activated(tabId);
  };

  private activated(tab: number): void {
    this.settle(tab);
    if (this.known(tab)) this.state({ k: "tab.activated", tab });
  }

  private readonly windowFocused = (window: number): void => {
    if (window === chrome.windows.WINDOW_ID_NONE) return;
    void chrome.tabs.query({ windowId: window, active: true }).then(([tab]) => {
      if (tab?.id !== undefined && this.known(tab.id)) this.activated(tab.id);
    });
  };

  private readonly tabRemoved = (tab: number): void => {
    if (this.known(tab)) {
      this.settle(tab);
      this.state({ k: "tab.closed", tab });
    }
    this.pages.delete(tab);
    this.partial.delete(tab);
  };

  private readonly committed = (done: chrome.webNavigation.WebNavigationTransitionCallbackDetails): void => {
    if (done.documentLifecycle === "prerender") return; // it is told when it is shown
    if (done.frameId === 0 ? !this.shows(done.tabId, done.url) : !this.known(done.tabId)) return;
    this.settle(done.tabId);
    if (done.frameId === 0) this.partial.delete(done.tabId);
    else if (!this.visible(done)) {
      const reason = "a frame of a site that the expert did not grant to the extension is not captured";
      if (!this.partial.has(done.tabId)) this.state({ k: "gap", reason }, done.timeStamp);
      this.partial.add(done.tabId);
      return;
    }
    this.navigated(done, false);
  };

  private readonly within = (done: chrome.webNavigation.WebNavigationTransitionCallbackDetails): void => {
    if (done.frameId === 0 ? !this.shows(done.tabId, done.url) : !this.known(done.tabId)) return;
    if (done.frameId === 0 || this.visible(done)) this.navigated(done, true);
  };

  /** A frame without an address of its own (about:srcdoc) is its parent's. */
  private visible({ url }: { url: string }): boolean {
    return !/^https?:/.test(url) || this.seen(url);
  }

  private navigated(done: chrome.webNavigation.WebNavigationTransitionCallbackDetails, within: boolean): void {
    const { tabId: tab, frameId: frame, url, transitionType: type, transitionQualifiers: qualifiers } = done;
    let how = HOW[type] ?? "other";
    if (qualifiers.includes("forward_back")) how = "back_forward";
    else if (qualifiers.includes("client_redirect")) how = "script";
    else if (qualifiers.includes("server_redirect") && how === "link") how = "redirect";
    this.state({ k: "navigated", tab, frame, url, how, ...(within && { within }) }, done.timeStamp);
  }

  private readonly requested = (asked: chrome.webRequest.OnBeforeRequestDetails): void => {
    if (!this.asked(asked)) return;
    this.state({ k: "request", ...place(asked) }, asked.timeStamp);
  };

  private readonly completed = (done: chrome.webRequest.OnCompletedDetails): void => {
    if (!this.asked(done)) return;
    const { statusCode: status, fromCache: cached } = done;
    this.state({ k: "request", ...place(done), ended: true, status, ...(cached && { cached }) }, done.timeStamp);
  };

  private readonly failed = (done: chrome.webRequest.OnErrorOccurredDetails): void => {
    if (!this.asked(done)) return;
    this.state({ k: "request", ...place(done), ended: true, error: done.error }, done.timeStamp);
  };

  private asked({ type, url, tabId: tab, initiator }: Request): boolean {
    if (url.startsWith(OWN)) return false; // the popup is none of the work
    if (type === "main_frame") return this.wanted(url);
    return tab >= 0 ? this.known(tab) : initiator !== undefined && !OWN.startsWith(initiator) && this.wanted(initiator);
  }

  private readonly downloaded = (change: chrome.downloads.DownloadDelta): void => {
    const state = change.state?.current;
    if (state !== "complete" && state !== "interrupted") return;
    const paid = this.owe();
    void chrome.downloads.search({ id: change.id }).then(([item]) => {
      paid(); // nothing comes between this and what is stated
      if (!item || !this.wanted(item.referrer || item.finalUrl || item.url)) return;
      this.state({
        k: "download",
        url: item.finalUrl || item.url,
        name: item.filename.split(/[/\\]/).at(-1) ?? "",
        complete: state === "complete",
        size: Math.max(0, item.bytesReceived),
        ...(item.mime && { type: item.mime }),
      });
    });
  };
}

function place(of: Request): {
  id: string;
  tab?: number;
  frame?: number;
  method: string;
  url: string;
  type: string;
  initiator?: string;
} {
  const { requestId: id, tabId, frameId, method, url, type, initiator } = of;
  return {
    id,
    method,
    url,
    type,
    ...(tabId >= 0 && { tab: tabId, frame: frameId }),
    ...(initiator !== undefined && { initiator }),
  };
}
