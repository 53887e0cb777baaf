"use strict";
(() => {
  // src/port.ts
  var PORT = "document";

  // src/worker/main.ts
  chrome.runtime.onConnect.addListener((port) => {
    if (port.name !== PORT) return;
    const tell = (told) => port.postMessage(told);
    tell({ m: "on", session: "none", mask: [], paused: false });
    port.onMessage.addListener((said) => {
      const last = said.items.at(-1);
      if (last) tell({ m: "ack", s: last.s });
    });
  });
})();
