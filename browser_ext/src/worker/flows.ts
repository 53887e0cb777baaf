// Requests with their answers, each told in pieces that come in no fixed order, stated as flows.
import type { Head } from "../wire";
import type { Statement } from "./log";
import { cut, encoded, listed, ordered, type Request, type Response, type Told } from "./told";

type State = (statement: Statement, t?: number) => void;
type Session = chrome.debugger.DebuggerSession;

export const MOST_BODY = 64 << 20;
const LATE_MS = 1000;

/** One request with its answer; a redirect's next is another, of the same name. */
export interface Flow {
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
  /** What is sent is being asked for. */
  posting: Promise<void> | null;
  /** A WebSocket that broke. */
  broken: boolean;
}

/** `answer` is called with each flow that is told with its answer. */
export class Flows {
  /** By the browser's name for the request. */
  readonly open = new Map<string, Flow>();
  readonly offsets = new Map<string, number>();
  private count = 0;

  constructor(
    private readonly state: State,
    private readonly answer: (flow: Flow) => void,
  ) {}

  /** Heads as they went over the wire come on a way of their own, before or after the rest. */
  readonly early = {
    requests: new Map<string, Head[]>(),
    responses: new Map<string, [Head, number][]>(),
    keep(kind: "requests" | "responses", id: string, head: Head, status = 0): void {
      if (kind === "requests") this.requests.set(id, [...(this.requests.get(id) ?? []), head].slice(-8));
      else this.responses.set(id, [...(this.responses.get(id) ?? []), [head, status] as [Head, number]].slice(-8));
      for (const map of [this.requests, this.responses]) if (map.size > 1000) map.delete(map.keys().next().value ?? "");
    },
  };

  flow(name: string, tab: number, method: string, url: string, headers: Record<string, string>, t: number): Flow {
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
      posting: null,
      broken: false,
    };
    this.open.set(name, flow);
    return flow;
  }

  forget(name: string): void {
    this.open.delete(name);
    this.early.requests.delete(name);
    setTimeout(() => {
      this.early.responses.delete(name);
      this.offsets.delete(name);
    }, LATE_MS);
  }

  async posted(flow: Flow, request: Request, source: Session, requestId: string): Promise<void> {
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

  maybeAsked(flow: Flow): void {
    if (flow.sent) this.asked(flow);
  }

  asked(flow: Flow): void {
    if (flow.stated) return;
    flow.stated = true;
    const { method, url, headers, t } = flow.asked;
    const plain = Object.entries(headers);
    // HTTP/2 has its pseudo-headers among them.
    const sent = (flow.sent ?? (plain as Head)).filter(([name]) => !name.startsWith(":"));
    this.state({ k: "flow.requested", id: flow.id, tab: flow.tab, method, url, headers: sent }, t);
  }

  head(flow: Flow, response: Response, extra: boolean | undefined, t: number): void {
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

  settle(flow: Flow, head: Head | null, status: number): void {
    if (flow.answer && head && status === flow.answer.status)
      flow.answer.headers = head.filter(([n]) => !n.startsWith(":"));
    flow.awaits = false;
    flow.done?.();
    flow.done = null;
  }

  whenTold(flow: Flow, done: () => void): void {
    if (flow.awaits) flow.done = done;
    else done();
  }

  answered(flow: Flow, data: string[], skipped?: string, t = flow.answer?.t, missed = false): void {
    if (!missed) this.answer(flow);
    this.asked(flow);
    this.ended(flow, data, skipped === undefined ? {} : { skipped }, undefined, t);
  }

  ended(
    flow: Flow,
    data: string[],
    response: { skipped?: string; partial?: boolean },
    error?: string,
    t?: number,
  ): void {
    const { id, answer } = flow;
    const length = flow.sent?.find(([name]) => name.toLowerCase() === "content-length")?.[1];
    if (flow.body.data.length === 0 && Number(length) > 0) flow.body.skipped ??= "the browser does not tell of it";
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

  portion(flow: Flow, data: string, t?: number): void {
    for (const portion of cut(data)) this.state({ k: "flow.body", id: flow.id, of: "response", data: portion }, t);
  }

  async body(flow: Flow, source: Session, requestId: string): Promise<{ data: string[]; skipped?: string }> {
    await flow.posting;
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

  message(told: Told, sent: boolean): void {
    const flow = this.open.get(told.requestId);
    const { opcode, payloadData } = told.response;
    if (!flow || (opcode !== 1 && opcode !== 2)) return;
    const text = opcode === 1;
    const data = text ? encoded(payloadData ?? "") : (payloadData ?? "");
    this.state({ k: "flow.message", id: flow.id, sent, text, data }, this.at(told));
  }

  at(told: Told): number {
    const offset = this.offsets.get(told.requestId);
    return offset === undefined ? Date.now() : (told.timestamp + offset) * 1000;
  }

  /** A WebSocket is no more. Who closed it, and why, is not told: mostly all went well. */
  closed(told: Told): void {
    const flow = this.open.get(told.requestId);
    if (!flow) return;
    this.forget(told.requestId);
    if (flow.answer) {
      const code = flow.broken ? {} : { code: 1000 };
      this.state({ k: "flow.closed", id: flow.id, sent: false, ...code }, this.at(told));
    } else {
      this.asked(flow);
      this.ended(flow, [], {}, "the WebSocket was not opened", this.at(told));
    }
  }
}
