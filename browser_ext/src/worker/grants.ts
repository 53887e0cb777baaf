// What the browser lets the extension see: the sites that the expert granted, and our scripts in their pages.
import scripts from "../scripts.json";
import { covered } from "./sites";

export class Grants {
  /** Match patterns, as Chromium keeps them. */
  origins: string[] = chrome.runtime.getManifest().host_permissions ?? [];
  /** All sites come with the extension (the recorder's own browser): nothing is to be asked. */
  readonly fixed = this.origins.length > 0;

  /** `changed` is called when the expert has granted a site or taken one back. */
  constructor(private readonly changed: () => void) {}

  listen(): void {
    const changed = () => void this.recall().then(this.changed);
    chrome.permissions.onAdded.addListener(changed);
    chrome.permissions.onRemoved.addListener(changed);
  }

  async recall(): Promise<void> {
    this.origins = (await chrome.permissions.getAll()).origins ?? [];
  }

  covers(url: string): boolean {
    return covered(url, this.origins);
  }

  /** Has the scripts run in the pages of granted sites: Chromium itself keeps them from all others. */
  async arm(): Promise<void> {
    if (this.fixed) return; // the manifest names them
    const there = new Set((await chrome.scripting.getRegisteredContentScripts()).map(({ id }) => id));
    const missing = scripts.filter(({ id }) => !there.has(id));
    if (missing.length === 0) return;
    await chrome.scripting.registerContentScripts(
      missing.map(({ id, js, world }) => ({
        id,
        js,
        world: world as chrome.scripting.ExecutionWorld,
        matches: ["<all_urls>"],
        runAt: "document_start",
        allFrames: true,
        matchOriginAsFallback: true,
      })),
    );
  }
}
