// A note in Tiptap (ProseMirror) with @-mentions, whose list is the page's own and asks the server.
import { Editor } from "@tiptap/core";
import Mention from "@tiptap/extension-mention";
import StarterKit from "@tiptap/starter-kit";

function list() {
  const box = document.createElement("ul");
  box.setAttribute("role", "listbox");
  let props;
  let chosen = 0;
  const show = (given) => {
    props = given;
    chosen = 0;
    const { left, bottom } = props.clientRect();
    box.style.cssText = `position:fixed;left:${left}px;top:${bottom}px`;
    draw();
  };
  const draw = () => {
    box.replaceChildren(...props.items.map((person, n) => {
      const item = document.createElement("li");
      item.setAttribute("role", "option");
      item.ariaSelected = String(n === chosen);
      item.textContent = person.name;
      item.onmousedown = (event) => event.preventDefault();
      item.onclick = () => take(n);
      return item;
    }));
  };
  const take = (n) => props.items[n] && props.command({ id: props.items[n].id, label: props.items[n].name });
  return {
    onStart(given) {
      document.body.append(box);
      show(given);
    },
    onUpdate: show,
    onExit: () => box.remove(),
    onKeyDown({ event }) {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (by) {
        chosen = (chosen + by + props.items.length) % props.items.length;
        draw();
        return true;
      }
      if (event.key !== "Enter") return false;
      take(chosen);
      return true;
    },
  };
}

const suggestion = {
  items: async ({ query }) => (await fetch(`/api/people?q=${encodeURIComponent(query)}&_end=5`)).json(),
  render: list,
};
const editor = new Editor({
  element: document.getElementById("editor"),
  extensions: [StarterKit, Mention.configure({ HTMLAttributes: { class: "mention" }, suggestion })],
  content: "<p>Meeting notes</p>",
  editorProps: { attributes: { "aria-label": "Note" } },
});
document.getElementById("heading").onclick = () => editor.chain().focus().toggleHeading({ level: 2 }).run();
document.getElementById("send").onclick = async () => {
  const mentioned = [...document.querySelectorAll("#editor .mention")].map((span) => span.dataset.id);
  const kept = { html: editor.getHTML(), mentioned };
  await fetch("/api/notes", { method: "POST", body: JSON.stringify(kept) });
  document.getElementById("said").textContent = `sent to ${mentioned.length}`;
};
