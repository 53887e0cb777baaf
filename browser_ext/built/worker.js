"use strict";
(() => {
  // src/worker/badge.ts
  function showBadge({ state: state2, paused: paused2, fell }, blind2) {
    const [text, color, title] = state2 === "on" && paused2 ? ["II", "#777777", "Reenact: paused"] : state2 === "on" && blind2 ? ["?", "#b45309", "Reenact: recording, but no site may be captured yet; press here to add one"] : state2 === "on" ? ["REC", "#c62828", "Reenact: recording"] : state2 === "lost" ? ["!", "#ef6c00", "Reenact: the recorder does not answer"] : fell ? ["!", "#c62828", "Reenact: the recording ended before you did"] : ["", "#777777", "Reenact: not recording"];
    void chrome.action.setBadgeText({ text });
    void chrome.action.setBadgeBackgroundColor({ color });
    void chrome.action.setTitle({ title });
  }

  // src/worker/browsing.ts
  var OWN = chrome.runtime.getURL("");
  var HOW = {
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
    manual_subframe: "link"
  };
  var Browsing = class {
    /** `wanted` says whether a page of this URL is recorded, `seen` whether a frame may be; `owe` keeps in mind that something is still to be stated. */
    constructor(state2, wanted2, seen, owe) {
      this.state = state2;
      this.wanted = wanted2;
      this.seen = seen;
      this.owe = owe;
    }
    state;
    wanted;
    seen;
    owe;
    standing = [];
    /** Tabs that were created and not stated yet: who opened one is told a moment later. */
    fresh = /* @__PURE__ */ new Map();
    popups = /* @__PURE__ */ new Set();
    /** Tabs whose page has a frame that may not be seen: it was told. */
    partial = /* @__PURE__ */ new Set();
    /** The page that each tab shows. */
    pages = /* @__PURE__ */ new Map();
    /** What came before it was known what is there; null: that is known. */
    early = [];
    /** Learns what is there; what has come meanwhile is stated then. */
    async recall() {
      for (const window of await chrome.windows.getAll({ populate: true })) {
        if (window.id !== void 0 && window.type === "popup") this.popups.add(window.id);
        for (const tab of window.tabs ?? [])
          if (tab.id !== void 0 && !this.pages.has(tab.id)) this.pages.set(tab.id, tab.url || tab.pendingUrl || "");
      }
      const early = this.early ?? [];
      this.early = null;
      const paid = early.shift();
      for (const one of early) one();
      paid?.();
    }
    /** States the tabs that are there already: all, or that in front alone. */
    async begin(all) {
      for (const window of await chrome.windows.getAll({ populate: true })) {
        for (const tab of window.tabs ?? []) {
          if (tab.id === void 0 || this.fresh.has(tab.id) || !this.shows(tab.id, tab.pendingUrl || tab.url || ""))
            continue;
          const front = tab.active && window.focused;
          if (all || front) this.state({ k: "tab.opened", tab: tab.id, popup: window.type === "popup" });
          if (front) this.state({ k: "tab.activated", tab: tab.id });
        }
      }
    }
    listen() {
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
    renew() {
      if (this.standing.length === 0) return;
      for (const end of this.standing.splice(0)) end();
      this.listen();
    }
    /** Nothing is recorded: the worker is not to be woken for any of this. */
    deafen() {
      for (const end of this.standing.splice(0)) end();
      this.fresh.clear();
    }
    stand(event, handler, ...extra) {
      const listener = (told) => {
        if (this.early) {
          if (this.early.length === 0) this.early.push(this.owe());
          this.early.push(() => handler(told));
        } else handler(told);
      };
      event.addListener(listener, ...extra);
      this.standing.push(() => event.removeListener(listener));
    }
    /** The tab is to be stated before whatever is said of it. */
    settle(tab) {
      const fresh = this.fresh.get(tab);
      if (!fresh) return;
      this.fresh.delete(tab);
      if (this.known(tab)) this.state({ k: "tab.opened", tab, popup: fresh.popup }, fresh.t);
    }
    shows(tab, url) {
      this.pages.set(tab, url);
      return !url.startsWith(OWN) && this.wanted(url);
    }
    known(tab) {
      const url = this.pages.get(tab);
      return url === void 0 ? this.wanted("") : !url.startsWith(OWN) && this.wanted(url);
    }
    windowCreated = (window) => {
      if (window.id !== void 0 && window.type === "popup") this.popups.add(window.id);
    };
    tabCreated = (tab) => {
      if (tab.id === void 0 || !this.shows(tab.id, tab.pendingUrl || tab.url || "")) return;
      this.fresh.set(tab.id, { t: Date.now(), popup: this.popups.has(tab.windowId) });
      const id = tab.id;
      setTimeout(() => this.settle(id), 100);
    };
    targetCreated = (made) => {
      const fresh = this.fresh.get(made.tabId);
      if (!this.known(made.sourceTabId)) return;
      this.fresh.delete(made.tabId);
      const popup = fresh?.popup ?? false;
      this.state({ k: "tab.opened", tab: made.tabId, opener: made.sourceTabId, popup }, fresh?.t ?? made.timeStamp);
    };
    tabActivated = ({ tabId }) => {
      if (!this.known(tabId)) return;
      if (this.fresh.has(tabId))
        setTimeout(() => this.activated(tabId), 100);
      else this.activated(tabId);
    };
    activated(tab) {
      this.settle(tab);
      if (this.known(tab)) this.state({ k: "tab.activated", tab });
    }
    windowFocused = (window) => {
      if (window === chrome.windows.WINDOW_ID_NONE) return;
      void chrome.tabs.query({ windowId: window, active: true }).then(([tab]) => {
        if (tab?.id !== void 0 && this.known(tab.id)) this.activated(tab.id);
      });
    };
    tabRemoved = (tab) => {
      if (this.known(tab)) {
        this.settle(tab);
        this.state({ k: "tab.closed", tab });
      }
      this.pages.delete(tab);
      this.partial.delete(tab);
    };
    committed = (done2) => {
      if (done2.documentLifecycle === "prerender") return;
      if (done2.frameId === 0 ? !this.shows(done2.tabId, done2.url) : !this.known(done2.tabId)) return;
      this.settle(done2.tabId);
      if (done2.frameId === 0) this.partial.delete(done2.tabId);
      else if (!this.visible(done2)) {
        const reason = "a frame of a site that the expert did not grant to the extension is not captured";
        if (!this.partial.has(done2.tabId)) this.state({ k: "gap", reason }, done2.timeStamp);
        this.partial.add(done2.tabId);
        return;
      }
      this.navigated(done2, false);
    };
    within = (done2) => {
      if (done2.frameId === 0 ? !this.shows(done2.tabId, done2.url) : !this.known(done2.tabId)) return;
      if (done2.frameId === 0 || this.visible(done2)) this.navigated(done2, true);
    };
    /** A frame without an address of its own (about:srcdoc) is its parent's. */
    visible({ url }) {
      return !/^https?:/.test(url) || this.seen(url);
    }
    navigated(done2, within2) {
      const { tabId: tab, frameId: frame, url, transitionType: type, transitionQualifiers: qualifiers } = done2;
      let how = HOW[type] ?? "other";
      if (qualifiers.includes("forward_back")) how = "back_forward";
      else if (qualifiers.includes("client_redirect")) how = "script";
      else if (qualifiers.includes("server_redirect") && how === "link") how = "redirect";
      this.state({ k: "navigated", tab, frame, url, how, ...within2 && { within: within2 } }, done2.timeStamp);
    }
    requested = (asked) => {
      if (!this.asked(asked)) return;
      this.state({ k: "request", ...place(asked) }, asked.timeStamp);
    };
    completed = (done2) => {
      if (!this.asked(done2)) return;
      const { statusCode: status, fromCache: cached } = done2;
      this.state({ k: "request", ...place(done2), ended: true, status, ...cached && { cached } }, done2.timeStamp);
    };
    failed = (done2) => {
      if (!this.asked(done2)) return;
      this.state({ k: "request", ...place(done2), ended: true, error: done2.error }, done2.timeStamp);
    };
    asked({ type, url, tabId: tab, initiator }) {
      if (url.startsWith(OWN)) return false;
      if (type === "main_frame") return this.wanted(url);
      return tab >= 0 ? this.known(tab) : initiator !== void 0 && !OWN.startsWith(initiator) && this.wanted(initiator);
    }
    downloaded = (change) => {
      const state2 = change.state?.current;
      if (state2 !== "complete" && state2 !== "interrupted") return;
      const paid = this.owe();
      void chrome.downloads.search({ id: change.id }).then(([item]) => {
        paid();
        if (!item || !this.wanted(item.referrer || item.finalUrl || item.url)) return;
        this.state({
          k: "download",
          url: item.finalUrl || item.url,
          name: item.filename.split(/[/\\]/).at(-1) ?? "",
          complete: state2 === "complete",
          size: Math.max(0, item.bytesReceived),
          ...item.mime && { type: item.mime }
        });
      });
    };
  };
  function place(of) {
    const { requestId: id, tabId, frameId, method, url, type, initiator } = of;
    return {
      id,
      method,
      url,
      type,
      ...tabId >= 0 && { tab: tabId, frame: frameId },
      ...initiator !== void 0 && { initiator }
    };
  }

  // src/port.ts
  var PORT = "document:";

  // src/worker/documents.ts
  var KEY = "document:";
  var PORTION = 1 << 20;
  var MOST_KEPT = 5e4;
  var DEEDS = /* @__PURE__ */ new Set(["pointerdown", "keydown", "wheel", "input", "drop"]);
  var Documents = class {
    constructor(recording2, send) {
      this.recording = recording2;
      this.send = send;
    }
    recording;
    send;
    speakers = /* @__PURE__ */ new Map();
    kept = 0;
    /** When the recording of a browser that was there before began, Unix ms; 0: the browser is the recording's own. */
    began = 0;
    /** What documents that are gone stated before this worker started. */
    async recall() {
      for (const [key, batch] of Object.entries(await chrome.storage.session.get(null))) {
        if (!key.startsWith(KEY)) continue;
        const { items, m: _, site, on, ...head } = batch;
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
            short: false
          });
      }
    }
    /** A document has connected; once `ready`, it is known what was kept before. */
    async connected(port, ready2) {
      const { tab, frameId: frame, documentId, url } = port.sender ?? {};
      if (!port.name.startsWith(PORT) || tab?.id === void 0 || frame === void 0 || documentId === void 0) return;
      const document = `${documentId}:${port.name.slice(PORT.length, PORT.length + 16)}`;
      const early = [];
      let hear = (said) => void early.push(said);
      let gone = false;
      port.onMessage.addListener((said) => hear(said));
      let left = () => {
        gone = true;
      };
      port.onDisconnect.addListener(() => left());
      const head = { tab: tab.id, frame, document };
      if (frame !== 0) {
        const found = await chrome.webNavigation.getFrame({ tabId: tab.id, frameId: frame }).catch(() => null);
        head.parent = found?.parentFrameId ?? 0;
      }
      await ready2;
      const before = this.speakers.get(document);
      const speaker = {
        port: gone ? null : port,
        head,
        site: (frame === 0 ? url : tab.url) ?? url ?? "",
        kept: before?.kept ?? [],
        on: false,
        idle: before?.idle ?? false,
        last: before?.last ?? 0,
        leaving: false,
        short: false
      };
      this.speakers.set(document, speaker);
      hear = (said) => this.heard(speaker, said);
      left = () => this.left(speaker);
      for (const said of early) hear(said);
      this.instruct(speaker);
      if (gone) this.left(speaker);
    }
    /** Tells every document whether it is recorded; those without a port are woken to ask. */
    async announce() {
      for (const speaker of this.speakers.values()) this.instruct(speaker);
      if (!this.recording().session) return;
      const wake = { m: "wake" };
      for (const tab of await chrome.tabs.query({}))
        if (tab.id !== void 0) chrome.tabs.sendMessage(tab.id, wake).catch(() => void 0);
    }
    /** Sends again all that is not acknowledged. */
    again() {
      const { session, wanted: wanted2 } = this.recording();
      for (const speaker of [...this.speakers.values()]) {
        if (!speaker.port && !speaker.on) {
          if (session && wanted2(speaker.site)) speaker.on = true;
          else this.drop(speaker, speaker.kept.length);
          if (speaker.kept.length === 0) this.forget(speaker);
        }
        if (speaker.short && speaker.port) {
          this.drop(speaker, speaker.kept.length);
          speaker.short = false;
          speaker.port.disconnect();
          this.left(speaker);
        } else this.pass(speaker, speaker.kept);
      }
    }
    acknowledged(document, s) {
      const speaker = this.speakers.get(document);
      if (!speaker) return;
      const written = speaker.kept.findIndex((item) => item.s > s);
      this.drop(speaker, written < 0 ? speaker.kept.length : written);
      tell(speaker, { m: "ack", s });
      if (!speaker.port && speaker.kept.length === 0) this.forget(speaker);
    }
    /** Another session, or none: what is kept was for the one before. */
    clear() {
      for (const speaker of [...this.speakers.values()]) {
        this.drop(speaker, speaker.kept.length);
        speaker.short = false;
        if (!speaker.port) this.forget(speaker);
      }
    }
    heard(speaker, { session, items, leaving }) {
      const { session: recorded, paused: paused2 } = this.recording();
      if (recorded === null || (session === "" ? paused2 : recorded !== void 0 && recorded !== session)) return;
      if (leaving !== void 0) speaker.leaving = leaving;
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
    pass(speaker, items) {
      if (speaker.idle) return;
      let portion = [];
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
    instruct(speaker) {
      const { session, wanted: wanted2, mask, paused: paused2 } = this.recording();
      if (!speaker.port || session === void 0) return;
      const on = session !== null && wanted2(speaker.site);
      const begins = on && !speaker.on;
      speaker.on = on;
      if (on) tell(speaker, { m: "on", session, mask, paused: paused2 });
      else {
        this.drop(speaker, speaker.kept.length);
        tell(speaker, { m: "off" });
      }
      if (begins) this.pass(speaker, speaker.kept);
    }
    left(speaker) {
      if (this.speakers.get(speaker.head.document) !== speaker) return;
      speaker.port = null;
      const { session, wanted: wanted2 } = this.recording();
      if (speaker.leaving && speaker.on && typeof session === "string")
        this.heard(speaker, { session, items: [{ k: "end", s: speaker.last + 1, t: Date.now() }] });
      if (!speaker.on && session !== void 0) {
        speaker.on = session !== null && wanted2(speaker.site);
        if (speaker.on) this.pass(speaker, speaker.kept);
        else this.drop(speaker, speaker.kept.length);
      }
      if (speaker.kept.length === 0) this.forget(speaker);
      else {
        const { head, site, on, kept: items } = speaker;
        chrome.storage.session.set({ [KEY + head.document]: { m: "batch", ...head, items, site, on } }).catch(() => void 0);
      }
    }
    forget(speaker) {
      this.speakers.delete(speaker.head.document);
      void chrome.storage.session.remove(KEY + speaker.head.document);
    }
    drop(speaker, count) {
      speaker.kept.splice(0, count);
      this.kept -= count;
    }
  };
  function done(item) {
    return item.k === "event" && item.trusted && DEEDS.has(item.type);
  }
  function tell(speaker, told) {
    try {
      speaker.port?.postMessage(told);
    } catch {
    }
  }

  // src/scripts.json
  var scripts_default = [
    { id: "page", js: ["session.js", "page.js"], world: "MAIN" },
    { id: "capture", js: ["capture.js"], world: "ISOLATED" }
  ];

  // src/worker/sites.ts
  function matches(url, patterns) {
    if (patterns.length === 0) return true;
    let parsed2;
    try {
      parsed2 = new URL(url);
    } catch {
      return false;
    }
    return patterns.some((pattern) => {
      const [host, port] = divided(pattern.toLowerCase());
      if (port && port !== (parsed2.port || (parsed2.protocol === "https:" ? "443" : "80"))) return false;
      const below = host.startsWith("*.") ? host.slice(2) : null;
      if (below !== null) return parsed2.hostname === below || parsed2.hostname.endsWith(`.${below}`);
      return parsed2.hostname === host;
    });
  }
  function covered(url, origins) {
    if (origins.includes("<all_urls>")) return true;
    return origins.some((origin) => {
      const [, scheme, host = ""] = /^([^:]+):\/\/([^/]*)\//.exec(origin) ?? [];
      const fits = scheme === "*" ? /^https?:/.test(url) : url.startsWith(`${scheme}:`);
      return fits && (host === "*" || matches(url, [host]));
    });
  }
  function divided(pattern) {
    const found = /^(.*):(\d+)$/.exec(pattern);
    return found ? [found[1] ?? "", found[2] ?? ""] : [pattern, ""];
  }

  // src/worker/grants.ts
  var Grants = class {
    /** `changed` is called when the expert has granted a site or taken one back. */
    constructor(changed) {
      this.changed = changed;
    }
    changed;
    /** Match patterns, as Chromium keeps them. */
    origins = chrome.runtime.getManifest().host_permissions ?? [];
    /** All sites come with the extension (the recorder's own browser): nothing is to be asked. */
    fixed = this.origins.length > 0;
    listen() {
      const changed = () => void this.recall().then(this.changed);
      chrome.permissions.onAdded.addListener(changed);
      chrome.permissions.onRemoved.addListener(changed);
    }
    async recall() {
      this.origins = (await chrome.permissions.getAll()).origins ?? [];
    }
    covers(url) {
      return covered(url, this.origins);
    }
    /** Has the scripts run in the pages of granted sites: Chromium itself keeps them from all others. */
    async arm() {
      if (this.fixed) return;
      const there = new Set((await chrome.scripting.getRegisteredContentScripts()).map(({ id }) => id));
      const missing = scripts_default.filter(({ id }) => !there.has(id));
      if (missing.length === 0) return;
      await chrome.scripting.registerContentScripts(
        missing.map(({ id, js, world }) => ({
          id,
          js,
          world,
          matches: ["<all_urls>"],
          runAt: "document_start",
          allFrames: true,
          matchOriginAsFallback: true
        }))
      );
    }
  };

  // src/worker/log.ts
  var KEY2 = "log:";
  var OWED = "owed:";
  var MOST_KEPT2 = 2e4;
  var WorkerLog = class {
    constructor(send) {
      this.send = send;
    }
    send;
    items = [];
    count = 0;
    left = /* @__PURE__ */ new Map();
    debts = 0;
    /** By key, when workers before this one came to know what they did not live to state. */
    unpaid = /* @__PURE__ */ new Map();
    instance = crypto.randomUUID();
    /** What workers before this one stated and nobody acknowledged. */
    async recall() {
      for (const [key, item] of Object.entries(await chrome.storage.session.get(null))) {
        const [, instance] = key.split(":");
        if (key.startsWith(OWED) && instance !== this.instance) this.unpaid.set(key, item);
        if (key.startsWith(KEY2) && instance && instance !== this.instance)
          this.left.set(instance, [...this.left.get(instance) ?? [], item]);
      }
      for (const items of this.left.values()) items.sort((one, other) => one.s - other.s);
    }
    /** Something is known that can be stated only later: if this worker is killed before, the next one tells. Returns what
     * is to be called once it was stated. */
    owe() {
      const key = `${OWED}${this.instance}:${++this.debts}`;
      void chrome.storage.session.set({ [key]: Date.now() }).catch(() => void 0);
      return () => void chrome.storage.session.remove(key);
    }
    /** States what workers before this one owed. */
    settle() {
      const reason = "a worker of the extension was killed before it could state what the browser had told it";
      const first = Math.min(...this.unpaid.values());
      if (this.unpaid.size > 0) this.state({ k: "gap", reason }, first);
      void chrome.storage.session.remove([...this.unpaid.keys()]);
      this.unpaid.clear();
    }
    state(statement, t = Date.now()) {
      if (this.items.length >= MOST_KEPT2) this.drop(this.instance, this.items.splice(0, 1));
      const item = { ...statement, s: ++this.count, t };
      this.items.push(item);
      this.keep(item);
      this.send({ m: "log", instance: this.instance, items: [item] });
    }
    /** Sends again all that is not acknowledged. */
    again() {
      for (const [instance, items] of this.left) this.send({ m: "log", instance, items });
      if (this.items.length > 0) this.send({ m: "log", instance: this.instance, items: this.items });
    }
    acknowledged(instance, s) {
      const known = instance === this.instance ? this.items : this.left.get(instance);
      if (known === void 0) return false;
      const open = known.filter((item) => item.s > s);
      this.drop(instance, known.slice(0, known.length - open.length));
      if (instance === this.instance) this.items = open;
      else if (open.length > 0) this.left.set(instance, open);
      else this.left.delete(instance);
      return true;
    }
    /** Nobody records: nothing was worth keeping. What is stated from here on is another instance's. */
    forget() {
      for (const [instance, items] of [...this.left, [this.instance, this.items]]) this.drop(instance, items);
      this.instance = crypto.randomUUID();
      this.count = 0;
      this.items = [];
      this.left.clear();
    }
    keep(item) {
      const key = `${KEY2}${this.instance}:${item.s}`;
      chrome.storage.session.set({ [key]: item }).catch(() => {
        if (!this.items.includes(item)) return;
        const reason = "what the worker of the extension stated did not fit into the memory of the browser";
        void chrome.storage.session.set({ [key]: { k: "gap", s: item.s, t: item.t, reason } }).catch(() => void 0);
      });
    }
    drop(instance, items) {
      if (items.length > 0) void chrome.storage.session.remove(items.map(({ s }) => `${KEY2}${instance}:${s}`));
    }
  };

  // src/worker/told.ts
  var PORTION2 = 192 << 10;
  function framesOf({ frame, childFrames }) {
    return [frame.id, ...(childFrames ?? []).flatMap(framesOf)];
  }
  function listed(headers) {
    return Object.entries(headers).flatMap(
      ([name, value]) => value.split("\n").map((one) => [name, one])
    );
  }
  function ordered(headers, text) {
    if (!text) return headers;
    const lines = text.split("\r\n").slice(1);
    return lines.flatMap((line) => {
      const colon = line.indexOf(":");
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1).trim()]] : [];
    });
  }
  function encoded(text) {
    const bytes = new TextEncoder().encode(text);
    let binary = "";
    for (let at = 0; at < bytes.length; at += 32768) binary += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return btoa(binary);
  }
  function cut(data) {
    const portions = [];
    for (let at = 0; at < data.length; at += PORTION2) portions.push(data.slice(at, at + PORTION2));
    return portions;
  }

  // src/worker/flows.ts
  var MOST_BODY = 64 << 20;
  var LATE_MS = 1e3;
  var Flows = class {
    constructor(state2, answer) {
      this.state = state2;
      this.answer = answer;
    }
    state;
    answer;
    /** By the browser's name for the request. */
    open = /* @__PURE__ */ new Map();
    offsets = /* @__PURE__ */ new Map();
    count = 0;
    /** Heads as they went over the wire come on a way of their own, before or after the rest. */
    early = {
      requests: /* @__PURE__ */ new Map(),
      responses: /* @__PURE__ */ new Map(),
      keep(kind, id, head, status = 0) {
        if (kind === "requests") this.requests.set(id, [...this.requests.get(id) ?? [], head].slice(-8));
        else this.responses.set(id, [...this.responses.get(id) ?? [], [head, status]].slice(-8));
        for (const map of [this.requests, this.responses]) if (map.size > 1e3) map.delete(map.keys().next().value ?? "");
      }
    };
    flow(name, tab, method, url, headers, t) {
      const flow = {
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
        broken: false
      };
      this.open.set(name, flow);
      return flow;
    }
    forget(name) {
      this.open.delete(name);
      this.early.requests.delete(name);
      setTimeout(() => {
        this.early.responses.delete(name);
        this.offsets.delete(name);
      }, LATE_MS);
    }
    async posted(flow, request, source, requestId) {
      const entries = request.postDataEntries;
      if (entries?.every((entry) => entry.bytes !== void 0)) {
        flow.body.data = entries.map((entry) => entry.bytes ?? "");
        return;
      }
      const said = await chrome.debugger.sendCommand(source, "Network.getRequestPostData", { requestId }).catch(() => null);
      if (entries || !said) flow.body.skipped = "the browser tells of no files in it";
      else flow.body.data = [said.base64Encoded ? said.postData : encoded(said.postData)];
    }
    maybeAsked(flow) {
      if (flow.sent) this.asked(flow);
    }
    asked(flow) {
      if (flow.stated) return;
      flow.stated = true;
      const { method, url, headers, t } = flow.asked;
      const plain = Object.entries(headers);
      const sent = (flow.sent ?? plain).filter(([name]) => !name.startsWith(":"));
      this.state({ k: "flow.requested", id: flow.id, tab: flow.tab, method, url, headers: sent }, t);
    }
    head(flow, response, extra, t) {
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
    settle(flow, head, status) {
      if (flow.answer && head && status === flow.answer.status)
        flow.answer.headers = head.filter(([n]) => !n.startsWith(":"));
      flow.awaits = false;
      flow.done?.();
      flow.done = null;
    }
    whenTold(flow, done2) {
      if (flow.awaits) flow.done = done2;
      else done2();
    }
    answered(flow, data, skipped, t = flow.answer?.t, missed = false) {
      if (!missed) this.answer(flow);
      this.asked(flow);
      this.ended(flow, data, skipped === void 0 ? {} : { skipped }, void 0, t);
    }
    ended(flow, data, response, error, t) {
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
          ...answer && {
            status: answer.status,
            reason: answer.reason,
            version: answer.version,
            headers: answer.headers,
            first: answer.t,
            ...answer.server && { server: answer.server },
            response
          },
          ...flow.body.skipped !== void 0 && { request: { skipped: flow.body.skipped } },
          ...error !== void 0 && { error }
        },
        t
      );
    }
    portion(flow, data, t) {
      for (const portion of cut(data)) this.state({ k: "flow.body", id: flow.id, of: "response", data: portion }, t);
    }
    async body(flow, source, requestId) {
      await flow.posting;
      if (flow.asked.method === "HEAD" || await flow.streamed) return { data: [] };
      try {
        const said = await chrome.debugger.sendCommand(source, "Network.getResponseBody", { requestId });
        if (said.body.length > MOST_BODY) return { data: [], skipped: `more than ${MOST_BODY >> 20} MB` };
        return { data: [said.base64Encoded ? said.body : encoded(said.body)] };
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        const none = [204, 205, 304].includes(flow.answer?.status ?? 0);
        return none ? { data: [] } : { data: [], skipped: `the browser did not hand it over: ${why}`.slice(0, 200) };
      }
    }
    message(told, sent) {
      const flow = this.open.get(told.requestId);
      const { opcode, payloadData } = told.response;
      if (!flow || opcode !== 1 && opcode !== 2) return;
      const text = opcode === 1;
      const data = text ? encoded(payloadData ?? "") : payloadData ?? "";
      this.state({ k: "flow.message", id: flow.id, sent, text, data }, this.at(told));
    }
    at(told) {
      const offset = this.offsets.get(told.requestId);
      return offset === void 0 ? Date.now() : (told.timestamp + offset) * 1e3;
    }
    /** A WebSocket is no more. Who closed it, and why, is not told: mostly all went well. */
    closed(told) {
      const flow = this.open.get(told.requestId);
      if (!flow) return;
      this.forget(told.requestId);
      if (flow.answer) {
        const code = flow.broken ? {} : { code: 1e3 };
        this.state({ k: "flow.closed", id: flow.id, sent: false, ...code }, this.at(told));
      } else {
        this.asked(flow);
        this.ended(flow, [], {}, "the WebSocket was not opened", this.at(told));
      }
    }
  };

  // src/worker/missed.ts
  var MOST = 1e3;
  var ALL = { urls: ["http://*/*", "https://*/*"] };
  var Missed = class {
    /** `watched` are the tabs that the debugger is or will be at; `wanted` says whether a page of this URL is recorded. */
    constructor(watched, wanted2) {
      this.watched = watched;
      this.wanted = wanted2;
    }
    watched;
    wanted;
    open = /* @__PURE__ */ new Map();
    seen = /* @__PURE__ */ new Map();
    /** Answers that the debugger told before webRequest did. */
    ahead = /* @__PURE__ */ new Map();
    /** By tab: whether the page that it asked for last is recorded. */
    pages = /* @__PURE__ */ new Map();
    start() {
      chrome.webRequest.onSendHeaders.addListener(this.sent, ALL, ["requestHeaders", "extraHeaders"]);
      chrome.webRequest.onCompleted.addListener(this.completed, ALL, ["responseHeaders", "extraHeaders"]);
      chrome.webRequest.onBeforeRedirect.addListener(this.completed, ALL, ["responseHeaders", "extraHeaders"]);
      chrome.webRequest.onErrorOccurred.addListener(this.failed, ALL);
    }
    stop() {
      chrome.webRequest.onSendHeaders.removeListener(this.sent);
      chrome.webRequest.onCompleted.removeListener(this.completed);
      chrome.webRequest.onBeforeRedirect.removeListener(this.completed);
      chrome.webRequest.onErrorOccurred.removeListener(this.failed);
    }
    /** The debugger told this one's answer. */
    told(tab, method, url) {
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
    take(tab, at) {
      const left = [];
      for (const [key, seen] of this.seen) {
        if (seen[0]?.tab !== tab) continue;
        const later = seen.filter(({ t }) => t > at);
        left.push(...seen.filter(({ t }) => t <= at));
        if (later.length > 0) this.seen.set(key, later);
        else this.seen.delete(key);
      }
      return left;
    }
    sent = (sent) => {
      if (!this.watched(sent.tabId)) return;
      if (sent.type === "main_frame") {
        this.pages.set(sent.tabId, this.wanted(sent.url));
        trim(this.pages);
      }
      if (!(this.pages.get(sent.tabId) ?? this.wanted(sent.initiator ?? sent.url))) return;
      this.open.set(sent.requestId, { t: sent.timeStamp, headers: listed2(sent.requestHeaders) });
      trim(this.open);
    };
    completed = (done2) => {
      const { requestId, tabId: tab, method, url } = done2;
      const open = this.open.get(requestId);
      this.open.delete(requestId);
      if (!open || done2.fromCache) return;
      const key = named(tab, method, url);
      const ahead = this.ahead.get(key) ?? 0;
      if (ahead > 0) {
        if (ahead === 1) this.ahead.delete(key);
        else this.ahead.set(key, ahead - 1);
        return;
      }
      const seen = {
        tab,
        method,
        url,
        ...open,
        status: done2.statusCode,
        reason: done2.statusLine.split(" ").slice(2).join(" "),
        answer: listed2(done2.responseHeaders),
        server: done2.ip ?? "",
        ended: done2.timeStamp
      };
      this.seen.set(key, [...this.seen.get(key) ?? [], seen]);
      trim(this.seen);
    };
    failed = (failed) => void this.open.delete(failed.requestId);
  };
  function named(tab, method, url) {
    return `${tab} ${method} ${url.replace(/#.*$/, "")}`;
  }
  function listed2(headers) {
    return (headers ?? []).map(({ name, value }) => [name, value ?? ""]);
  }
  function trim(map) {
    const [first] = map.keys();
    if (map.size > MOST && first !== void 0) map.delete(first);
  }

  // src/worker/network.ts
  var PROTOCOL = "1.3";
  var REST_MS = 300;
  var MOST_LOADINGS = 1e3;
  var RECORDED = /^(https?|wss?):/;
  var ENABLE = {
    maxPostDataSize: MOST_BODY,
    maxResourceBufferSize: MOST_BODY,
    maxTotalBufferSize: 2 * MOST_BODY,
    enableDurableMessages: true
  };
  var Network = class {
    /** `wanted` says whether a page of this URL is recorded. */
    constructor(state2, wanted2) {
      this.state = state2;
      this.wanted = wanted2;
      this.flows = new Flows(state2, ({ tab, asked }) => this.missed.told(tab, asked.method, asked.url));
    }
    state;
    wanted;
    /** Those that the debugger is at, and since when (Unix ms); not known while it is on its way. */
    tabs = /* @__PURE__ */ new Map();
    flows;
    missed = new Missed(
      (tab) => this.tabs.has(tab) || this.awaited.has(tab),
      (url) => this.wanted(url)
    );
    /** New tabs, which the debugger is on its way to, or cannot be at before they show a page. */
    awaited = /* @__PURE__ */ new Set();
    /** Those that it came to while their page loaded: it goes to their frames afterwards. A frame of another site that
     * is on its way when the debugger comes may never arrive. */
    late = /* @__PURE__ */ new Set();
    /** By tab: the frame that is its page, and whether the page that it asked for last is recorded. */
    pages = /* @__PURE__ */ new Map();
    /** By the browser's name for a page's loading: whether the page is recorded. */
    loadings = /* @__PURE__ */ new Map();
    get on() {
      return this.tabs.size > 0;
    }
    async start() {
      chrome.debugger.onEvent.addListener(this.told);
      chrome.debugger.onDetach.addListener(this.detached);
      chrome.tabs.onCreated.addListener(this.created);
      chrome.tabs.onUpdated.addListener(this.updated);
      this.missed.start();
      await this.survey();
    }
    /** Goes to the tabs that are to be recorded: also when more are than before. */
    async survey() {
      const tabs = await chrome.tabs.query({});
      for (const { id } of tabs) if (id !== void 0 && !this.tabs.has(id)) this.awaited.add(id);
      await Promise.all(tabs.map((tab) => this.attach(tab)));
    }
    /** More may be seen than before: what Chromium refused to tell is asked for again. */
    async renew() {
      this.missed.stop();
      this.missed.start();
      await this.survey();
    }
    async stop() {
      chrome.tabs.onCreated.removeListener(this.created);
      chrome.tabs.onUpdated.removeListener(this.updated);
      this.missed.stop();
      const tabs = [...this.tabs.keys()];
      this.tabs.clear();
      for (const tabId of tabs) await chrome.debugger.detach({ tabId }).catch(() => void 0);
      this.flows.open.clear();
    }
    created = (tab) => {
      if (tab.id !== void 0) this.awaited.add(tab.id);
      void this.attach(tab);
    };
    updated = (id, change, tab) => {
      if (change.url !== void 0) void this.attach(tab, true);
      if (change.status === "complete") setTimeout(() => this.rescue(id), REST_MS);
    };
    /** States what the debugger came too late for. */
    async rescue(tab) {
      const since = this.tabs.get(tab);
      if (since === void 0) return;
      const late = this.late.has(tab);
      if (late && (await chrome.tabs.get(tab).catch(() => null))?.status !== "complete") return;
      this.awaited.delete(tab);
      this.late.delete(tab);
      if (late) await this.enter({ tabId: tab });
      const left = this.missed.take(tab, late ? Date.now() : since);
      if (left.length === 0) return;
      const target = { tabId: tab };
      await chrome.debugger.sendCommand(target, "Page.enable").catch(() => void 0);
      const tree = await chrome.debugger.sendCommand(target, "Page.getResourceTree").catch(() => null);
      const frames = tree ? framesOf(tree.frameTree) : [];
      for (const seen of left) {
        const [name] = [...this.flows.open].find(
          ([, { tab: of, asked }]) => of === tab && asked.url === seen.url && asked.method === seen.method && asked.t <= seen.ended
        ) ?? [];
        const flow = name === void 0 ? void 0 : this.flows.open.get(name);
        if (name !== void 0) this.flows.open.delete(name);
        await this.stateMissed(seen, flow ?? this.flows.flow("missed", tab, seen.method, seen.url, {}, seen.t), frames);
      }
      this.flows.open.delete("missed");
    }
    async stateMissed(seen, flow, frames) {
      flow.sent ??= seen.headers;
      flow.answer = { ...seen, version: "1.1", headers: seen.answer, t: seen.ended };
      for (const frameId of seen.method === "GET" ? frames : []) {
        const said = await chrome.debugger.sendCommand({ tabId: seen.tab }, "Page.getResourceContent", { frameId, url: seen.url }).catch(() => null);
        if (!said) continue;
        const { content, base64Encoded } = said;
        this.flows.answered(flow, [base64Encoded ? content : encoded(content)], void 0, seen.ended, true);
        return;
      }
      const empty = seen.status >= 300 && seen.status < 400;
      this.flows.answered(flow, [], empty ? void 0 : "the browser's debugger came too late for it", seen.ended, true);
    }
    /** Whether this is of a page that is recorded: the tab's own decides, for its frames too. */
    ofPage({ requestId, loaderId, frameId, type, request }, tab) {
      const page = this.pages.get(tab);
      if (page && type === "Document" && frameId === page.frame) {
        page.wanted = this.wanted(request.url);
        this.loadings.set(loaderId || requestId, page.wanted);
        if (this.loadings.size > MOST_LOADINGS) this.loadings.delete(this.loadings.keys().next().value ?? "");
      }
      return this.loadings.get(loaderId) ?? page?.wanted ?? true;
    }
    async attach(tab, late = false) {
      const tabId = tab.id;
      if (tabId === void 0 || this.tabs.has(tabId) || !this.wanted(tab.pendingUrl || tab.url || "")) return;
      this.tabs.set(tabId, Number.POSITIVE_INFINITY);
      try {
        const targets = await chrome.debugger.getTargets();
        this.pages.set(tabId, { frame: targets.find((one) => one.tabId === tabId)?.id ?? "", wanted: true });
        await chrome.debugger.attach({ tabId }, PROTOCOL).catch((error) => {
          if (!error.message.includes("already attached")) throw error;
        });
        if (late) this.late.add(tabId);
        await this.enable({ tabId });
        if (!late) await this.enter({ tabId });
        this.tabs.set(tabId, Date.now());
      } catch {
        this.tabs.delete(tabId);
        this.late.delete(tabId);
      }
    }
    async enable(session) {
      await chrome.debugger.sendCommand(session, "Network.enable", ENABLE);
      await chrome.debugger.sendCommand(session, "Network.setCacheDisabled", { cacheDisabled: true });
      await chrome.debugger.sendCommand(session, "Network.setBypassServiceWorker", { bypass: true }).catch(() => void 0);
    }
    /** Goes to the frames and workers that are there, and to those that come. */
    async enter(session) {
      const within2 = { autoAttach: true, waitForDebuggerOnStart: true, flatten: true };
      await chrome.debugger.sendCommand(session, "Target.setAutoAttach", within2).catch(() => void 0);
    }
    detached = (source, reason) => {
      if (source.tabId === void 0 || !this.tabs.delete(source.tabId)) return;
      if (reason === "canceled_by_user") this.state({ k: "gap", reason: "the browser's network was recorded no more" });
    };
    told = (source, method, parameters) => {
      if (source.tabId === void 0 || !this.tabs.has(source.tabId)) return;
      const handler = this.handlers[method];
      if (handler) handler(parameters, source, source.tabId);
    };
    handlers = {
      "Target.attachedToTarget": ({ sessionId }, source) => {
        const session = { tabId: source.tabId, sessionId };
        void this.enable(session).then(() => this.enter(session)).catch(() => void 0).then(() => chrome.debugger.sendCommand(session, "Runtime.runIfWaitingForDebugger")).catch(() => void 0);
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
        const t = wallTime * 1e3;
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
          flow.streamed = chrome.debugger.sendCommand(source, "Network.streamResourceContent", request).then((held) => {
            this.flows.portion(flow, held.bufferedData ?? "");
            return true;
          }).catch(() => false);
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
        void this.flows.body(flow, source, told.requestId).then(
          (response) => this.flows.whenTold(flow, () => this.flows.answered(flow, response.data, response.skipped, t))
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
        flow.asked.t = told.wallTime * 1e3;
        flow.asked.headers = told.request.headers;
      },
      "Network.webSocketHandshakeResponseReceived": (told) => {
        const flow = this.flows.open.get(told.requestId);
        if (!flow) return;
        if (told.response.requestHeaders) flow.sent = listed(told.response.requestHeaders);
        this.flows.asked(flow);
        this.flows.head(flow, { ...told.response, protocol: "http/1.1" }, false, this.flows.at(told));
        this.flows.answered(flow, [], void 0, this.flows.at(told));
      },
      "Network.webSocketFrameSent": (told) => this.flows.message(told, true),
      "Network.webSocketFrameReceived": (told) => this.flows.message(told, false),
      "Network.webSocketFrameError": ({ requestId }) => {
        const flow = this.flows.open.get(requestId);
        if (flow) flow.broken = true;
      },
      "Network.webSocketClosed": (told) => this.flows.closed(told)
    };
  };

  // src/panel.ts
  var PANEL = "panel";

  // src/worker/panels.ts
  var OWN2 = new URL(chrome.runtime.getURL("")).origin;
  var Panels = class {
    constructor(view2, command2) {
      this.view = view2;
      this.command = command2;
    }
    view;
    command;
    open = /* @__PURE__ */ new Set();
    connected(port) {
      if (port.name !== PANEL || port.sender?.id !== chrome.runtime.id || port.sender.origin !== OWN2) return;
      this.open.add(port);
      port.onDisconnect.addListener(() => this.open.delete(port));
      port.onMessage.addListener((command2) => this.command(command2));
      port.postMessage(this.view());
    }
    show() {
      for (const port of this.open) port.postMessage(this.view());
    }
  };

  // src/wire.ts
  var WIRE_VERSION = 1;

  // src/worker/ways.ts
  var HOST = "reenact.recorder";
  var PATH = "/reenact";
  function parsed(typed) {
    const [port, ...letters] = typed.trim().toUpperCase().split(/[\s-]+/);
    const key = letters.join("");
    if (!/^\d{1,5}$/.test(port ?? "") || !/^[0-9A-HJKMNP-TV-Z]{16}$/.test(key)) return null;
    return { port: Number(port), key, by: "code" };
  }
  function native(hello, ears) {
    const port = chrome.runtime.connectNative(HOST);
    let open = true;
    port.onMessage.addListener((message) => ears.heard(message));
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
      }
    };
  }
  function dial(pass2, hello, ears, traded) {
    const socket = new WebSocket(`ws://127.0.0.1:${pass2.port}${PATH}`);
    const mine = hex(crypto.getRandomValues(new Uint8Array(16)));
    let state2 = "new";
    const end = (why) => {
      if (state2 === "over") return;
      state2 = "over";
      socket.close();
      ears.ended(why);
    };
    const say = (message) => socket.send(JSON.stringify(message));
    const heard = async (message) => {
      if (state2 === "known") return ears.heard(message);
      if (state2 === "asked" && message.m === "prove") {
        const theirs = String(message.server);
        const words = `${mine}:${theirs}`;
        if (message.proof !== await signed(pass2.key, `recorder:${words}`))
          return end("The code does not fit the recorder at that port; look at it again");
        say({ m: "proof", proof: await signed(pass2.key, `extension:${words}`) });
        state2 = "proved";
        if (pass2.by === "code") traded({ port: pass2.port, key: await signed(pass2.key, `key:${words}`), by: "key" });
      } else if (state2 === "proved" && message.m === "paired") {
        state2 = "known";
        say(hello);
      } else end("What answers at that port is no recorder");
    };
    let turn = Promise.resolve();
    socket.onopen = () => {
      state2 = "asked";
      say({ m: "pair", client: mine, by: pass2.by });
    };
    socket.onmessage = ({ data }) => {
      turn = turn.then(async () => {
        if (state2 !== "over") await heard(JSON.parse(data));
      });
      turn = turn.catch(() => end("What answers at that port is no recorder"));
    };
    socket.onclose = ({ reason }) => void turn.then(() => end(reason || (state2 === "new" ? `Nobody records at port ${pass2.port}` : "")));
    return {
      send: (message) => {
        if (state2 === "known") say(message);
      },
      close: () => {
        state2 = "over";
        socket.close();
      }
    };
  }
  async function signed(key, words) {
    const bytes = (text) => new TextEncoder().encode(text);
    const secret = await crypto.subtle.importKey("raw", bytes(key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return hex(new Uint8Array(await crypto.subtle.sign("HMAC", secret, bytes(words))));
  }
  function hex(bytes) {
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // src/worker/recorder.ts
  var AGAIN_MS = [100, 200, 400, 800, 1600, 2e3];
  var PATIENCE_MS = 6e4;
  var Recorder = class {
    constructor(listener, instance, browser, sees) {
      this.listener = listener;
      this.instance = instance;
      this.browser = browser;
      this.sees = sees;
    }
    listener;
    instance;
    browser;
    sees;
    state = "asking";
    why = "";
    /** Nobody records any more, and nobody wanted that. */
    fell = false;
    welcome = null;
    status = null;
    /** Where it is reached by a WebSocket; null: by the native host. */
    pass = null;
    line = null;
    lostSince = 0;
    attempts = 0;
    get paused() {
      return this.status?.paused ?? false;
    }
    /** It was there before this worker was. */
    resume() {
      this.state = "lost";
      this.lostSince = Date.now();
      this.call();
    }
    /** Calls the recorder, unless it is being called or was reached. */
    call() {
      if (this.line) return;
      if (this.state === "off") this.state = "asking";
      const hello = {
        m: "hello",
        v: WIRE_VERSION,
        capture: chrome.runtime.getManifest().version,
        user_agent: navigator.userAgent,
        instance: this.instance(),
        browser: this.browser(),
        sees: this.sees()
      };
      const heard = (message) => this.heard(message);
      const ended = (why) => this.ended(why);
      const traded = (pass2) => {
        this.pass = pass2;
        this.listener.changed();
      };
      this.line = this.pass ? dial(this.pass, hello, { heard, ended }, traded) : native(hello, { heard, ended });
    }
    /** Nothing can be called by what the expert gave. */
    refuse(why) {
      this.why = why;
      this.listener.changed();
    }
    /** Sends what can be sent now; what is not acknowledged is the speaker's to keep. */
    send(message) {
      if (this.state === "on") this.line?.send(message);
    }
    heard(message) {
      switch (message.m) {
        case "welcome": {
          const again = this.welcome?.session === message.session;
          this.welcome = message;
          this.state = "on";
          this.fell = false;
          this.attempts = 0;
          this.lostSince = 0;
          this.listener.welcomed(message, again);
          break;
        }
        case "ack":
          this.listener.acknowledged(message.key, message.s);
          return;
        case "status":
          this.status = message;
          if (!message.recording) this.end("the recording ended");
          break;
        case "refused":
          this.fell = this.state === "on";
          this.end(message.why);
          break;
      }
      this.listener.changed();
    }
    ended(error) {
      this.line = null;
      if (this.state === "off") return;
      const now = Date.now();
      if (this.state === "on") {
        this.state = "lost";
        this.lostSince = now;
      }
      if (this.state === "lost" && now - this.lostSince < PATIENCE_MS) {
        const wait = AGAIN_MS[Math.min(this.attempts++, AGAIN_MS.length - 1)];
        setTimeout(() => this.call(), wait);
      } else {
        this.fell = this.state === "lost";
        this.end(this.fell ? "The recorder went, and did not come back" : error);
      }
      this.listener.changed();
    }
    end(why) {
      this.state = "off";
      this.why = why;
      this.welcome = null;
      this.status = null;
      this.pass = null;
      const line = this.line;
      this.line = null;
      line?.close();
    }
  };

  // src/worker/starting.ts
  var SAME_SITE = { no_restriction: "None", strict: "Strict" };
  async function startingState(wanted2, named2) {
    const tabs = (await chrome.tabs.query({ url: ["http://*/*", "https://*/*"] })).filter((tab) => wanted2(tab.url ?? ""));
    const hosts = new Set(tabs.map((tab) => new URL(tab.url ?? "").hostname));
    const cookies = (await chrome.cookies.getAll({})).filter(({ domain, secure, path }) => {
      const host = domain.replace(/^\./, "");
      if (named2)
        return wanted2(`http${secure ? "s" : ""}://${host}${path}`) || [...hosts].some((open) => within(open, domain));
      return [...hosts].some((open) => within(open, domain));
    });
    const origins = /* @__PURE__ */ new Map();
    for (const { id } of tabs) {
      if (id === void 0) continue;
      const read = () => [location.origin, Object.entries(localStorage)];
      const told = await chrome.scripting.executeScript({ target: { tabId: id }, func: read }).catch(() => []);
      for (const { result } of told) if (result) origins.set(...result);
    }
    return {
      m: "storage",
      cookies: cookies.map(({ name, value, domain, path, expirationDate, httpOnly, secure, sameSite }) => ({
        name,
        value,
        domain,
        path,
        expires: expirationDate ?? -1,
        httpOnly,
        secure,
        sameSite: SAME_SITE[sameSite] ?? "Lax"
      })),
      origins: [...origins].map(([origin, entries]) => ({
        origin,
        localStorage: entries.map(([name, value]) => ({ name, value }))
      }))
    };
  }
  function within(host, domain) {
    return domain.startsWith(".") ? `.${host}`.endsWith(domain) : host === domain;
  }

  // src/worker/main.ts
  var ALARM = "call";
  var remembered = {};
  var paused = false;
  var own = [];
  var recorder = new Recorder(
    {
      welcomed(welcome, again) {
        const same = again || remembered.session === welcome.session;
        if (!same) {
          documents.clear();
          remember({ began: welcome.network ? Date.now() : 0 });
          documents.began = remembered.began ?? 0;
          if (remembered.session || welcome.sites.length > 0) log.forget();
        }
        remember({ session: welcome.session, sites: welcome.sites, mask: welcome.mask });
        browsing.listen();
        handing = !same && welcome.network === true;
        void (handing ? prepare() : watchNetwork()).catch(() => void 0).then(() => {
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
      }
    },
    () => log.instance,
    () => remembered.browser ?? "",
    () => grants.origins.length > 0
  );
  var grants = new Grants(() => {
    browsing.renew();
    void network?.renew();
    void documents.announce();
    showBadge(recorder, blind());
    panels.show();
  });
  var log = new WorkerLog(pass);
  var documents = new Documents(
    () => recording(),
    (batch) => {
      browsing.settle(batch.tab);
      pass(batch);
    }
  );
  var browsing = new Browsing(
    state,
    wanted,
    (url) => grants.covers(url),
    () => log.owe()
  );
  var network = null;
  var networkWanted = true;
  var storageWanted = false;
  var handing = false;
  var caughtUp = false;
  var panels = new Panels(view, command);
  function wanted(url) {
    return grants.covers(url) && matches(url, own) && matches(url, recorder.welcome?.sites ?? remembered.sites ?? []);
  }
  function blind() {
    return grants.origins.length === 0;
  }
  function view() {
    const { state: state2, why, welcome, status } = recorder;
    return {
      state: state2,
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
      storage: storageWanted
    };
  }
  function begin() {
    handing = false;
    caughtUp = true;
    if (recorder.welcome?.network) recorder.send({ m: "ask", what: "ready" });
    log.again();
    documents.again();
    void documents.announce();
  }
  function pass(message) {
    if (caughtUp) recorder.send(message);
  }
  async function prepare() {
    await watchNetwork();
    if (storageWanted) await handOver();
  }
  async function handOver() {
    if (!await chrome.permissions.contains({ permissions: ["cookies"] })) return;
    const sites = own.length + (recorder.welcome?.sites.length ?? 0);
    const named2 = sites > 0 || !grants.origins.includes("<all_urls>");
    recorder.send(await startingState(wanted, named2));
  }
  async function watchNetwork() {
    const wanting = networkWanted && recorder.welcome?.network === true;
    if (wanting === (network !== null) || wanting && !await chrome.permissions.contains({ permissions: ["debugger"] }))
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
  function state(statement, t) {
    if (recorder.state !== "off" && !recorder.paused) log.state(statement, t);
  }
  function command(command2) {
    switch (command2.do) {
      case "call":
        recorder.call();
        break;
      case "pair": {
        if (recorder.state !== "off") break;
        const pass2 = parsed(command2.code);
        if (pass2) {
          recorder.pass = pass2;
          recorder.call();
        } else recorder.refuse("A code is a port and four times four letters, as “reenact pair --socket” shows it");
        break;
      }
      case "note":
        recorder.send({ m: "note", t: command2.t, text: command2.text.slice(0, 65536) });
        break;
      case "network":
        networkWanted = command2.on;
        void chrome.storage.local.set({ networkWanted });
        void watchNetwork();
        break;
      case "storage":
        storageWanted = command2.on;
        void chrome.storage.local.set({ storageWanted });
        break;
      case "sites":
        own = command2.sites;
        void chrome.storage.local.set({ own });
        void network?.survey();
        void documents.announce();
        break;
      default:
        recorder.send({ m: "ask", what: command2.do });
    }
    panels.show();
  }
  function recording() {
    const { state: state2, welcome, paused: paused2 } = recorder;
    if (handing && state2 === "on") return { session: void 0, wanted, mask: [], paused: paused2 };
    const session = state2 === "off" ? null : welcome?.session ?? remembered.session ?? void 0;
    return { session, wanted, mask: welcome?.mask ?? remembered.mask ?? [], paused: paused2 };
  }
  function remember(change) {
    Object.assign(remembered, change);
    void chrome.storage.session.set({ remembered });
  }
  var ready = (async () => {
    void grants.arm().catch(() => void 0);
    const granted = grants.recall();
    remembered = (await chrome.storage.session.get("remembered")).remembered ?? {};
    if (!remembered.browser) remember({ browser: crypto.randomUUID() });
    const kept = { own: [], networkWanted: true, storageWanted: false };
    ({ own, networkWanted, storageWanted } = await chrome.storage.local.get(kept));
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
  browsing.listen();
  grants.listen();
  chrome.runtime.onConnect.addListener((port) => {
    panels.connected(port);
    void documents.connected(port, ready);
  });
  chrome.commands.onCommand.addListener((name) => {
    if (name === "note") void chrome.windows.create({ type: "popup", url: "note.html", width: 420, height: 240 });
  });
  var call = () => void ready.then(() => recorder.call());
  chrome.runtime.onStartup.addListener(call);
  chrome.runtime.onInstalled.addListener(call);
  chrome.alarms.onAlarm.addListener(call);
})();
