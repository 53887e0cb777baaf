"use strict";
(() => {
  // src/worker/badge.ts
  function showBadge(state, paused2) {
    const [text, color, title] = state === "on" && paused2 ? ["II", "#777777", "Reenact: paused"] : state === "on" ? ["REC", "#c62828", "Reenact: recording"] : state === "lost" ? ["!", "#ef6c00", "Reenact: the recorder does not answer"] : ["", "#777777", "Reenact: not recording"];
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
    /** `wanted` says whether a page of this URL is recorded. */
    constructor(state, wanted2) {
      this.state = state;
      this.wanted = wanted2;
    }
    state;
    wanted;
    standing = [];
    /** Tabs that were created and not stated yet: who opened one is told a moment later. */
    fresh = /* @__PURE__ */ new Map();
    popups = /* @__PURE__ */ new Set();
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
      for (const one of early) one();
    }
    /** States the tabs that are there already. */
    async begin() {
      for (const window of await chrome.windows.getAll({ populate: true })) {
        for (const tab of window.tabs ?? []) {
          if (tab.id === void 0 || this.fresh.has(tab.id) || !this.shows(tab.id, tab.pendingUrl || tab.url || ""))
            continue;
          this.state({ k: "tab.opened", tab: tab.id, popup: window.type === "popup" });
          if (tab.active && window.focused) this.state({ k: "tab.activated", tab: tab.id });
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
    /** Nothing is recorded: the worker is not to be woken for any of this. */
    deafen() {
      for (const end of this.standing.splice(0)) end();
    }
    stand(event, handler, ...extra) {
      const listener = (told) => {
        if (this.early) this.early.push(() => handler(told));
        else handler(told);
      };
      event.addListener(listener, ...extra);
      this.standing.push(() => event.removeListener(listener));
    }
    /** The tab is to be stated before whatever is said of it. */
    settle(tab) {
      const fresh = this.fresh.get(tab);
      if (!fresh) return;
      this.fresh.delete(tab);
      this.state({ k: "tab.opened", tab, popup: fresh.popup }, fresh.t);
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
      this.state({ k: "tab.activated", tab });
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
    };
    committed = (done) => {
      if (done.documentLifecycle === "prerender") return;
      if (done.frameId === 0 ? !this.shows(done.tabId, done.url) : !this.known(done.tabId)) return;
      this.settle(done.tabId);
      this.navigated(done, false);
    };
    within = (done) => {
      if (done.frameId === 0 ? !this.shows(done.tabId, done.url) : !this.known(done.tabId)) return;
      this.navigated(done, true);
    };
    navigated(done, within) {
      const { tabId: tab, frameId: frame, url, transitionType: type, transitionQualifiers: qualifiers } = done;
      let how = HOW[type] ?? "other";
      if (qualifiers.includes("forward_back")) how = "back_forward";
      else if (qualifiers.includes("client_redirect")) how = "script";
      else if (qualifiers.includes("server_redirect") && how === "link") how = "redirect";
      this.state({ k: "navigated", tab, frame, url, how, ...within && { within } }, done.timeStamp);
    }
    requested = (asked) => {
      if (!this.asked(asked)) return;
      this.state({ k: "request", ...place(asked) }, asked.timeStamp);
    };
    completed = (done) => {
      if (!this.asked(done)) return;
      const { statusCode: status, fromCache: cached } = done;
      this.state({ k: "request", ...place(done), ended: true, status, ...cached && { cached } }, done.timeStamp);
    };
    failed = (done) => {
      if (!this.asked(done)) return;
      this.state({ k: "request", ...place(done), ended: true, error: done.error }, done.timeStamp);
    };
    asked({ type, url, tabId: tab, initiator }) {
      if (type === "main_frame") return this.wanted(url);
      return tab >= 0 ? this.known(tab) : initiator !== void 0 && !OWN.startsWith(initiator) && this.wanted(initiator);
    }
    downloaded = (change) => {
      const state = change.state?.current;
      if (state !== "complete" && state !== "interrupted") return;
      void chrome.downloads.search({ id: change.id }).then(([item]) => {
        if (!item || !this.wanted(item.referrer || item.finalUrl || item.url)) return;
        this.state({
          k: "download",
          url: item.finalUrl || item.url,
          name: item.filename.split(/[/\\]/).at(-1) ?? "",
          complete: state === "complete",
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
  var PORT = "document";

  // src/worker/documents.ts
  var KEY = "document:";
  var PORTION = 1 << 20;
  var MOST_KEPT = 5e4;
  var Documents = class {
    constructor(recording2, send) {
      this.recording = recording2;
      this.send = send;
    }
    recording;
    send;
    speakers = /* @__PURE__ */ new Map();
    kept = 0;
    /** What documents that are gone stated before this worker started. */
    async recall() {
      for (const [key, batch] of Object.entries(await chrome.storage.session.get(null))) {
        if (!key.startsWith(KEY)) continue;
        const { items, m: _, ...head } = batch;
        if (!this.speakers.has(head.document))
          this.speakers.set(head.document, { port: null, head, site: "", kept: items, on: true, short: false });
      }
    }
    /** A document has connected; once `ready`, it is known what was kept before. */
    async connected(port, ready2) {
      const { tab, frameId: frame, documentId: document, url } = port.sender ?? {};
      if (port.name !== PORT || tab?.id === void 0 || frame === void 0 || document === void 0) return;
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
      for (const speaker of this.speakers.values()) {
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
    heard(speaker, { session, items }) {
      if (![session, void 0].includes(this.recording().session ?? void 0)) return;
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
      if (!speaker.on && this.recording().session !== void 0) this.drop(speaker, speaker.kept.length);
      if (speaker.kept.length === 0) this.forget(speaker);
      else {
        const { head, kept: items } = speaker;
        chrome.storage.session.set({ [KEY + head.document]: { m: "batch", ...head, items } }).catch(() => void 0);
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
  function tell(speaker, told) {
    try {
      speaker.port?.postMessage(told);
    } catch {
    }
  }

  // src/worker/log.ts
  var KEY2 = "log:";
  var MOST_KEPT2 = 2e4;
  var WorkerLog = class {
    constructor(send) {
      this.send = send;
    }
    send;
    items = [];
    count = 0;
    saving = false;
    dirty = false;
    left = /* @__PURE__ */ new Map();
    instance = crypto.randomUUID();
    /** What workers before this one stated and nobody acknowledged. */
    async recall() {
      for (const [key, items] of Object.entries(await chrome.storage.session.get(null)))
        if (key.startsWith(KEY2) && key !== KEY2 + this.instance)
          this.left.set(key.slice(KEY2.length), items);
    }
    state(statement, t = Date.now()) {
      if (this.items.length >= MOST_KEPT2) this.items.shift();
      const item = { ...statement, s: ++this.count, t };
      this.items.push(item);
      this.send({ m: "log", instance: this.instance, items: [item] });
      this.save();
    }
    /** Sends again all that is not acknowledged. */
    again() {
      for (const [instance, items] of this.left) this.send({ m: "log", instance, items });
      if (this.items.length > 0) this.send({ m: "log", instance: this.instance, items: this.items });
    }
    acknowledged(instance, s) {
      if (instance === this.instance) {
        this.items = this.items.filter((item) => item.s > s);
        this.save();
        return true;
      }
      const left = this.left.get(instance);
      if (left === void 0) return false;
      if ((left.at(-1)?.s ?? 0) <= s) {
        this.left.delete(instance);
        void chrome.storage.session.remove(KEY2 + instance);
      }
      return true;
    }
    /** Nobody records: nothing was worth keeping. What is stated from here on is another instance's. */
    forget() {
      void chrome.storage.session.remove(KEY2 + this.instance);
      this.instance = crypto.randomUUID();
      this.count = 0;
      this.items = [];
      for (const instance of this.left.keys()) void chrome.storage.session.remove(KEY2 + instance);
      this.left.clear();
    }
    save() {
      this.dirty = true;
      if (this.saving) return;
      this.saving = true;
      void (async () => {
        while (this.dirty) {
          this.dirty = false;
          if (this.items.length > 0) await chrome.storage.session.set({ [KEY2 + this.instance]: this.items });
          else await chrome.storage.session.remove(KEY2 + this.instance);
        }
      })().catch(() => void 0).finally(() => {
        this.saving = false;
      });
    }
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

  // src/worker/recorder.ts
  var HOST = "reenact.recorder";
  var AGAIN_MS = [100, 200, 400, 800, 1600, 2e3];
  var PATIENCE_MS = 6e4;
  var Recorder = class {
    constructor(listener, instance, browser) {
      this.listener = listener;
      this.instance = instance;
      this.browser = browser;
    }
    listener;
    instance;
    browser;
    state = "asking";
    why = "";
    welcome = null;
    status = null;
    port = null;
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
      if (this.port) return;
      if (this.state === "off") this.state = "asking";
      const port = chrome.runtime.connectNative(HOST);
      this.port = port;
      port.onMessage.addListener((message) => this.heard(message));
      port.onDisconnect.addListener(() => {
        const error = chrome.runtime.lastError?.message ?? "";
        if (this.port === port) this.ended(error);
      });
      port.postMessage({
        m: "hello",
        v: WIRE_VERSION,
        capture: chrome.runtime.getManifest().version,
        user_agent: navigator.userAgent,
        instance: this.instance(),
        browser: this.browser()
      });
    }
    /** Sends what can be sent now; what is not acknowledged is the speaker's to keep. */
    send(message) {
      if (this.state === "on") this.port?.postMessage(message);
    }
    heard(message) {
      switch (message.m) {
        case "welcome": {
          const again = this.welcome?.session === message.session;
          this.welcome = message;
          this.state = "on";
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
          this.end(message.why);
          break;
      }
      this.listener.changed();
    }
    ended(error) {
      this.port = null;
      if (this.state === "off") return;
      const now = Date.now();
      if (this.state === "on") {
        this.state = "lost";
        this.lostSince = now;
      }
      if (this.state === "lost" && now - this.lostSince < PATIENCE_MS) {
        const wait = AGAIN_MS[Math.min(this.attempts++, AGAIN_MS.length - 1)];
        setTimeout(() => this.call(), wait);
      } else this.end(error);
      this.listener.changed();
    }
    end(why) {
      this.state = "off";
      this.why = why;
      this.welcome = null;
      this.status = null;
      const port = this.port;
      this.port = null;
      port?.disconnect();
    }
  };

  // src/worker/sites.ts
  function matches(url, patterns) {
    if (patterns.length === 0) return true;
    let parsed;
    try {
      parsed = new URL(url);
    } catch {
      return false;
    }
    return patterns.some((pattern) => {
      const [host, port] = divided(pattern.toLowerCase());
      if (port && port !== (parsed.port || (parsed.protocol === "https:" ? "443" : "80"))) return false;
      const below = host.startsWith("*.") ? host.slice(2) : null;
      if (below !== null) return parsed.hostname === below || parsed.hostname.endsWith(`.${below}`);
      return parsed.hostname === host;
    });
  }
  function divided(pattern) {
    const found = /^(.*):(\d+)$/.exec(pattern);
    return found ? [found[1] ?? "", found[2] ?? ""] : [pattern, ""];
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
          if (remembered.session || welcome.sites.length > 0) log.forget();
        }
        remember({ session: welcome.session, sites: welcome.sites });
        browsing.listen();
        if (!same) void browsing.begin();
        log.again();
        documents.again();
        void documents.announce();
      },
      acknowledged(key, s) {
        if (!log.acknowledged(key, s)) documents.acknowledged(key, s);
      },
      changed() {
        showBadge(recorder.state, recorder.paused);
        panels.show();
        if (recorder.state === "on" && recorder.paused !== paused) {
          paused = recorder.paused;
          void documents.announce();
        }
        if (recorder.state !== "off") return void chrome.alarms.clear(ALARM);
        remember({ session: null });
        browsing.deafen();
        log.forget();
        documents.clear();
        void documents.announce();
        void chrome.alarms.create(ALARM, { periodInMinutes: 0.5 });
      }
    },
    () => log.instance,
    () => remembered.browser ?? ""
  );
  var log = new WorkerLog((items) => recorder.send(items));
  var documents = new Documents(
    () => recording(),
    (batch) => {
      browsing.settle(batch.tab);
      recorder.send(batch);
    }
  );
  var browsing = new Browsing((statement, t) => {
    if (recorder.state !== "off" && !recorder.paused) log.state(statement, t);
  }, wanted);
  var panels = new Panels(view, command);
  function wanted(url) {
    return matches(url, own) && matches(url, recorder.welcome?.sites ?? remembered.sites ?? []);
  }
  function view() {
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
      asked: welcome?.sites ?? []
    };
  }
  function command(command2) {
    switch (command2.do) {
      case "call":
        recorder.call();
        break;
      case "note":
        recorder.send({ m: "note", t: command2.t, text: command2.text.slice(0, 65536) });
        break;
      case "sites":
        own = command2.sites;
        void chrome.storage.local.set({ own });
        void documents.announce();
        break;
      default:
        recorder.send({ m: "ask", what: command2.do });
    }
    panels.show();
  }
  function recording() {
    const { state, welcome, paused: paused2 } = recorder;
    const session = state === "off" ? null : welcome?.session;
    return { session, wanted, mask: welcome?.mask ?? [], paused: paused2 };
  }
  function remember(change) {
    Object.assign(remembered, change);
    void chrome.storage.session.set({ remembered });
  }
  var ready = (async () => {
    remembered = (await chrome.storage.session.get("remembered")).remembered ?? {};
    if (!remembered.browser) remember({ browser: crypto.randomUUID() });
    own = (await chrome.storage.local.get({ own: [] })).own;
    await log.recall();
    await documents.recall();
    await browsing.recall();
    if (remembered.session === null) {
      recorder.state = "off";
      browsing.deafen();
      void documents.announce();
    } else if (remembered.session) recorder.resume();
    else recorder.call();
  })();
  browsing.listen();
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
