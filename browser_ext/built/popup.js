"use strict";
(() => {
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
    title.textContent = on && view.paused ? "Paused" : TITLES[view.state];
    about.textContent = view.state === "off" ? `${view.why ? `${view.why.replace(/\.*$/, "")}. ` : ""}Start one with “reenact pair” in a terminal.` : view.state === "lost" ? "What you do is kept for a minute until it comes back." : view.task;
    part("counts", HTMLElement).hidden = !on;
    part("note", HTMLFormElement).hidden = !on;
    part("events", HTMLElement).textContent = String(view.events);
    part("lost", HTMLElement).textContent = String(view.lost);
    part("since", HTMLElement).textContent = view.since ? lasting(Date.now() - view.since) : "";
    part("asked", HTMLParagraphElement).textContent = view.asked.length > 0 ? `The session asks for: ${view.asked.join(", ")}` : "";
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
    const on = stateToo.checked && await chrome.permissions.request({ permissions: ["cookies", "scripting"] });
    panel.tell({ do: "storage", on });
  });
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
