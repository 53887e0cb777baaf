// The service worker: takes what the pages' capture scripts state, adds whose it is, and hands it to the recorder. It may
// die at any moment: what was not acknowledged is with the documents, or in the browser's memory of this session.
import type { Command, View } from "../panel";
import type { Batch, Log } from "../wire";
import { showBadge } from "./badge";
import { Browsing } from "./browsing";
import { Documents, type Recording } from "./documents";
import { Grants } from "./grants";
import { type Statement, WorkerLog } from "./log";
import { Network } from "./network";
import { Panels } from "./panels";
import { Recorder } from "./recorder";
import { matches } from "./sites";
import { startingState } from "./starting";
import { type Pass, parsed } from "./ways";

const ALARM = "call";

/** What is remembered as long as the browser runs. */
interface Remembered {
  browser?: string;
  session?: string | null;
  sites?: string[];
  mask?: string[];
  began?: number;
  pass?: Pass | null;
}

/** What is kept for good. */
interface Kept {
  own: string[];
  networkWanted: boolean;
  storageWanted: boolean;
}

let remembered: Remembered = {};
let paused = false;
/** The expert's own sites. */
let own: string[] = [];

const recorder = new Recorder(
  {
    welcomed(welcome, again) {
      const same = again || remembered.session === welcome.session;
      if (!same) {
        documents.clear();
        remember({ began: welcome.network ? Date.now() : 0 });
        documents.began = remembered.began ?? 0;
        // What was stated before is this session's, unless it was another's or it was not known what is wanted.
        if (remembered.session || welcome.sites.length > 0) log.forget();
      }
      remember({ session: welcome.session, sites: welcome.sites, mask: welcome.mask });
      browsing.listen();
      handing = !same && welcome.network === true;
      void (handing ? prepare() : watchNetwork())
        .catch(() => undefined)
        .then(() => {
          if (!same) void browsing.begin(!handing);
          begin();
        });
    },
    acknowledged(key, s) {
      if (!log.acknowledged(key, s)) documents.acknowledged(key, s);
    },
    changed() {
      showBadge(recorder, blind());
      panels.show();
      if (remembered.pass?.key !== recorder.pass?.key) remember({ pass: recorder.pass });
      if (recorder.state !== "on") caughtUp = false;
      if (recorder.state === "on" && recorder.paused !== paused) {
        paused = recorder.paused;
        void documents.announce();
      }
      if (recorder.state !== "off") return void chrome.alarms.clear(ALARM);
      remember({ session: null });
      browsing.deafen();
      void network?.stop();
      network = null;
      log.forget();
      documents.clear();
      void documents.announce();
      void chrome.alarms.create(ALARM, { periodInMinutes: 0.5 });
    },
  },
  () => log.instance,
  () => remembered.browser ?? "",
  () => grants.origins.length > 0,
);
const grants = new Grants(() => {
  browsing.renew();
  void network?.renew();
  void documents.announce();
  showBadge(recorder, blind());
  panels.show();
});

const log = new WorkerLog(pass);
const documents = new Documents(
  () => recording(),
  (batch) => {
    browsing.settle(batch.tab);
    pass(batch);
  },
);
const browsing = new Browsing(
  state,
  wanted,
  (url) => grants.covers(url),
  () => log.owe(),
);
/** The browser's own record of its network, while it makes one. */
let network: Network | null = null;
/** Whether the expert wants that, where nobody else makes it. */
let networkWanted = true;
/** Whether the expert hands over cookies and storage. */
let storageWanted = false;
/** What was there before is being handed over: pages wait with what they state. */
let handing = false;
/** All that waited was sent: what is stated now overtakes nothing. */
let caughtUp = false;
const panels = new Panels(view, command);

function wanted(url: string): boolean {
  return grants.covers(url) && matches(url, own) && matches(url, recorder.welcome?.sites ?? remembered.sites ?? []);
}

function blind(): boolean {
  return grants.origins.length === 0;
}

function view(): View {
  const { state, why, welcome, status } = recorder;
  return {
    state,
    why,
    task: welcome?.task ?? "",
    paused: recorder.paused,
    events: status?.events ?? 0,
    lost: status?.lost ?? 0,
    since: status?.since ?? 0,
    own,
    granted: grants.origins,
    fixed: grants.fixed,
    asked: welcome?.sites ?? [],
    network: welcome?.network ? network !== null : null,
    storage: storageWanted,
  };
}

/** Everything that waited is sent, and pages are told. */
function begin(): void {
  handing = false;
  caughtUp = true;
  if (recorder.welcome?.network) recorder.send({ m: "ask", what: "ready" });
  log.again();
  documents.again();
  void documents.announce();
}

function pass(message: Batch | Log): void {
  if (caughtUp) recorder.send(message); // else it is sent when the way is free
}

/** All that is to be there before anything of a browser that was there before is stated. */
async function prepare(): Promise<void> {
  await watchNetwork();
  if (storageWanted) await handOver();
}

async function handOver(): Promise<void> {
  if (!(await chrome.permissions.contains({ permissions: ["cookies"] }))) return;
  const sites = own.length + (recorder.welcome?.sites.length ?? 0);
  const named = sites > 0 || !grants.origins.includes("<all_urls>");
  recorder.send(await startingState(wanted, named));
}

/** Starts or ends the record of the network, as is wanted and allowed. */
async function watchNetwork(): Promise<void> {
  const wanting = networkWanted && recorder.welcome?.network === true;
  if (
    wanting === (network !== null) ||
    (wanting && !(await chrome.permissions.contains({ permissions: ["debugger"] })))
  )
    return;
  if (network) {
    const ending = network;
    network = null;
    await ending.stop();
  } else {
    network = new Network(state, wanted);
    await network.start();
  }
  panels.show();
}

function state(statement: Statement, t?: number): void {
  if (recorder.state !== "off" && !recorder.paused) log.state(statement, t);
}

function command(command: Command): void {
  switch (command.do) {
    case "call":
      recorder.call();
      break;
    case "pair": {
      if (recorder.state !== "off") break;
      const pass = parsed(command.code);
      if (pass) {
        recorder.pass = pass;
        recorder.call();
      } else recorder.refuse("A code is a port and four times four letters, as “reenact pair --socket” shows it");
      break;
    }
    case "note":
      recorder.send({ m: "note", t: command.t, text: command.text.slice(0, 65536) });
      break;
    case "network":
      networkWanted = command.on;
      void chrome.storage.local.set({ networkWanted });
      void watchNetwork();
      break;
    case "storage":
      storageWanted = command.on;
      void chrome.storage.local.set({ storageWanted });
      break;
    case "sites":
      own = command.sites;
      void chrome.storage.local.set({ own });
      void network?.survey();
      void documents.announce();
      break;
    default:
      recorder.send({ m: "ask", what: command.do });
  }
  panels.show();
}

function recording(): Recording {
  const { state, welcome, paused } = recorder;
  // While the recorder is awaited again pages hand over what they have: they may go before it comes.
  if (handing && state === "on") return { session: undefined, wanted, mask: [], paused };
  const session = state === "off" ? null : (welcome?.session ?? remembered.session ?? undefined);
  return { session, wanted, mask: welcome?.mask ?? remembered.mask ?? [], paused };
}

function remember(change: Remembered): void {
  Object.assign(remembered, change);
  void chrome.storage.session.set({ remembered });
}

/** Everything below waits for this: what workers before this one left. */
const ready = (async () => {
  void grants.arm().catch(() => undefined); // the worker that comes next does it
  const granted = grants.recall();
  remembered = (await chrome.storage.session.get("remembered")).remembered ?? {};
  if (!remembered.browser) remember({ browser: crypto.randomUUID() });
  const kept: Kept = { own: [], networkWanted: true, storageWanted: false };
  ({ own, networkWanted, storageWanted } = await chrome.storage.local.get<Kept>(kept));
  documents.began = remembered.began ?? 0;
  await log.recall();
  await documents.recall();
  if (remembered.session !== null) log.settle();
  if (!grants.fixed) await granted;
  await browsing.recall();
  recorder.pass = remembered.pass ?? null;
  if (remembered.session === null) {
    recorder.state = "off";
    browsing.deafen();
    void documents.announce();
  } else if (remembered.session) recorder.resume();
  else recorder.call();
})();

// Registered at once, or Chromium would not wake a new worker for them.
browsing.listen();
grants.listen();
chrome.runtime.onConnect.addListener((port) => {
  panels.connected(port);
  void documents.connected(port, ready);
});
chrome.commands.onCommand.addListener((name) => {
  if (name === "note") void chrome.windows.create({ type: "popup", url: "note.html", width: 420, height: 240 });
});
const call = () => void ready.then(() => recorder.call());
chrome.runtime.onStartup.addListener(call);
chrome.runtime.onInstalled.addListener(call);
chrome.alarms.onAlarm.addListener(call);
