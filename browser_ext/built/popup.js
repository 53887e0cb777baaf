"use strict";
(() => {
  // src/worker/sites.ts
  var SITE = /^(?:https?:\/\/)?((?:\*\.)?(?:\[[\da-f:.]+\]|[^\s/:*?#@[\]]+))(:\d{1,5})?(?:[/?#]\S*)?$/i;
  function patternsOf(site) {
    const [, host = "", port = ""] = SITE.exec(site.trim().toLowerCase()) ?? [];
    if (!host) return [];
    return port ? [`http://${host}${port}/*`, `https://${host}${port}/*`] : [`*://${host}/*`];
  }
  function siteOf(origin) {
    const site = origin.replace(/^(\*|https?):\/\//, "").replace(/\/\*$/, "");
    return site === "<all_urls>" || site === "*" ? "all sites" : site;
  }

  // src/panel.ts
  var PANEL = "panel";

  // src/popup/panel.ts
  var Panel = class {
    constructor(show) {
      this.show = show;
      this.port = this.connect();
    }
    show;
    port;
    tell(command) {
      this.port.postMessage(command);
    }
    connect() {
      const port = chrome.runtime.connect({ name: PANEL });
      port.onMessage.addListener((view) => this.show(view));
      port.onDisconnect.addListener(() => {
        this.port = this.connect();
      });
      return port;
    }
  };
  function part(id, kind) {
    const found = document.getElementById(id);
    if (!(found instanceof kind)) throw new Error(`no ${id} here`);
    return found;
  }
  function notes(panel2, sent) {
    const words = part("words", HTMLTextAreaElement);
    let begun = 0;
    words.addEventListener("input", () => {
      begun ||= Date.now();
    });
    part("note", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const text = words.value.trim();
      if (!text) return;
      panel2.tell({ do: "note", text, t: begun || Date.now() });
      words.value = "";
      begun = 0;
      sent();
    });
  }

  // src/popup/grants.ts
  var ALL = "<all_urls>";
  var taken = null;
  function showGrants({ granted, fixed, own }) {
    const all = granted.includes(ALL);
    part("granted", HTMLElement).hidden = fixed;
    part("granting", HTMLFormElement).hidden = all;
    part("allowed", HTMLFormElement).hidden = !all && own.length === 0;
    part("none", HTMLElement).hidden = granted.length > 0;
    part("again", HTMLElement).hidden = granted.length === 0;
    const sites2 = /* @__PURE__ */ new Map();
    for (const origin of granted) sites2.set(siteOf(origin), [...sites2.get(siteOf(origin)) ?? [], origin]);
    part("list", HTMLUListElement).replaceChildren(...[...sites2].map(entry));
    if (taken === null || sites2.has(taken)) return;
    part("site", HTMLInputElement).focus();
    taken = null;
  }
  function offerGrants() {
    const site = part("site", HTMLInputElement);
    site.addEventListener("input", () => site.setCustomValidity(""));
    part("granting", HTMLFormElement).addEventListener("submit", async (event) => {
      event.preventDefault();
      const origins = patternsOf(site.value);
      if (origins.length === 0) {
        site.setCustomValidity("A site is example.org, *.example.org or example.org:8080");
        site.reportValidity();
      } else await chrome.permissions.request({ origins });
    });
    part("everywhere", HTMLButtonElement).addEventListener("click", () => chrome.permissions.request({ origins: [ALL] }));
    void chrome.tabs.query({ active: true, currentWindow: true }).then(([tab]) => {
      if (!site.value && /^https?:/.test(tab?.url ?? "")) site.value = new URL(tab?.url ?? "").host;
    });
  }
  function entry([name, origins]) {
    const remove = document.createElement("button");
    remove.type = "button";
    remove.textContent = "Remove";
    remove.setAttribute("aria-label", `Remove ${name}`);
    remove.addEventListener("click", () => {
      taken = name;
      void chrome.permissions.remove({ origins });
    });
    const item = document.createElement("li");
    item.append(name, remove);
    return item;
  }

  // src/popup/main.ts
  var title = part("state", HTMLHeadingElement);
  var about = part("about", HTMLParagraphElement);
  var sites = part("sites", HTMLTextAreaElement);
  var wire = part("wire", HTMLInputElement);
  var stateToo = part("state-too", HTMLInputElement);
  var buttons = {
    pause: part("pause", HTMLButtonElement),
    stop: part("stop", HTMLButtonElement),
    call: part("call", HTMLButtonElement)
  };
  var shown = null;
  var TITLES = {
    on: "Recording",
    asking: "Looking for a recorder …",
    lost: "The recorder does not answer",
    off: "Not recording"
  };
  var panel = new Panel((view) => {
    if (!shown) sites.value = view.own.join("\n");
    shown = view;
    const on = view.state === "on";
    const blind = view.granted.length === 0;
    title.textContent = on && view.paused ? "Paused" : on && blind ? "Nothing is captured yet" : TITLES[view.state];
    about.textContent = view.state === "off" ? `${view.why ? `${view.why.replace(/\.*$/, "")}. ` : ""}Start one with “reenact pair” in a terminal.` : view.state === "lost" ? "What you do is kept for a minute until it comes back." : view.task;
    part("counts", HTMLElement).hidden = !on;
    part("note", HTMLFormElement).hidden = !on;
    part("events", HTMLElement).textContent = String(view.events);
    part("lost", HTMLElement).textContent = String(view.lost);
    part("incomplete", HTMLElement).hidden = !on || view.lost === 0;
    part("since", HTMLElement).textContent = view.since ? lasting(Date.now() - view.since) : "";
    part("asked", HTMLParagraphElement).textContent = view.asked.length > 0 ? `The session asks for: ${view.asked.join(", ")}` : "";
    showGrants(view);
    part("network", HTMLElement).hidden = !on || view.network === null;
    part("starting", HTMLElement).hidden = on && view.network === null;
    stateToo.checked = view.storage;
    wire.checked = view.network ?? false;
    buttons.pause.textContent = view.paused ? "Resume" : "Pause";
    buttons.pause.hidden = buttons.stop.hidden = !on;
    buttons.call.hidden = part("by-code", HTMLDetailsElement).hidden = view.state !== "off";
  });
  buttons.pause.addEventListener("click", () => panel.tell({ do: shown?.paused ? "resume" : "pause" }));
  buttons.stop.addEventListener("click", () => panel.tell({ do: "stop" }));
  buttons.call.addEventListener("click", () => panel.tell({ do: "call" }));
  part("allowed", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    panel.tell({ do: "sites", sites: sites.value.split(/\s+/).filter((site) => site) });
  });
  part("pairing", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    const code = part("code", HTMLInputElement);
    panel.tell({ do: "pair", code: code.value });
    code.value = "";
  });
  wire.addEventListener("change", async () => {
    const on = wire.checked && await chrome.permissions.request({ permissions: ["debugger"] });
    panel.tell({ do: "network", on });
  });
  stateToo.addEventListener("change", async () => {
    const on = stateToo.checked && await chrome.permissions.request({ permissions: ["cookies"] });
    panel.tell({ do: "storage", on });
  });
  offerGrants();
  notes(panel, () => void 0);
  void chrome.commands.getAll().then((commands) => {
    const key = commands.find((command) => command.name === "note")?.shortcut;
    if (key) part("key", HTMLElement).textContent = `(${key} anywhere)`;
  });
  function lasting(ms) {
    const seconds = Math.max(0, Math.round(ms / 1e3));
    return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  }
})();
