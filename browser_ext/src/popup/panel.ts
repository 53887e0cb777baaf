// The way from the extension's own pages to its worker, which may die and come back.
import { type Command, PANEL, type View } from "../panel";

export class Panel {
  private port: chrome.runtime.Port;

  constructor(private readonly show: (view: View) => void) {
    this.port = this.connect();
  }

  tell(command: Command): void {
    this.port.postMessage(command);
  }

  private connect(): chrome.runtime.Port {
    const port = chrome.runtime.connect({ name: PANEL });
    port.onMessage.addListener((view: View) => this.show(view));
    port.onDisconnect.addListener(() => {
      this.port = this.connect();
    });
    return port;
  }
}

/** The page's element with this id. */
export function part<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`no ${id} here`);
  return found;
}

/** Sends what the form `note` holds. */
export function notes(panel: Panel, sent: () => void): void {
  const words = part("words", HTMLTextAreaElement);
  let begun = 0;
  words.addEventListener("input", () => {
    begun ||= Date.now();
  });
  part("note", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    const text = words.value.trim();
    if (!text) return;
    panel.tell({ do: "note", text, t: begun || Date.now() });
    words.value = "";
    begun = 0;
    sent();
  });
}
