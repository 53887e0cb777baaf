// The popup: what is recorded, and the expert's say in it.
import type { View } from "../panel";
import { offerGrants, showGrants } from "./grants";
import { notes, Panel, part } from "./panel";

const title = part("state", HTMLHeadingElement);
const about = part("about", HTMLParagraphElement);
const sites = part("sites", HTMLTextAreaElement);
const wire = part("wire", HTMLInputElement);
const stateToo = part("state-too", HTMLInputElement);
const buttons = {
  pause: part("pause", HTMLButtonElement),
  stop: part("stop", HTMLButtonElement),
  call: part("call", HTMLButtonElement),
};
let shown: View | null = null;

const TITLES = {
  on: "Recording",
  asking: "Looking for a recorder …",
  lost: "The recorder does not answer",
  off: "Not recording",
};

const panel = new Panel((view) => {
  if (!shown) sites.value = view.own.join("\n");
  shown = view;
  const on = view.state === "on";
  const blind = view.granted.length === 0;
  title.textContent = on && view.paused ? "Paused" : on && blind ? "Nothing is captured yet" : TITLES[view.state];
  about.textContent =
    view.state === "off"
      ? `${view.why ? `${view.why.replace(/\.*$/, "")}. ` : ""}Start one with “reenact pair” in a terminal.`
      : view.state === "lost"
        ? "What you do is kept for a minute until it comes back."
        : view.task;
  part("counts", HTMLElement).hidden = !on;
  part("note", HTMLFormElement).hidden = !on;
  part("events", HTMLElement).textContent = String(view.events);
  part("lost", HTMLElement).textContent = String(view.lost);
  part("incomplete", HTMLElement).hidden = !on || view.lost === 0;
  part("since", HTMLElement).textContent = view.since ? lasting(Date.now() - view.since) : "";
  part("asked", HTMLParagraphElement).textContent =
    view.asked.length > 0 ? `The session asks for: ${view.asked.join(", ")}` : "";
  showGrants(view);
  part("network", HTMLElement).hidden = !on || view.network === null;
  // A browser that the recorder opened has nothing of before.
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
  const on = wire.checked && (await chrome.permissions.request({ permissions: ["debugger"] }));
  panel.tell({ do: "network", on });
});
stateToo.addEventListener("change", async () => {
  const on = stateToo.checked && (await chrome.permissions.request({ permissions: ["cookies"] }));
  panel.tell({ do: "storage", on });
});
offerGrants();
notes(panel, () => undefined);
void chrome.commands.getAll().then((commands) => {
  const key = commands.find((command) => command.name === "note")?.shortcut;
  if (key) part("key", HTMLElement).textContent = `(${key} anywhere)`;
});

function lasting(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
