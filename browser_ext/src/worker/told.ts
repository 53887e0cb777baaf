// What Chromium's debugger says of the network, and how its pieces are written.
import type { Head } from "../wire";

const PORTION = 192 << 10;

export interface FrameTree {
  frame: { id: string };
  childFrames?: FrameTree[];
}

export function framesOf({ frame, childFrames }: FrameTree): string[] {
  return [frame.id, ...(childFrames ?? []).flatMap(framesOf)];
}

export interface Request {
  method: string;
  url: string;
  headers: Record<string, string>;
  hasPostData?: boolean;
  postDataEntries?: { bytes?: string }[];
}

export interface Response {
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
export interface Told {
  requestId: string;
  sessionId: string;
  loaderId: string;
  frameId?: string;
  type?: string;
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
export function listed(headers: Record<string, string>): Head {
  return Object.entries(headers).flatMap(([name, value]) =>
    value.split("\n").map((one): [string, string] => [name, one]),
  );
}

/** As they stood in the head's text, where that is told. */
export function ordered(headers: Head, text: string | undefined): Head {
  if (!text) return headers;
  const lines = text.split("\r\n").slice(1);
  return lines.flatMap((line): Head => {
    const colon = line.indexOf(":");
    return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1).trim()]] : [];
  });
}

export function encoded(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let binary = "";
  for (let at = 0; at < bytes.length; at += 32768) binary += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(binary);
}

export function cut(data: string): string[] {
  const portions: string[] = [];
  for (let at = 0; at < data.length; at += PORTION) portions.push(data.slice(at, at + PORTION));
  return portions;
}
