// The ways to the recorder: a native host that Chromium starts for this extension alone, and, where it may start none, a
// WebSocket on this machine. There both sides prove first that they know what the expert was shown.
import type { Downward, Paired, Prove, Upward } from "../wire";

const HOST = "reenact.recorder";
const PATH = "/reenact";

/** One connection. */
export interface Line {
  send(message: Upward): void;
  close(): void;
}

/** Who hears what comes; `ended` once, unless it was closed here. */
export interface Ears {
  heard(message: Downward): void;
  ended(why: string): void;
}

/** What leads to a recorder's port: the code that the expert was shown, or the key that it was traded for. */
export interface Pass {
  port: number;
  key: string;
  by: "code" | "key";
}

/** The pass of what the expert typed: a port, then the code's letters. Null: that is none. */
export function parsed(typed: string): Pass | null {
  const [port, ...letters] = typed
    .trim()
    .toUpperCase()
    .split(/[\s-]+/);
  const key = letters.join("");
  if (!/^\d{1,5}$/.test(port ?? "") || !/^[0-9A-HJKMNP-TV-Z]{16}$/.test(key)) return null;
  return { port: Number(port), key, by: "code" };
}

export function native(hello: Upward, ears: Ears): Line {
  const port = chrome.runtime.connectNative(HOST);
  let open = true;
  port.onMessage.addListener((message: Downward) => ears.heard(message));
  port.onDisconnect.addListener(() => {
    const why = chrome.runtime.lastError?.message ?? "";
    if (open) ears.ended(why);
    open = false;
  });
  port.postMessage(hello);
  return {
    send: (message) => port.postMessage(message),
    close: () => {
      open = false;
      port.disconnect();
    },
  };
}

/** `traded` is told the key that serves from then on. */
export function dial(pass: Pass, hello: Upward, ears: Ears, traded: (pass: Pass) => void): Line {
  const socket = new WebSocket(`ws://127.0.0.1:${pass.port}${PATH}`);
  const mine = hex(crypto.getRandomValues(new Uint8Array(16)));
  let state: "new" | "asked" | "proved" | "known" | "over" = "new";
  const end = (why: string) => {
    if (state === "over") return;
    state = "over";
    socket.close();
    ears.ended(why);
  };
  const say = (message: object) => socket.send(JSON.stringify(message));
  const heard = async (message: Prove | Paired | Downward) => {
    if (state === "known") return ears.heard(message as Downward);
    if (state === "asked" && message.m === "prove") {
      const theirs = String(message.server);
      const words = `${mine}:${theirs}`;
      if (message.proof !== (await signed(pass.key, `recorder:${words}`)))
        return end("The code does not fit the recorder at that port; look at it again");
      say({ m: "proof", proof: await signed(pass.key, `extension:${words}`) });
      state = "proved";
      if (pass.by === "code") traded({ port: pass.port, key: await signed(pass.key, `key:${words}`), by: "key" });
    } else if (state === "proved" && message.m === "paired") {
      state = "known";
      say(hello);
    } else end("What answers at that port is no recorder");
  };
  let turn = Promise.resolve();
  socket.onopen = () => {
    state = "asked";
    say({ m: "pair", client: mine, by: pass.by });
  };
  socket.onmessage = ({ data }) => {
    // One after the other: a proof takes a while.
    turn = turn.then(async () => {
      if (state !== "over") await heard(JSON.parse(data));
    });
    turn = turn.catch(() => end("What answers at that port is no recorder"));
  };
  socket.onclose = ({ reason }) =>
    void turn.then(() => end(reason || (state === "new" ? `Nobody records at port ${pass.port}` : "")));
  return {
    send: (message) => {
      if (state === "known") say(message);
    },
    close: () => {
      state = "over";
      socket.close();
    },
  };
}

async function signed(key: string, words: string): Promise<string> {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const secret = await crypto.subtle.importKey("raw", bytes(key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return hex(new Uint8Array(await crypto.subtle.sign("HMAC", secret, bytes(words))));
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
