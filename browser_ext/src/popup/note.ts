// The window that the hotkey opens, for a note.
import { notes, Panel, part } from "./panel";

notes(new Panel(() => undefined), () => setTimeout(() => window.close(), 50));
const words = part("words", HTMLTextAreaElement);
words.focus();
words.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) words.form?.requestSubmit();
  if (event.key === "Escape") window.close();
});
