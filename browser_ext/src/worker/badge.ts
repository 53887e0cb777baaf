// The toolbar button: whether something is recorded, at a glance.
import type { Recorder } from "./recorder";

/** `blind`: no site is granted, so nothing is captured. */
export function showBadge({ state, paused, fell }: Recorder, blind: boolean): void {
  const [text, color, title] =
    state === "on" && paused
      ? ["II", "#777777", "Reenact: paused"]
      : state === "on" && blind
        ? ["?", "#b45309", "Reenact: recording, but no site may be captured yet; press here to add one"]
        : state === "on"
          ? ["REC", "#c62828", "Reenact: recording"]
          : state === "lost"
            ? ["!", "#ef6c00", "Reenact: the recorder does not answer"]
            : fell
              ? ["!", "#c62828", "Reenact: the recording ended before you did"]
              : ["", "#777777", "Reenact: not recording"];
  void chrome.action.setBadgeText({ text });
  void chrome.action.setBadgeBackgroundColor({ color });
  void chrome.action.setTitle({ title });
}
