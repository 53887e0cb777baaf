// The extension's own pages: they are shown what is going on, and may command. No other page may.
import { type Command, PANEL, type View } from "../panel";

const OWN = new URL(chrome.runtime.getURL("")).origin;

export class Panels {
  private readonly open = new Set<chrome.runtime.Port>();

  constructor(
    private readonly view: () => View,
    private readonly command: (command: Command) => void,
  ) {}

  connected(port: chrome.runtime.Port): void {
    if (port.name !== PANEL || port.sender?.id !== chrome.runtime.id || port.sender.origin !== OWN) return;
    this.open.add(port);
    port.onDisconnect.addListener(() => this.open.delete(port));
    port.onMessage.addListener((command: Command) => this.command(command));
    port.postMessage(this.view());
  }

  show(): void {
    for (const port of this.open) port.postMessage(this.view());
  }
}
