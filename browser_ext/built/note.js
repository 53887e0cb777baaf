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
  function notes(panel, sent) {
    const words2 = part("words", HTMLTextAreaElement);
    let begun = 0;
    words2.addEventListener("input", () => {
      begun ||= Date.now();
    });
    part("note", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const text = words2.value.trim();
      if (!text) return;
      panel.tell({ do: "note", text, t: begun || Date.now() });
      words2.value = "";
      begun = 0;
      sent();
    });
  }

  // src/popup/note.ts
  notes(new Panel(() => void 0), () => setTimeout(() => window.close(), 50));
  var words = part("words", HTMLTextAreaElement);
  words.focus();
  words.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) words.form?.requestSubmit();
    if (event.key === "Escape") window.close();
  });
})();
