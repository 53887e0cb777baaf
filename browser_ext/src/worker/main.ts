// The service worker: takes what the pages' capture scripts state, adds whose it is, and hands it to the recorder.
import { PORT, type Said, type Told } from "../port";

chrome.runtime.onConnect.addListener((port) => {
  if (port.name !== PORT) return;
  const tell = (told: Told) => port.postMessage(told);
  tell({ m: "on", session: "none", mask: [], paused: false });
  port.onMessage.addListener((said: Said) => {
    const last = said.items.at(-1);
    if (last) tell({ m: "ack", s: last.s });
  });
});
