// Requests that the debugger was too late for: those under way when it came to a new tab. Their heads are known to
// webRequest, and what they were answered is mostly still in the page.
import type { Head } from "../wire";

/** A request that was answered. Times are Unix ms. */
export interface Seen {
  tab: number;
  method: string;
  url: string;
  t: number;
  headers: Head;
  status: number;
  reason: string;
  answer: Head;
  server: string;
  ended: number;
}

const MOST = 1000;
const ALL = { urls: ["http://*/*", "https://*/*"] };

export class Missed {
  private readonly open = new Map<string, Pick<Seen, "t" | "headers">>();
  private readonly seen = new Map<string, Seen[]>();
  /** Answers that the debugger told before webRequest did. */
  private readonly ahead = new Map<string, number>();

  /** By tab: whether the page that it asked for last is recorded. */
  private readonly pages = new Map<number, boolean>();

  /** `watched` are the tabs that the debugger is or will be at; `wanted` says whether a page of this URL is recorded. */
  constructor(
    private readonly watched: (tab: number) => boolean,
    private readonly wanted: (url: string) => boolean,
  ) {}

  start(): void {
    chrome.webRequest.onSendHeaders.addListener(this.sent, ALL, ["requestHeaders", "extraHeaders"]);
    chrome.webRequest.onCompleted.addListener(this.completed, ALL, ["responseHeaders", "extraHeaders"]);
    chrome.webRequest.onBeforeRedirect.addListener(this.completed, ALL, ["responseHeaders", "extraHeaders"]);
    chrome.webRequest.onErrorOccurred.addListener(this.failed, ALL);
  }

  stop(): void {
    chrome.webRequest.onSendHeaders.removeListener(this.sent);
    chrome.webRequest.onCompleted.removeListener(this.completed);
    chrome.webRequest.onBeforeRedirect.removeListener(this.completed);
    chrome.webRequest.onErrorOccurred.removeListener(this.failed);
  }

  /** The debugger told this one's answer. */
  told(tab: number, method: string, url: string): void {
    const key = named(tab, method, url);
    const seen = this.seen.get(key);
    if (seen?.shift()) {
      if (seen.length === 0) this.seen.delete(key);
      return;
    }
    this.ahead.set(key, (this.ahead.get(key) ?? 0) + 1);
    trim(this.ahead);
  }

  /** Those of a tab that were asked before `at`, when the debugger was there, and that it did not tell; they are told
   * now. Of others it is yet to tell. */
  take(tab: number, at: number): Seen[] {
    const left: Seen[] = [];
    for (const [key, seen] of this.seen) {
      if (seen[0]?.tab !== tab) continue;
      const later = seen.filter(({ t }) => t > at);
      left.push(...seen.filter(({ t }) => t <= at));
      if (later.length > 0) this.seen.set(key, later);
      else this.seen.delete(key);
    }
    return left;
  }

  private readonly sent = (sent: chrome.webRequest.OnSendHeadersDetails): void => {
    if (!this.watched(sent.tabId)) return;
    if (sent.type === "main_frame") {
      this.pages.set(sent.tabId, this.wanted(sent.url));
      trim(this.pages);
    }
    if (!(this.pages.get(sent.tabId) ?? this.wanted(sent.initiator ?? sent.url))) return;
    this.open.set(sent.requestId, { t: sent.timeStamp, headers: listed(sent.requestHeaders) });
    trim(this.open);
  };

  private readonly completed = (
    done: chrome.webRequest.OnCompletedDetails | chrome.webRequest.OnBeforeRedirectDetails,
  ): void => {
    const { requestId, tabId: tab, method, url } = done;
    const open = this.open.get(requestId);
    this.open.delete(requestId);
    if (!open || done.fromCache) return;
    const key = named(tab, method, url);
    const ahead = this.ahead.get(key) ?? 0;
    if (ahead > 0) {
      if (ahead === 1) this.ahead.delete(key);
      else this.ahead.set(key, ahead - 1);
      return;
    }
    const seen: Seen = {
      tab,
      method,
      url,
      ...open,
      status: done.statusCode,
      reason: done.statusLine.split(" ").slice(2).join(" "),
      answer: listed(done.responseHeaders),
      server: done.ip ?? "",
      ended: done.timeStamp,
    };
    this.seen.set(key, [...(this.seen.get(key) ?? []), seen]);
    trim(this.seen);
  };

  private readonly failed = (failed: chrome.webRequest.OnErrorOccurredDetails): void =>
    void this.open.delete(failed.requestId);
}

function named(tab: number, method: string, url: string): string {
  return `${tab} ${method} ${url.replace(/#.*$/, "")}`;
}

function listed(headers: chrome.webRequest.HttpHeader[] | undefined): Head {
  return (headers ?? []).map(({ name, value }): [string, string] => [name, value ?? ""]);
}

function trim<K>(map: Map<K, unknown>): void {
  const [first] = map.keys();
  if (map.size > MOST && first !== undefined) map.delete(first);
}
