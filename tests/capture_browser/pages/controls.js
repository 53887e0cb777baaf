// Controls in the light tree and in every kind of shadow tree, and what this document's own listeners see of them.
const TYPES = (
  "pointerdown pointerup mousedown mouseup click dblclick contextmenu auxclick wheel keydown keyup beforeinput input change " +
  "focus blur select copy cut paste dragstart dragenter dragleave drop dragend compositionstart compositionupdate " +
  "compositionend submit reset"
).split(" ");
var seen = [];
var roots = [];

function watch(root) {
  roots.push(root);
  for (const type of TYPES) {
    (root === document ? window : root).addEventListener(type, (event) => {
      const at = event.composedPath()[0];
      if (at.getRootNode?.() === root && at.id) seen.push(`${type} ${at.id}`);
    }, true);
  }
}

function controls(kind) {
  return `<form id=form-${kind} onsubmit="return false"><button id=button-${kind} type=button>press</button>
    <input id=text-${kind}><input id=check-${kind} type=checkbox>
    <select id=list-${kind}><option>one<option>two</select><button id=reset-${kind} type=reset>reset</button>
    <div id=edit-${kind} contenteditable style="display:inline-block;width:80px;height:20px">rich</div>
    <div id=scroller-${kind} style="overflow:auto;height:30px;width:60px"><div id=long-${kind} style="height:900px"></div></div>
    <div id=drag-${kind} draggable=true style="display:inline-block">drag</div>
    <div id=drop-${kind} style="display:inline-block;width:60px">drop</div></form>`;
}

function spots() {
  const found = {};
  for (const root of roots) {
    for (const element of root.querySelectorAll("[id]")) {
      const box = element.getBoundingClientRect();
      found[element.id] = [box.x + Math.min(box.width / 2, 30), box.y + box.height / 2];
    }
  }
  return found;
}

function ready(root) {
  for (const drop of root.querySelectorAll("[id^=drop]")) {
    drop.addEventListener("dragover", (event) => event.preventDefault());
    drop.addEventListener("drop", (event) => event.preventDefault());
  }
  for (const drag of root.querySelectorAll("[id^=drag]")) {
    drag.addEventListener("dragstart", (event) => event.dataTransfer.setData("text/plain", drag.id));
  }
}

function build() {
  const shadow = (kind, mode, into) => {
    const host = document.createElement("div");
    (into ?? document.body).append(host);
    const root = host.attachShadow({ mode });
    root.innerHTML = controls(kind);
    watch(root);
    ready(root);
    return root;
  };
  document.body.insertAdjacentHTML("beforeend", controls("light"));
  watch(document);
  ready(document);
  shadow("open", "open");
  const closed = shadow("closed", "closed");
  shadow("nested", "open", closed);
  document.body.append(document.createElement("declared-closed"));
  const made = document.createElement("div");
  made.setHTMLUnsafe(`<declared-closed><template shadowrootmode=closed>${controls("declared")}</template></declared-closed>`);
  customElements.define("declared-closed", class extends HTMLElement {
    constructor() {
      super();
      const root = this.attachInternals().shadowRoot;
      if (!root) return;
      watch(root);
      ready(root);
    }
  });
  document.body.append(made);
}
addEventListener("click", () => {}, { once: true }); // a page has listeners of its own
document.body ? build() : addEventListener("DOMContentLoaded", build);
