"use strict";
(() => {
  // src/bridge.ts
  var HANDED = "reenact:bridge";
  var ASKED = "asked";
  var ANSWERED = "answered";
  var ATTACHED = "attached";
  var CLOSING = "closing";
  var READ = "read";
  var PULL = "pull";
  var UNWANTED = "unwanted";
  function handOver() {
    const node = document.createElement("i");
    dispatchEvent(new MouseEvent(HANDED, { relatedTarget: node }));
    return node;
  }

  // src/capture/dom.ts
  function getter(prototype, name2) {
    const get = Object.getOwnPropertyDescriptor(prototype, name2)?.get;
    if (!get) throw new Error(`no getter ${name2}`);
    return (of) => {
      const plain = of[name2];
      if (typeof plain === "string" || typeof plain === "number" || plain === null) return plain;
      return of instanceof HTMLFormElement || of instanceof Document ? Reflect.apply(get, of, []) : plain;
    };
  }
  var localName = getter(Element.prototype, "localName");
  var parentNode = getter(Node.prototype, "parentNode");
  var firstChild = getter(Node.prototype, "firstChild");
  var nextSibling = getter(Node.prototype, "nextSibling");
  var attributes = getter(Element.prototype, "attributes");
  var elementChildren = getter(Element.prototype, "children");
  var childCount = getter(Element.prototype, "childElementCount");
  var children = (of) => of instanceof Element ? elementChildren(of) : of.children;
  var previousElement = getter(Element.prototype, "previousElementSibling");
  var textContent = getter(Node.prototype, "textContent");
  var openRoot = getter(Element.prototype, "shadowRoot");
  var documentTitle = getter(Document.prototype, "title");
  var getAttribute = Element.prototype.getAttribute;
  var matchesOf = Element.prototype.matches;
  var closestOf = Element.prototype.closest;
  var getRootNode = Node.prototype.getRootNode;
  var getRect = Element.prototype.getBoundingClientRect;
  var title = () => String(documentTitle(document));
  function attribute(element, name2) {
    const plain = typeof element.getAttribute === "function";
    return (plain ? element.getAttribute(name2) : Reflect.apply(getAttribute, element, [name2])) ?? "";
  }
  function rectOf(element) {
    const { x, y, width, height } = Reflect.apply(getRect, element, []);
    return [cents(x), cents(y), cents(width), cents(height)];
  }
  function cents(value) {
    return Number.isFinite(value) ? Math.round(Math.min(1e9, Math.max(-1e9, value)) * 100) / 100 : 0;
  }
  function rootOf(node) {
    const root = Reflect.apply(getRootNode, node, []);
    return root instanceof Document || root instanceof ShadowRoot ? root : null;
  }
  var HOSTS = new Set(
    "article aside blockquote body div footer h1 h2 h3 h4 h5 h6 header main nav p section span".split(" ")
  );
  var without = /* @__PURE__ */ new WeakSet();
  function forgetRoots() {
    without = /* @__PURE__ */ new WeakSet();
  }
  function shadowOf(element) {
    const open = openRoot(element);
    if (open || without.has(element) || !(element instanceof HTMLElement)) return open;
    const name2 = localName(element);
    if (!HOSTS.has(name2) && !name2.includes("-")) return null;
    const closed = chrome.dom.openOrClosedShadowRoot(element);
    if (!closed) without.add(element);
    return closed;
  }
  function elementAt(x, y) {
    const found = document.elementFromPoint(x, y);
    const inner = found && inside(found, (root) => root.elementFromPoint(x, y));
    return inner && (slotAt(inner, x, y) ?? inner);
  }
  function slotAt(host, x, y) {
    const root = shadowOf(host);
    for (const slot of root?.querySelectorAll("slot") ?? []) {
      for (const node of slot.assignedNodes()) {
        if (!(node instanceof Text)) continue;
        const range = document.createRange();
        range.selectNode(node);
        for (const { left, right, top, bottom } of range.getClientRects()) {
          if (left <= x && x < right && top <= y && y < bottom) return slot;
        }
      }
    }
    return null;
  }
  function focused() {
    const found = document.activeElement;
    return found && inside(found, (root) => root.activeElement);
  }
  function inside(element, next) {
    for (let found = element; ; ) {
      const root = shadowOf(found);
      const inner = root && next(root);
      if (!inner || inner === found || !root.contains(inner)) return found;
      found = inner;
    }
  }
  function targetOf(event) {
    const host = event.target;
    if (!(host instanceof Element)) return host instanceof Node ? around(host) : null;
    const root = shadowOf(host);
    if (!root) return host;
    const first = event.composedPath()[0];
    const element = first instanceof Element ? first : around(first);
    const own = element === host ? root : element && shadowOf(element);
    if (!element || !own || own.mode === "open") return element;
    if (event instanceof MouseEvent) {
      const { clientX, clientY } = event;
      return inside(element, (root2) => root2.elementFromPoint(clientX, clientY));
    }
    return inside(element, (root2) => root2.activeElement);
  }
  function around(node) {
    const parent = parentNode(node);
    return parent instanceof Element ? parent : null;
  }
  function closest(element, selector) {
    for (let at = element; at; ) {
      const found = Reflect.apply(closestOf, at, [selector]);
      if (found) return found;
      const root = rootOf(at);
      at = root instanceof ShadowRoot ? root.host : null;
    }
    return null;
  }
  function matches(element, selector) {
    return Reflect.apply(matchesOf, element, [selector]);
  }
  function line(text, most = 120) {
    return text.slice(0, most * 8).replace(/\s+/g, " ").trim().slice(0, most);
  }
  function textIn(element, most = 120, skip) {
    if (!element.firstElementChild) return line(textContent(element) ?? "", most);
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, (node) => {
      if (node.nodeType === Node.TEXT_NODE) return NodeFilter.FILTER_ACCEPT;
      const name2 = localName(node);
      const out = name2 === "script" || name2 === "style" || name2 === "template" || skip?.(node);
      return out ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_SKIP;
    });
    let text = "";
    for (let looked = 0; looked < 400 && text.length < most * 2 && walker.nextNode(); looked++) {
      text += `${walker.currentNode.data.slice(0, most * 8)} `;
    }
    return line(text, most);
  }

  // src/capture/masks.ts
  var SECRET = /(^|\s)(cc-|one-time-code|current-password|new-password)/;
  var masked = /* @__PURE__ */ new WeakSet();
  var named = "";
  function setMasks(selectors) {
    named = selectors.filter((selector) => {
      try {
        document.createDocumentFragment().querySelector(selector);
        return true;
      } catch {
        return false;
      }
    }).join(",");
  }
  function isMasked(element) {
    if (masked.has(element)) return true;
    const field = element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement;
    const secret = field && (element.type === "password" || SECRET.test(attribute(element, "autocomplete").toLowerCase())) || named !== "" && closest(element, named) !== null;
    if (secret) masked.add(element);
    return secret;
  }
  function dots(text) {
    return "•".repeat(Math.min([...text].length, 1024));
  }

  // src/capture/content.ts
  var MOST_BYTES = 64 << 20;
  var MOST_INLINE = 64 << 10;
  var MOST_PIECES = 64;
  var PART = 192 << 10;
  function contentOf(transfer, masked2) {
    const content = { clips: [], files: [], loading: [] };
    if (!transfer) return content;
    for (const type of [...transfer.types].slice(0, MOST_PIECES)) {
      if (type === "Files") continue;
      const text = transfer.getData(type);
      content.clips.push(clip(type, masked2 ? dots(text) : text, content.loading));
    }
    for (const item of [...transfer.items].slice(0, MOST_PIECES)) {
      if (item.kind !== "file") continue;
      const file = item.getAsFile();
      if (!file) continue;
      const folder = item.webkitGetAsEntry()?.isDirectory;
      if (folder) content.files.push({ name: name(file), type: "", size: 0, skipped: "a folder" });
      else content.files.push(chosen(file, content.loading));
    }
    return content;
  }
  function textContentOf(text, masked2) {
    const loading = [];
    return { clips: text ? [clip("text/plain", masked2 ? dots(text) : text, loading)] : [], files: [], loading };
  }
  function filesOf(files) {
    const loading = [];
    return { clips: [], files: [...files].map((file) => chosen(file, loading)), loading };
  }
  function clip(type, text, loading) {
    const told2 = { type: type.slice(0, 1024), size: text.length };
    if (text.length <= MOST_INLINE) told2.text = text;
    else loading.push({ told: told2, blob: new Blob([text]) });
    return told2;
  }
  function chosen(file, loading) {
    const told2 = { name: name(file), type: file.type.slice(0, 1024), size: file.size };
    if (file.size > MOST_BYTES) told2.skipped = `larger than ${MOST_BYTES >> 20} MiB`;
    else loading.push({ told: told2, blob: file });
    return told2;
  }
  var name = (file) => (file.webkitRelativePath || file.name).slice(0, 1024);
  async function* partsOf(blob) {
    for (let at = 0; at < blob.size; at += PART) yield base64(await blob.slice(at, at + PART).arrayBuffer());
  }
  function base64(bytes) {
    const codes = [];
    const view = new Uint8Array(bytes);
    for (let at = 0; at < view.length; at += 8192) codes.push(String.fromCharCode(...view.subarray(at, at + 8192)));
    return btoa(codes.join(""));
  }

  // src/capture/log.ts
  var TICK = 40;
  var SLICE = 8;
  var Log = class {
    constructor(outbox, targets, tick, gather) {
      this.outbox = outbox;
      this.targets = targets;
      this.tick = tick;
      this.gather = gather;
    }
    outbox;
    targets;
    tick;
    gather;
    #queue = [];
    #running = false;
    #run = 0;
    #parts = 0;
    #idle = [];
    #timer = 0;
    #quiet = 0;
    #hurries = false;
    /** Puts in line what a listener saw, or what states something itself. O(1): even a timer would cost more. */
    push(entry) {
      this.#queue.push(entry);
      this.#quiet = 0;
      if (this.#hurries) queueMicrotask(() => this.#tick());
      if (!this.#timer) this.#timer = setInterval(() => this.#tick(), TICK);
    }
    // What was seen is stated first: by the fingerprints of then, before they are renewed.
    #tick() {
      const waited = this.#queue.length > 0;
      if (waited) {
        this.gather();
        this.#start();
      }
      if (this.#queue.length === 0) this.tick();
      if (!waited && ++this.#quiet * TICK > 1e3) {
        clearInterval(this.#timer);
        this.#timer = 0;
      }
    }
    #start() {
      if (this.#running) return;
      this.#running = true;
      void this.#drain(this.#run);
    }
    /** States all that waits now, and from here on what comes at once: the document may be left any time. Returns whether
     * all is stated: a file is not, while it is read. */
    hurry() {
      this.#hurries = true;
      this.gather();
      this.#start();
      return this.#queue.length === 0;
    }
    /** The document stays. */
    calm() {
      this.#hurries = false;
    }
    /** The event that came before this one, the newest, if it was not stated yet. */
    before(seen) {
      const before = this.#queue[this.#queue.lastIndexOf(seen) - 1];
      return typeof before === "function" ? void 0 : before;
    }
    /** Resolves when nothing waits. */
    idle() {
      this.gather();
      if (this.#queue.length === 0 && !this.#running) return Promise.resolve();
      const rest = new Promise((done) => this.#idle.push(done));
      this.#start();
      return rest;
    }
    /** States all that waits, now: the document goes away. Content that is not read yet is said to be missing. */
    finish() {
      this.#hurries = false;
      this.gather();
      this.#run++;
      const queue = this.#queue;
      this.#queue = [];
      for (const entry of queue) {
        if (typeof entry === "function") attempt(entry);
        else {
          for (const { told: told2 } of entry.content?.loading ?? []) told2.skipped ??= "the page went away first";
          this.#state(entry);
        }
      }
      this.outbox.flush();
      this.#rest();
    }
    /** Forgets what waits. */
    clear() {
      this.#run++;
      this.#queue = [];
      this.#rest();
    }
    async #drain(run) {
      const until = performance.now() + SLICE;
      let n = 0;
      while (n < this.#queue.length && performance.now() < until) {
        const entry = this.#queue[n];
        if (typeof entry !== "function" && entry.content?.loading.length) {
          this.#queue.splice(0, n);
          n = 0;
          this.outbox.flush();
          await this.#load(entry.content, run);
          if (run !== this.#run) return;
        }
        n++;
        if (typeof entry !== "function") this.#state(entry);
        else attempt(entry);
      }
      this.#queue.splice(0, n);
      this.outbox.flush();
      if (this.#queue.length > 0) setTimeout(() => this.#drain(run));
      else this.#rest();
    }
    #rest() {
      this.#running = false;
      for (const done of this.#idle.splice(0)) done();
    }
    #state({ fields, element, print, content, late }) {
      try {
        late?.();
        if (element) fields.target = this.targets.number(element, print);
      } catch {
      }
      if (content?.clips.length) fields.clips = content.clips;
      if (content?.files.length) fields.files = content.files;
      this.outbox.add(fields);
    }
    async #load(content, run) {
      for (const { told: told2, blob } of content.loading) {
        const id = `p${++this.#parts}`;
        try {
          for await (const data of partsOf(blob)) {
            await this.outbox.room();
            if (run !== this.#run) return;
            this.outbox.add({ k: "part", t: now(), id, data });
            this.outbox.flush();
          }
          told2.part = id;
        } catch (error) {
          told2.skipped = `not readable: ${error instanceof Error ? error.name : error}`;
        }
      }
      content.loading = [];
    }
  };
  function attempt(state) {
    try {
      state();
    } catch {
    }
  }
  function now() {
    const within2 = performance.now();
    const off = Date.now() + 0.5 - origin - within2;
    if (Math.abs(off) > 0.7) origin += off;
    latest = Math.max(latest, origin + within2);
    return latest;
  }
  var origin = performance.timeOrigin;
  var latest = 0;

  // src/capture/dialogs.ts
  var MOST = 1 << 16;
  var Dialogs = class {
    constructor(log, outbox, on, page) {
      this.log = log;
      this.outbox = outbox;
      this.on = on;
      page.addEventListener(ASKED, (event) => {
        const [type, message] = JSON.parse(event.detail);
        this.#asked = { type, message: String(message).slice(0, MOST), at: now() };
      });
      page.addEventListener(ANSWERED, (event) => {
        const answer = JSON.parse(event.detail);
        const { type, message, at } = this.#asked;
        const accepted = type === "alert" || answer !== false && answer !== null;
        const given = type === "prompt" && typeof answer === "string" ? { answer: answer.slice(0, MOST) } : {};
        this.#state({ type, message, asked: at, t: now(), accepted, ...given });
      });
    }
    log;
    outbox;
    on;
    #asked = { type: "alert", message: "", at: 0 };
    #leaving = null;
    /** The page is about to be left; whether the browser asks follows from what its handlers say, after this. */
    leaving(event) {
      this.stayed();
      const leaving = { event, asked: now(), t: now() };
      this.#leaving = leaving;
      queueMicrotask(() => {
        if (this.log.hurry()) this.outbox.leaving(true);
      });
      setTimeout(() => {
        leaving.t = now();
        if (asks(event)) this.#stays();
      });
    }
    /** The page is still there and used: he chose to stay, if he was asked. */
    stayed() {
      if (this.#leaving) this.#stays();
      this.#left(false);
    }
    #stays() {
      this.log.calm();
      this.outbox.leaving(false);
    }
    /** The page goes away. */
    gone() {
      this.#left(true);
    }
    #left(accepted) {
      if (!this.#leaving) return;
      const { event, asked, t } = this.#leaving;
      this.#leaving = null;
      if (!asks(event) || !navigator.userActivation.hasBeenActive) return;
      this.#state({ type: "beforeunload", message: "", asked, t: accepted ? now() : t, accepted });
    }
    #state(dialog) {
      if (this.on()) this.log.push(() => this.outbox.add({ k: "dialog", ...dialog }));
    }
  };
  function asks(event) {
    return event.defaultPrevented || event.returnValue !== "";
  }

  // node_modules/dom-accessibility-api/dist/polyfills/array.from.mjs
  var toStr = Object.prototype.toString;
  function isCallable(fn) {
    return typeof fn === "function" || toStr.call(fn) === "[object Function]";
  }
  function toInteger(value) {
    var number = Number(value);
    if (isNaN(number)) {
      return 0;
    }
    if (number === 0 || !isFinite(number)) {
      return number;
    }
    return (number > 0 ? 1 : -1) * Math.floor(Math.abs(number));
  }
  var maxSafeInteger = Math.pow(2, 53) - 1;
  function toLength(value) {
    var len = toInteger(value);
    return Math.min(Math.max(len, 0), maxSafeInteger);
  }
  function arrayFrom(arrayLike, mapFn) {
    var C = Array;
    var items = Object(arrayLike);
    if (arrayLike == null) {
      throw new TypeError("Array.from requires an array-like object - not null or undefined");
    }
    if (typeof mapFn !== "undefined") {
      if (!isCallable(mapFn)) {
        throw new TypeError("Array.from: when provided, the second argument must be a function");
      }
    }
    var len = toLength(items.length);
    var A = isCallable(C) ? Object(new C(len)) : new Array(len);
    var k = 0;
    var kValue;
    while (k < len) {
      kValue = items[k];
      if (mapFn) {
        A[k] = mapFn(kValue, k);
      } else {
        A[k] = kValue;
      }
      k += 1;
    }
    A.length = len;
    return A;
  }

  // node_modules/dom-accessibility-api/dist/polyfills/SetLike.mjs
  function _typeof(o) {
    "@babel/helpers - typeof";
    return _typeof = "function" == typeof Symbol && "symbol" == typeof Symbol.iterator ? function(o2) {
      return typeof o2;
    } : function(o2) {
      return o2 && "function" == typeof Symbol && o2.constructor === Symbol && o2 !== Symbol.prototype ? "symbol" : typeof o2;
    }, _typeof(o);
  }
  function _classCallCheck(instance, Constructor) {
    if (!(instance instanceof Constructor)) {
      throw new TypeError("Cannot call a class as a function");
    }
  }
  function _defineProperties(target, props) {
    for (var i = 0; i < props.length; i++) {
      var descriptor = props[i];
      descriptor.enumerable = descriptor.enumerable || false;
      descriptor.configurable = true;
      if ("value" in descriptor) descriptor.writable = true;
      Object.defineProperty(target, _toPropertyKey(descriptor.key), descriptor);
    }
  }
  function _createClass(Constructor, protoProps, staticProps) {
    if (protoProps) _defineProperties(Constructor.prototype, protoProps);
    if (staticProps) _defineProperties(Constructor, staticProps);
    Object.defineProperty(Constructor, "prototype", { writable: false });
    return Constructor;
  }
  function _defineProperty(obj, key, value) {
    key = _toPropertyKey(key);
    if (key in obj) {
      Object.defineProperty(obj, key, { value, enumerable: true, configurable: true, writable: true });
    } else {
      obj[key] = value;
    }
    return obj;
  }
  function _toPropertyKey(t) {
    var i = _toPrimitive(t, "string");
    return "symbol" == _typeof(i) ? i : i + "";
  }
  function _toPrimitive(t, r) {
    if ("object" != _typeof(t) || !t) return t;
    var e = t[Symbol.toPrimitive];
    if (void 0 !== e) {
      var i = e.call(t, r || "default");
      if ("object" != _typeof(i)) return i;
      throw new TypeError("@@toPrimitive must return a primitive value.");
    }
    return ("string" === r ? String : Number)(t);
  }
  var SetLike = /* @__PURE__ */ (function() {
    function SetLike2() {
      var items = arguments.length > 0 && arguments[0] !== void 0 ? arguments[0] : [];
      _classCallCheck(this, SetLike2);
      _defineProperty(this, "items", void 0);
      this.items = items;
    }
    return _createClass(SetLike2, [{
      key: "add",
      value: function add(value) {
        if (this.has(value) === false) {
          this.items.push(value);
        }
        return this;
      }
    }, {
      key: "clear",
      value: function clear() {
        this.items = [];
      }
    }, {
      key: "delete",
      value: function _delete(value) {
        var previousLength = this.items.length;
        this.items = this.items.filter(function(item) {
          return item !== value;
        });
        return previousLength !== this.items.length;
      }
    }, {
      key: "forEach",
      value: function forEach(callbackfn) {
        var _this = this;
        this.items.forEach(function(item) {
          callbackfn(item, item, _this);
        });
      }
    }, {
      key: "has",
      value: function has(value) {
        return this.items.indexOf(value) !== -1;
      }
    }, {
      key: "size",
      get: function get() {
        return this.items.length;
      }
    }]);
  })();
  var SetLike_default = typeof Set === "undefined" ? Set : SetLike;

  // node_modules/dom-accessibility-api/dist/getRole.mjs
  function getLocalName(element) {
    var _element$localName;
    return (
      // eslint-disable-next-line no-restricted-properties -- actual guard for environments without localName
      (_element$localName = element.localName) !== null && _element$localName !== void 0 ? _element$localName : (
        // eslint-disable-next-line no-restricted-properties -- required for the fallback
        element.tagName.toLowerCase()
      )
    );
  }
  var localNameToRoleMappings = {
    article: "article",
    aside: "complementary",
    button: "button",
    datalist: "listbox",
    dd: "definition",
    details: "group",
    dialog: "dialog",
    dt: "term",
    fieldset: "group",
    figure: "figure",
    // WARNING: Only with an accessible name
    form: "form",
    footer: "contentinfo",
    h1: "heading",
    h2: "heading",
    h3: "heading",
    h4: "heading",
    h5: "heading",
    h6: "heading",
    header: "banner",
    hr: "separator",
    html: "document",
    legend: "legend",
    li: "listitem",
    math: "math",
    main: "main",
    menu: "list",
    nav: "navigation",
    ol: "list",
    optgroup: "group",
    // WARNING: Only in certain context
    option: "option",
    output: "status",
    progress: "progressbar",
    // WARNING: Only with an accessible name
    section: "region",
    summary: "button",
    table: "table",
    tbody: "rowgroup",
    textarea: "textbox",
    tfoot: "rowgroup",
    // WARNING: Only in certain context
    td: "cell",
    th: "columnheader",
    thead: "rowgroup",
    tr: "row",
    ul: "list"
  };
  var prohibitedAttributes = {
    caption: /* @__PURE__ */ new Set(["aria-label", "aria-labelledby"]),
    code: /* @__PURE__ */ new Set(["aria-label", "aria-labelledby"]),
    deletion: /* @__PURE__ */ new Set(["aria-label", "aria-labelledby"]),
    emphasis: /* @__PURE__ */ new Set(["aria-label", "aria-labelledby"]),
    generic: /* @__PURE__ */ new Set(["aria-label", "aria-labelledby", "aria-roledescription"]),
    insertion: /* @__PURE__ */ new Set(["aria-label", "aria-labelledby"]),
    none: /* @__PURE__ */ new Set(["aria-label", "aria-labelledby"]),
    paragraph: /* @__PURE__ */ new Set(["aria-label", "aria-labelledby"]),
    presentation: /* @__PURE__ */ new Set(["aria-label", "aria-labelledby"]),
    strong: /* @__PURE__ */ new Set(["aria-label", "aria-labelledby"]),
    subscript: /* @__PURE__ */ new Set(["aria-label", "aria-labelledby"]),
    superscript: /* @__PURE__ */ new Set(["aria-label", "aria-labelledby"])
  };
  function hasGlobalAriaAttributes(element, role) {
    return [
      "aria-atomic",
      "aria-busy",
      "aria-controls",
      "aria-current",
      "aria-description",
      "aria-describedby",
      "aria-details",
      // "disabled",
      "aria-dropeffect",
      // "errormessage",
      "aria-flowto",
      "aria-grabbed",
      // "haspopup",
      "aria-hidden",
      // "invalid",
      "aria-keyshortcuts",
      "aria-label",
      "aria-labelledby",
      "aria-live",
      "aria-owns",
      "aria-relevant",
      "aria-roledescription"
    ].some(function(attributeName) {
      var _prohibitedAttributes;
      return element.hasAttribute(attributeName) && !((_prohibitedAttributes = prohibitedAttributes[role]) !== null && _prohibitedAttributes !== void 0 && _prohibitedAttributes.has(attributeName));
    });
  }
  function ignorePresentationalRole(element, implicitRole) {
    return hasGlobalAriaAttributes(element, implicitRole);
  }
  function getRole(element) {
    var explicitRole = getExplicitRole(element);
    if (explicitRole === null || presentationRoles.indexOf(explicitRole) !== -1) {
      var implicitRole = getImplicitRole(element);
      if (presentationRoles.indexOf(explicitRole || "") === -1 || ignorePresentationalRole(element, implicitRole || "")) {
        return implicitRole;
      }
    }
    return explicitRole;
  }
  function getImplicitRole(element) {
    var mappedByTag = localNameToRoleMappings[getLocalName(element)];
    if (mappedByTag !== void 0) {
      return mappedByTag;
    }
    switch (getLocalName(element)) {
      case "a":
      case "area":
      case "link":
        if (element.hasAttribute("href")) {
          return "link";
        }
        break;
      case "img":
        if (element.getAttribute("alt") === "" && !ignorePresentationalRole(element, "img")) {
          return "presentation";
        }
        return "img";
      case "input": {
        var _ref = element, type = _ref.type;
        switch (type) {
          case "button":
          case "image":
          case "reset":
          case "submit":
            return "button";
          case "checkbox":
          case "radio":
            return type;
          case "range":
            return "slider";
          case "email":
          case "tel":
          case "text":
          case "url":
            if (element.hasAttribute("list")) {
              return "combobox";
            }
            return "textbox";
          case "search":
            if (element.hasAttribute("list")) {
              return "combobox";
            }
            return "searchbox";
          case "number":
            return "spinbutton";
          default:
            return null;
        }
      }
      case "select":
        if (element.hasAttribute("multiple") || element.size > 1) {
          return "listbox";
        }
        return "combobox";
    }
    return null;
  }
  function getExplicitRole(element) {
    var role = element.getAttribute("role");
    if (role !== null) {
      var explicitRole = role.trim().split(" ")[0];
      if (explicitRole.length > 0) {
        return explicitRole;
      }
    }
    return null;
  }

  // node_modules/dom-accessibility-api/dist/util.mjs
  var presentationRoles = ["presentation", "none"];
  function isElement(node) {
    return node !== null && node.nodeType === node.ELEMENT_NODE;
  }
  function isHTMLTableCaptionElement(node) {
    return isElement(node) && getLocalName(node) === "caption";
  }
  function isHTMLInputElement(node) {
    return isElement(node) && getLocalName(node) === "input";
  }
  function isHTMLOptGroupElement(node) {
    return isElement(node) && getLocalName(node) === "optgroup";
  }
  function isHTMLSelectElement(node) {
    return isElement(node) && getLocalName(node) === "select";
  }
  function isHTMLTableElement(node) {
    return isElement(node) && getLocalName(node) === "table";
  }
  function isHTMLTextAreaElement(node) {
    return isElement(node) && getLocalName(node) === "textarea";
  }
  function safeWindow(node) {
    var _ref = node.ownerDocument === null ? node : node.ownerDocument, defaultView = _ref.defaultView;
    if (defaultView === null) {
      throw new TypeError("no window available");
    }
    return defaultView;
  }
  function isHTMLFieldSetElement(node) {
    return isElement(node) && getLocalName(node) === "fieldset";
  }
  function isHTMLLegendElement(node) {
    return isElement(node) && getLocalName(node) === "legend";
  }
  function isHTMLSlotElement(node) {
    return isElement(node) && getLocalName(node) === "slot";
  }
  function isSVGElement(node) {
    return isElement(node) && node.ownerSVGElement !== void 0;
  }
  function isSVGSVGElement(node) {
    return isElement(node) && getLocalName(node) === "svg";
  }
  function isSVGTitleElement(node) {
    return isSVGElement(node) && getLocalName(node) === "title";
  }
  function queryIdRefs(node, attributeName) {
    if (isElement(node) && node.hasAttribute(attributeName)) {
      var ids = node.getAttribute(attributeName).split(" ");
      var root = node.getRootNode ? node.getRootNode() : node.ownerDocument;
      return ids.map(function(id) {
        return root.getElementById(id);
      }).filter(
        function(element) {
          return element !== null;
        }
        // TODO: why does this not narrow?
      );
    }
    return [];
  }
  function hasAnyConcreteRoles(node, roles) {
    if (isElement(node)) {
      return roles.indexOf(getRole(node)) !== -1;
    }
    return false;
  }

  // node_modules/dom-accessibility-api/dist/accessible-name-and-description.mjs
  function asFlatString(s) {
    return s.trim().replace(/\s\s+/g, " ");
  }
  function isHidden(node, getComputedStyleImplementation) {
    if (!isElement(node)) {
      return false;
    }
    if (node.hasAttribute("hidden") || node.getAttribute("aria-hidden") === "true") {
      return true;
    }
    var style = getComputedStyleImplementation(node);
    return style.getPropertyValue("display") === "none" || style.getPropertyValue("visibility") === "hidden";
  }
  function isControl(node) {
    return hasAnyConcreteRoles(node, ["button", "combobox", "listbox", "textbox"]) || hasAbstractRole(node, "range");
  }
  function hasAbstractRole(node, role) {
    if (!isElement(node)) {
      return false;
    }
    switch (role) {
      case "range":
        return hasAnyConcreteRoles(node, ["meter", "progressbar", "scrollbar", "slider", "spinbutton"]);
      default:
        throw new TypeError("No knowledge about abstract role '".concat(role, "'. This is likely a bug :("));
    }
  }
  function querySelectorAllSubtree(element, selectors) {
    var elements = arrayFrom(element.querySelectorAll(selectors));
    queryIdRefs(element, "aria-owns").forEach(function(root) {
      elements.push.apply(elements, arrayFrom(root.querySelectorAll(selectors)));
    });
    return elements;
  }
  function querySelectedOptions(listbox) {
    if (isHTMLSelectElement(listbox)) {
      return listbox.selectedOptions || querySelectorAllSubtree(listbox, "[selected]");
    }
    return querySelectorAllSubtree(listbox, '[aria-selected="true"]');
  }
  function isMarkedPresentational(node) {
    return hasAnyConcreteRoles(node, presentationRoles);
  }
  function isNativeHostLanguageTextAlternativeElement(node) {
    return isHTMLTableCaptionElement(node);
  }
  function allowsNameFromContent(node) {
    return hasAnyConcreteRoles(node, ["button", "cell", "checkbox", "columnheader", "gridcell", "heading", "label", "legend", "link", "menuitem", "menuitemcheckbox", "menuitemradio", "option", "radio", "row", "rowheader", "switch", "tab", "tooltip", "treeitem"]);
  }
  function isDescendantOfNativeHostLanguageTextAlternativeElement(node) {
    return false;
  }
  function getValueOfTextbox(element) {
    if (isHTMLInputElement(element) || isHTMLTextAreaElement(element)) {
      return element.value;
    }
    return element.textContent || "";
  }
  function getTextualContent(declaration) {
    var content = declaration.getPropertyValue("content");
    if (/^["'].*["']$/.test(content)) {
      return content.slice(1, -1);
    }
    return "";
  }
  function isLabelableElement(element) {
    var localName2 = getLocalName(element);
    return localName2 === "button" || localName2 === "input" && element.getAttribute("type") !== "hidden" || localName2 === "meter" || localName2 === "output" || localName2 === "progress" || localName2 === "select" || localName2 === "textarea";
  }
  function findLabelableElement(element) {
    if (isLabelableElement(element)) {
      return element;
    }
    var labelableElement = null;
    element.childNodes.forEach(function(childNode) {
      if (labelableElement === null && isElement(childNode)) {
        var descendantLabelableElement = findLabelableElement(childNode);
        if (descendantLabelableElement !== null) {
          labelableElement = descendantLabelableElement;
        }
      }
    });
    return labelableElement;
  }
  function getControlOfLabel(label) {
    if (label.control !== void 0) {
      return label.control;
    }
    var htmlFor = label.getAttribute("for");
    if (htmlFor !== null) {
      return label.ownerDocument.getElementById(htmlFor);
    }
    return findLabelableElement(label);
  }
  function getLabels(element) {
    var labelsProperty = element.labels;
    if (labelsProperty === null) {
      return labelsProperty;
    }
    if (labelsProperty !== void 0) {
      return arrayFrom(labelsProperty);
    }
    if (!isLabelableElement(element)) {
      return null;
    }
    var document2 = element.ownerDocument;
    return arrayFrom(document2.querySelectorAll("label")).filter(function(label) {
      return getControlOfLabel(label) === element;
    });
  }
  function getSlotContents(slot) {
    var assignedNodes = slot.assignedNodes();
    if (assignedNodes.length === 0) {
      return arrayFrom(slot.childNodes);
    }
    return assignedNodes;
  }
  function computeTextAlternative(root) {
    var options = arguments.length > 1 && arguments[1] !== void 0 ? arguments[1] : {};
    var consultedNodes = new SetLike_default();
    var computedStyles = typeof Map === "undefined" ? void 0 : /* @__PURE__ */ new Map();
    var window2 = safeWindow(root);
    var _options$compute = options.compute, compute = _options$compute === void 0 ? "name" : _options$compute, _options$computedStyl = options.computedStyleSupportsPseudoElements, computedStyleSupportsPseudoElements = _options$computedStyl === void 0 ? options.getComputedStyle !== void 0 : _options$computedStyl, _options$getComputedS = options.getComputedStyle, uncachedGetComputedStyle = _options$getComputedS === void 0 ? window2.getComputedStyle.bind(window2) : _options$getComputedS, _options$hidden = options.hidden, hidden = _options$hidden === void 0 ? false : _options$hidden;
    var getComputedStyle2 = function getComputedStyle3(el, pseudoElement) {
      if (pseudoElement !== void 0) {
        throw new Error("use uncachedGetComputedStyle directly for pseudo elements");
      }
      if (computedStyles === void 0) {
        return uncachedGetComputedStyle(el);
      }
      var cachedStyles = computedStyles.get(el);
      if (cachedStyles) {
        return cachedStyles;
      }
      var style = uncachedGetComputedStyle(el, pseudoElement);
      computedStyles.set(el, style);
      return style;
    };
    function computeMiscTextAlternative(node, context) {
      var accumulatedText = "";
      if (isElement(node) && computedStyleSupportsPseudoElements) {
        var pseudoBefore = uncachedGetComputedStyle(node, "::before");
        var beforeContent = getTextualContent(pseudoBefore);
        accumulatedText = "".concat(beforeContent, " ").concat(accumulatedText);
      }
      var childNodes = isHTMLSlotElement(node) ? getSlotContents(node) : arrayFrom(node.childNodes).concat(queryIdRefs(node, "aria-owns"));
      childNodes.forEach(function(child) {
        var result = computeTextAlternative2(child, {
          isEmbeddedInLabel: context.isEmbeddedInLabel,
          isReferenced: false,
          recursion: true
        });
        var display = isElement(child) ? getComputedStyle2(child).getPropertyValue("display") : "inline";
        var separator = display !== "inline" ? " " : "";
        accumulatedText += "".concat(separator).concat(result).concat(separator);
      });
      if (isElement(node) && computedStyleSupportsPseudoElements) {
        var pseudoAfter = uncachedGetComputedStyle(node, "::after");
        var afterContent = getTextualContent(pseudoAfter);
        accumulatedText = "".concat(accumulatedText, " ").concat(afterContent);
      }
      return accumulatedText.trim();
    }
    function useAttribute(element, attributeName) {
      var attribute2 = element.getAttributeNode(attributeName);
      if (attribute2 !== null && !consultedNodes.has(attribute2) && attribute2.value.trim() !== "") {
        consultedNodes.add(attribute2);
        return attribute2.value;
      }
      return null;
    }
    function computeTooltipAttributeValue(node) {
      if (!isElement(node)) {
        return null;
      }
      return useAttribute(node, "title");
    }
    function computeElementTextAlternative(node) {
      if (!isElement(node)) {
        return null;
      }
      if (isHTMLFieldSetElement(node)) {
        consultedNodes.add(node);
        var children2 = arrayFrom(node.childNodes);
        for (var i = 0; i < children2.length; i += 1) {
          var child = children2[i];
          if (isHTMLLegendElement(child)) {
            return computeTextAlternative2(child, {
              isEmbeddedInLabel: false,
              isReferenced: false,
              recursion: false
            });
          }
        }
      } else if (isHTMLTableElement(node)) {
        consultedNodes.add(node);
        var _children = arrayFrom(node.childNodes);
        for (var _i = 0; _i < _children.length; _i += 1) {
          var _child = _children[_i];
          if (isHTMLTableCaptionElement(_child)) {
            return computeTextAlternative2(_child, {
              isEmbeddedInLabel: false,
              isReferenced: false,
              recursion: false
            });
          }
        }
      } else if (isSVGSVGElement(node)) {
        consultedNodes.add(node);
        var _children2 = arrayFrom(node.childNodes);
        for (var _i2 = 0; _i2 < _children2.length; _i2 += 1) {
          var _child2 = _children2[_i2];
          if (isSVGTitleElement(_child2)) {
            return _child2.textContent;
          }
        }
        return null;
      } else if (getLocalName(node) === "img" || getLocalName(node) === "area") {
        var nameFromAlt = useAttribute(node, "alt");
        if (nameFromAlt !== null) {
          return nameFromAlt;
        }
      } else if (isHTMLOptGroupElement(node)) {
        var nameFromLabel = useAttribute(node, "label");
        if (nameFromLabel !== null) {
          return nameFromLabel;
        }
      }
      if (isHTMLInputElement(node) && (node.type === "button" || node.type === "submit" || node.type === "reset")) {
        var nameFromValue = useAttribute(node, "value");
        if (nameFromValue !== null) {
          return nameFromValue;
        }
        if (node.type === "submit") {
          return "Submit";
        }
        if (node.type === "reset") {
          return "Reset";
        }
      }
      var labels = getLabels(node);
      if (labels !== null && labels.length !== 0) {
        consultedNodes.add(node);
        return arrayFrom(labels).map(function(element) {
          return computeTextAlternative2(element, {
            isEmbeddedInLabel: true,
            isReferenced: false,
            recursion: true
          });
        }).filter(function(label) {
          return label.length > 0;
        }).join(" ");
      }
      if (isHTMLInputElement(node) && node.type === "image") {
        var _nameFromAlt = useAttribute(node, "alt");
        if (_nameFromAlt !== null) {
          return _nameFromAlt;
        }
        var nameFromTitle = useAttribute(node, "title");
        if (nameFromTitle !== null) {
          return nameFromTitle;
        }
        return "Submit Query";
      }
      if (hasAnyConcreteRoles(node, ["button"])) {
        var nameFromSubTree = computeMiscTextAlternative(node, {
          isEmbeddedInLabel: false,
          isReferenced: false
        });
        if (nameFromSubTree !== "") {
          return nameFromSubTree;
        }
      }
      return null;
    }
    function computeTextAlternative2(current, context) {
      if (consultedNodes.has(current)) {
        return "";
      }
      if (!hidden && isHidden(current, getComputedStyle2) && !context.isReferenced) {
        consultedNodes.add(current);
        return "";
      }
      var labelAttributeNode = isElement(current) ? current.getAttributeNode("aria-labelledby") : null;
      var labelElements = labelAttributeNode !== null && !consultedNodes.has(labelAttributeNode) ? queryIdRefs(current, "aria-labelledby") : [];
      if (compute === "name" && !context.isReferenced && labelElements.length > 0) {
        consultedNodes.add(labelAttributeNode);
        return labelElements.map(function(element) {
          return computeTextAlternative2(element, {
            isEmbeddedInLabel: context.isEmbeddedInLabel,
            isReferenced: true,
            // this isn't recursion as specified, otherwise we would skip
            // `aria-label` in
            // <input id="myself" aria-label="foo" aria-labelledby="myself"
            recursion: false
          });
        }).join(" ");
      }
      var skipToStep2E = context.recursion && isControl(current) && compute === "name";
      if (!skipToStep2E) {
        var ariaLabel = (isElement(current) && current.getAttribute("aria-label") || "").trim();
        if (ariaLabel !== "" && compute === "name") {
          consultedNodes.add(current);
          return ariaLabel;
        }
        if (!isMarkedPresentational(current)) {
          var elementTextAlternative = computeElementTextAlternative(current);
          if (elementTextAlternative !== null) {
            consultedNodes.add(current);
            return elementTextAlternative;
          }
        }
      }
      if (hasAnyConcreteRoles(current, ["menu"])) {
        consultedNodes.add(current);
        return "";
      }
      if (skipToStep2E || context.isEmbeddedInLabel || context.isReferenced) {
        if (hasAnyConcreteRoles(current, ["combobox", "listbox"])) {
          consultedNodes.add(current);
          var selectedOptions = querySelectedOptions(current);
          if (selectedOptions.length === 0) {
            return isHTMLInputElement(current) ? current.value : "";
          }
          return arrayFrom(selectedOptions).map(function(selectedOption) {
            return computeTextAlternative2(selectedOption, {
              isEmbeddedInLabel: context.isEmbeddedInLabel,
              isReferenced: false,
              recursion: true
            });
          }).join(" ");
        }
        if (hasAbstractRole(current, "range")) {
          consultedNodes.add(current);
          if (current.hasAttribute("aria-valuetext")) {
            return current.getAttribute("aria-valuetext");
          }
          if (current.hasAttribute("aria-valuenow")) {
            return current.getAttribute("aria-valuenow");
          }
          return current.getAttribute("value") || "";
        }
        if (hasAnyConcreteRoles(current, ["textbox"])) {
          consultedNodes.add(current);
          return getValueOfTextbox(current);
        }
      }
      if (allowsNameFromContent(current) || isElement(current) && context.isReferenced || isNativeHostLanguageTextAlternativeElement(current) || isDescendantOfNativeHostLanguageTextAlternativeElement(current)) {
        var accumulatedText2F = computeMiscTextAlternative(current, {
          isEmbeddedInLabel: context.isEmbeddedInLabel,
          isReferenced: false
        });
        if (accumulatedText2F !== "") {
          consultedNodes.add(current);
          return accumulatedText2F;
        }
      }
      if (current.nodeType === current.TEXT_NODE) {
        consultedNodes.add(current);
        return current.textContent || "";
      }
      if (context.recursion) {
        consultedNodes.add(current);
        return computeMiscTextAlternative(current, {
          isEmbeddedInLabel: context.isEmbeddedInLabel,
          isReferenced: false
        });
      }
      var tooltipAttributeValue = computeTooltipAttributeValue(current);
      if (tooltipAttributeValue !== null) {
        consultedNodes.add(current);
        return tooltipAttributeValue;
      }
      consultedNodes.add(current);
      return "";
    }
    return asFlatString(computeTextAlternative2(root, {
      isEmbeddedInLabel: false,
      // by spec computeAccessibleDescription starts with the referenced elements as roots
      isReferenced: compute === "description",
      recursion: false
    }));
  }

  // node_modules/dom-accessibility-api/dist/accessible-name.mjs
  function prohibitsNaming(node) {
    return hasAnyConcreteRoles(node, ["caption", "code", "deletion", "emphasis", "generic", "insertion", "none", "paragraph", "presentation", "strong", "subscript", "superscript"]);
  }
  function computeAccessibleName(root) {
    var options = arguments.length > 1 && arguments[1] !== void 0 ? arguments[1] : {};
    if (prohibitsNaming(root)) {
      return "";
    }
    return computeTextAlternative(root, options);
  }

  // src/capture/names.ts
  var NAMED_BY_CONTENT = new Set(
    "button cell checkbox columnheader gridcell heading link menuitem menuitemcheckbox menuitemradio option radio row rowheader switch tab tooltip treeitem".split(" ")
  );
  var NAMING = ["aria-label", "aria-labelledby", "title"];
  var MOST_INNER = 60;
  function roleOf(element) {
    const form = element instanceof HTMLFormElement;
    const role = form ? attribute(element, "role") || "form" : getRole(element) ?? "";
    const name2 = localName(element);
    if (role === "banner" || role === "contentinfo") {
      return attribute(element, "role") || !element.closest("article,aside,main,nav,section") ? role : "";
    }
    if ((role === "form" || role === "region") && !attribute(element, "role")) {
      return NAMING.some((name3) => attribute(element, name3)) ? role : "";
    }
    if (role === "columnheader" && name2 === "th" && attribute(element, "scope") === "row") return "rowheader";
    if (role === "" && name2 === "p") return "paragraph";
    if (role === "" && name2 === "input" && element.type === "password") return "textbox";
    return role === "document" || role === "legend" || role === "presentation" || role === "none" ? "" : role;
  }
  function nameOf(element, role = roleOf(element)) {
    const plain = NAMING.every((name2) => !attribute(element, name2));
    const inner = childCount(element);
    if (plain && NAMED_BY_CONTENT.has(role) && !(element instanceof HTMLInputElement)) {
      if (inner === 0) return line(textContent(element) ?? "", 200);
      if (element.getElementsByTagName("*").length > MOST_INNER) return textIn(element, 200);
      const words = wordsOf(element);
      if (words !== null) return line(words, 200);
    } else if (plain && isUnlabelled(element)) {
      return line(attribute(element, "placeholder"), 200);
    } else if (plain && inner > 0 && !(element instanceof HTMLFieldSetElement || element instanceof HTMLTableElement)) {
      if (!NAMED_BY_CONTENT.has(role) && !(element instanceof HTMLSelectElement)) return "";
    }
    try {
      return line(computeAccessibleName(element, { computedStyleSupportsPseudoElements: false }), 200);
    } catch {
      return "";
    }
  }
  var BLOCKS = new Set("td th tr tbody p div li ul ol h1 h2 h3 h4 h5 h6 section article header footer br".split(" "));
  var INLINE = new Set("span a b i u em strong small code kbd mark sub sup time abbr button".split(" "));
  var TYPED = /* @__PURE__ */ new Set(["text", "search", "email", "tel", "url"]);
  var NAMED = [...NAMING, "role", "aria-hidden", "aria-owns"];
  function wordsOf(element) {
    let words = "";
    for (const node of element.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) words += node.data;
      else if (node instanceof Element) {
        const name2 = localName(node);
        const block = BLOCKS.has(name2);
        const typed = node instanceof HTMLInputElement && TYPED.has(node.type) && !isMasked(node);
        if (!(block || typed || INLINE.has(name2)) || NAMED.some((name3) => node.hasAttribute(name3))) return null;
        if (!node.checkVisibility({ visibilityProperty: true })) continue;
        const inner = typed ? node.value : wordsOf(node);
        if (inner === null) return null;
        words += block ? ` ${inner} ` : inner;
      }
    }
    return words;
  }
  var labelled = null;
  function isUnlabelled(element) {
    if (!(element instanceof HTMLInputElement && TYPED.has(element.type)) && !(element instanceof HTMLTextAreaElement))
      return false;
    if (rootOf(element) !== document) return false;
    if (!labelled) {
      labelled = /* @__PURE__ */ new Set();
      for (const label of document.querySelectorAll("label")) if (label.control) labelled.add(label.control);
      queueMicrotask(() => {
        labelled = null;
      });
    }
    return !labelled.has(element);
  }
  var isNamedByContent = (role) => NAMED_BY_CONTENT.has(role);
  function labelOf(element) {
    const labels = element.labels;
    if (labels instanceof NodeList && labels.length > 0) {
      return line([...labels].map((label) => textIn(label, 120, (inner) => inner === element)).join(" "));
    }
    const around2 = parentNode(element);
    return around2 instanceof HTMLLabelElement ? textIn(around2) : "";
  }

  // src/capture/anchors.ts
  var CONTROL = /* @__PURE__ */ new Set(["button", "input", "select", "textarea", "option"]);
  var HEADING = "h1,h2,h3,h4,h5,h6,[role=heading]";
  var ITEM = "li,[role=listitem],[role=option],[role=treeitem],[role=menuitem],article,[role=article]";
  var MOST_ROWS = 200;
  function anchorsOf(element, control) {
    const found = [];
    const add = (kind, text) => {
      if (text) found.push([kind, text]);
    };
    const row = closest(element, "tr,[role=row]");
    if (row) {
      add("row", rowKey(row, element));
      add("column", columnOf(element, row));
    } else {
      const item = closest(element, ITEM) ?? repeated(control ? parentNode(control) : element, element);
      if (item) {
        const text = keyText(item, element);
        if (!counts(item, text, (other) => other, element)) add("item", text);
      }
    }
    const group = closest(element, "fieldset,[role=group],[role=radiogroup]");
    if (group && group !== element) add("group", nameOf(group));
    const dialog = closest(element, "dialog,[role=dialog],[role=alertdialog]");
    if (dialog && dialog !== element) add("dialog", nameOf(dialog) || headingIn(dialog));
    add("heading", headingAbove(element));
    return found;
  }
  function keyText(container, element) {
    return textIn(container, 80, (inner) => inner === element || isControl2(inner));
  }
  function isControl2(element) {
    return CONTROL.has(localName(element)) || attribute(element, "role") === "button";
  }
  function rowKey(row, element) {
    const own = cellsOf(row);
    const headed = own.findIndex((cell) => localName(cell) === "th" || attribute(cell, "role") === "rowheader");
    const order = own.map((_, n) => n);
    if (headed > 0) order.unshift(...order.splice(headed, 1));
    for (const n of order) {
      const cell = own[n];
      if (!cell || cell.contains(element)) continue;
      const text = keyText(cell, element);
      if (!text || counts(row, text, (other) => other.children[n], element)) continue;
      if (isAlone(row, n)) return text;
    }
    return own.map((cell, n) => {
      const text = keyText(cell, element);
      return counts(row, text, (other) => other.children[n], element) ? "" : text;
    }).filter(Boolean).join(" ").slice(0, 80);
  }
  function isAlone(row, n) {
    const words = textOfCell(row, n);
    const rows = row.parentElement && children(row.parentElement);
    for (let at = 0; rows && at < rows.length && at < MOST_ROWS; at++) {
      const other = rows[at];
      if (other && other !== row && textOfCell(other, n) === words) return false;
    }
    return true;
  }
  function textOfCell(row, n) {
    const cell = row.children[n];
    return cell ? textContent(cell) : null;
  }
  var WHOLE = /^\W*(\d{1,9})\W*$/;
  function counts(row, text, part, element) {
    const mine = WHOLE.exec(text)?.[1];
    if (mine === void 0) return false;
    const beside = [row.previousElementSibling, row.nextElementSibling].map((other) => {
      const there = other && part(other);
      const number = there && WHOLE.exec(keyText(there, element))?.[1];
      return number ? Number(number) - Number(mine) : void 0;
    });
    const [before, after] = beside;
    return (before ?? -1) === -1 && (after ?? 1) === 1 && (before !== void 0 || after !== void 0);
  }
  function cellsOf(row) {
    return [...children(row)];
  }
  function columnOf(element, row) {
    let cell = element;
    while (cell && parentNode(cell) !== row) {
      const parent = parentNode(cell);
      cell = parent instanceof Element ? parent : null;
    }
    if (!cell) return "";
    const table = closest(row, "table,[role=table],[role=grid],[role=treegrid]");
    const header = table && headOf(table);
    if (!header || header === row) return "";
    const index = [...children(row)].indexOf(cell);
    const head = header.children[index];
    return head && (localName(head) === "th" || attribute(head, "role") === "columnheader") ? textIn(head, 80) : "";
  }
  function headOf(table) {
    const first = table instanceof HTMLTableElement ? (table.tHead ?? table).querySelector("tr") : null;
    const row = first ?? table.querySelector("[role=row]");
    return row?.querySelector("th,[role=columnheader]") ? row : null;
  }
  function repeated(at, element) {
    for (let up = 0; at instanceof Element && up < 6; up++) {
      const parent = parentNode(at);
      if (!(parent instanceof Element)) return null;
      const made = attribute(at, "class");
      if (made && localName(at) !== "body") {
        let alike = 0;
        for (let n = 0; n < parent.children.length && n < MOST_ROWS; n++) {
          const other = parent.children[n];
          if (other && localName(other) === localName(at) && attribute(other, "class") === made) alike++;
        }
        if (alike > 1 && keyText(at, element)) return at;
      }
      at = parent;
    }
    return null;
  }
  function headingIn(container) {
    const heading = container.querySelector(HEADING);
    return heading ? textIn(heading, 80) : "";
  }
  function headingAbove(element) {
    let looked = 0;
    for (let at = closest(element, "tr,li,[role=row],[role=listitem]") ?? element; at; ) {
      const alike = matches(at, "tr,td,li,tbody,[role=row],[role=listitem]");
      for (let before = alike ? null : previousElement(at); before && looked < 60; before = previousElement(before), looked++) {
        if (matches(before, HEADING)) return textIn(before, 80);
        if (before.childElementCount === 0 || before.childElementCount > 12) continue;
        const inner = before.querySelectorAll(HEADING);
        const last2 = inner[inner.length - 1];
        if (last2) return textIn(last2, 80);
      }
      const parent = parentNode(at);
      at = parent instanceof ShadowRoot ? parent.host : parent instanceof Element ? parent : null;
    }
    return "";
  }

  // src/capture/counted.ts
  var COUNTED = /:r[0-9a-z]+:|«r[0-9a-z]+»|_r_[0-9a-z]+_/;
  var EVERY = new RegExp(COUNTED, "g");
  function isCounted(name2) {
    return COUNTED.test(name2);
  }
  function uncounted(names) {
    return names.replace(EVERY, ":r:");
  }

  // src/capture/paths.ts
  var TEST_IDS = ["data-testid", "data-test-id", "data-test", "data-cy", "data-qa"];
  function testId(element) {
    for (const name2 of TEST_IDS) {
      const value = attribute(element, name2);
      if (value) return [name2, value];
    }
    return null;
  }
  function idOf(element) {
    const id = attribute(element, "id");
    return isCounted(id) ? "" : id;
  }
  function pathsOf(element) {
    const root = rootOf(element);
    const css = [];
    const xpath = [];
    let named2 = false;
    let at = element;
    for (; at instanceof Element; at = parentNode(at)) {
      const name2 = localName(at);
      const [place2, alike] = placeOf(at, name2);
      const own = named2 || !root ? null : ownName(at, root);
      if (!named2) css.unshift(own ?? CSS.escape(name2) + (alike > 1 ? `:nth-of-type(${place2})` : ""));
      named2 ||= own !== null;
      const plain = PLAIN.test(name2) && at.namespaceURI === HTML;
      xpath.unshift(plain ? `${name2}[${place2}]` : `*[local-name()="${name2.replace(/"/g, "")}"][${place2}]`);
    }
    return {
      css: css.join(" > ").slice(0, 8192),
      xpath: at instanceof Document ? `/${xpath.join("/")}`.slice(0, 8192) : ""
    };
  }
  var PLAIN = /^[a-z][a-z0-9-]*$/;
  var HTML = "http://www.w3.org/1999/xhtml";
  var MANY = 30;
  var counting = /* @__PURE__ */ new Map();
  function placeOf(element, name2) {
    const parent = parentNode(element);
    if (!(parent instanceof Element || parent instanceof ShadowRoot)) return [1, 1];
    const siblings = children(parent);
    if (siblings.length === 1) return [1, 1];
    if (siblings.length > MANY && parent instanceof Element && PLAIN.test(name2)) {
      let made = counting.get(name2);
      if (!made) {
        const along = (axis) => document.createExpression(`count(${axis}-sibling::${name2})`);
        made = [along("preceding"), along("following")];
        if (counting.size < 200) counting.set(name2, made);
      }
      const [before, after] = made.map((one2) => one2.evaluate(element, XPathResult.NUMBER_TYPE).numberValue);
      return [(before ?? 0) + 1, (before ?? 0) + (after ?? 0) + 1];
    }
    let place2 = 0;
    let alike = 0;
    for (const sibling of siblings) {
      if (localName(sibling) !== name2) continue;
      alike++;
      if (sibling === element) place2 = alike;
    }
    return [place2, alike];
  }
  function ownName(element, root) {
    const id = idOf(element);
    if (id && id.length <= 128 && !/\d{3,}|:/.test(id)) {
      const selector = `#${CSS.escape(id)}`;
      if (root.querySelectorAll(selector).length === 1) return selector;
    }
    const test = testId(element);
    if (test && test[1].length <= 128) {
      const selector = `[${test[0]}="${CSS.escape(test[1])}"]`;
      if (root.querySelectorAll(selector).length === 1) return selector;
    }
    return null;
  }
  function shadowPath(element) {
    const shadow = [];
    let closed = false;
    for (let root = rootOf(element); root instanceof ShadowRoot; root = rootOf(root.host)) {
      shadow.unshift(pathsOf(root.host).css);
      closed ||= root.mode === "closed";
    }
    return { shadow, closed };
  }
  function byCss(shadow, css) {
    let roots = [document];
    for (const host of shadow) roots = roots.flatMap((root) => all(root, host).flatMap(rootIn));
    return roots.flatMap((root) => all(root, css));
  }
  function rootIn(element) {
    const root = shadowOf(element);
    return root ? [root] : [];
  }
  function all(root, css) {
    try {
      return [...root.querySelectorAll(css)];
    } catch {
      return [];
    }
  }
  function byXPath(xpath) {
    if (!xpath) return [];
    try {
      const found = document.evaluate(xpath, document, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null);
      return Array.from({ length: found.snapshotLength }, (_, n) => found.snapshotItem(n)).filter(
        (n) => n instanceof Element
      );
    } catch {
      return [];
    }
  }

  // src/capture/prints.ts
  var KEPT = "href name title alt for aria-label autocomplete inputmode draggable data-id data-key data-value data-row-key data-name data-action data-index".split(" ");
  var CHOICES = /* @__PURE__ */ new Set(["checkbox", "radio", "button", "submit", "reset"]);
  var CONTROLS = "a[href],button,input,select,textarea,summary,label,option,[contenteditable=''],[contenteditable=true],[role=button],[role=link],[role=checkbox],[role=radio],[role=switch],[role=tab],[role=option],[role=menuitem],[role=menuitemcheckbox],[role=menuitemradio],[role=treeitem],[role=combobox],[role=textbox],[role=slider]";
  var MOST_ALIKE = 2e3;
  var MOST_INNER2 = 20;
  function printOf(element) {
    const tag = localName(element);
    const masked2 = isMasked(element);
    const role = roleOf(element);
    const field = isField(element);
    const type = field || element instanceof HTMLButtonElement ? String(element.type) : "";
    const { shadow, closed } = shadowPath(element);
    const [ordinal, alike] = placeAmongAlike(element);
    return {
      ...told({
        type,
        role,
        name: nameOf(element, role),
        label: field ? labelOf(element) : "",
        placeholder: attribute(element, "placeholder").slice(0, 1024),
        text: field || masked2 ? "" : textIn(element),
        id: idOf(element).slice(0, 1024),
        test_id: testId(element)?.[1].slice(0, 1024) ?? "",
        ...pathsOf(element)
      }),
      tag: tag.slice(0, 1024),
      attributes: kept(element, tag, type, masked2),
      anchors: anchorsOf(element, closest(element, CONTROLS)),
      shadow,
      closed,
      rect: rectOf(element),
      ordinal,
      alike,
      editable: isEditable(element),
      masked: masked2
    };
  }
  function controlOf(element) {
    const control = closest(element, CONTROLS);
    return control === element ? null : control;
  }
  function told(fields) {
    return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ""));
  }
  function isField(element) {
    return element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement;
  }
  function isEditable(element) {
    if (element instanceof HTMLTextAreaElement) return !element.readOnly && !element.disabled;
    if (element instanceof HTMLInputElement) {
      return !element.readOnly && !element.disabled && element.selectionStart !== void 0 && !CHOICES.has(element.type);
    }
    return element instanceof HTMLElement && element.isContentEditable === true;
  }
  function kept(element, tag, type, masked2) {
    const found = {};
    const names = tag === "option" || CHOICES.has(type) ? [...KEPT, "value"] : tag === "img" ? [...KEPT, "src"] : KEPT;
    for (const name2 of masked2 ? ["name", "autocomplete"] : names) {
      const value = attribute(element, name2);
      if (!value || value.length > 1024 || value.startsWith("data:") || name2 === "for" && isCounted(value)) continue;
      found[name2] = value;
    }
    return found;
  }
  function placeAmongAlike(element) {
    const root = rootOf(element);
    if (!root || element.getElementsByTagName("*").item(MOST_INNER2)) return [0, 1];
    const words = textContent(element);
    const inner = element.childElementCount;
    const looks = look(element);
    let alike = 0;
    let mine = 0;
    const all2 = root.querySelectorAll(CSS.escape(localName(element)));
    for (let n = 0; n < all2.length && n < MOST_ALIKE; n++) {
      const other = all2[n];
      if (!other) break;
      if (other === element) mine = alike;
      else if (other.childElementCount !== inner || textContent(other) !== words || look(other) !== looks) continue;
      alike++;
    }
    return [mine, Math.max(alike, 1)];
  }
  function look(element) {
    const field = element instanceof HTMLInputElement ? `${element.type} ${element.placeholder}` : "";
    return `${attribute(element, "aria-label")}
${attribute(element, "title")}
${field}`;
  }

  // src/capture/targets.ts
  var Targets = class {
    constructor(epoch, state) {
      this.epoch = epoch;
      this.state = state;
    }
    epoch;
    state;
    #known = /* @__PURE__ */ new WeakMap();
    #controls = /* @__PURE__ */ new WeakMap();
    #last = 0;
    /** The element's fingerprint as of now. */
    print(element) {
      const epoch = this.epoch();
      const known = this.#known.get(element);
      if (known?.epoch === epoch) return known.print;
      const print = printed(element);
      const control = controlOf(element);
      if (control) this.#controls.set(print, { element: control, print: this.print(control) });
      this.#known.set(element, { print, epoch, numbers: known?.numbers ?? /* @__PURE__ */ new Map() });
      return print;
    }
    /** Its number, with the fingerprint that was made when it was acted on, or the last one, or one made now. */
    number(element, print = this.#known.get(element)?.print ?? this.print(element)) {
      const numbers = this.#known.get(element)?.numbers ?? /* @__PURE__ */ new Map();
      const looks = JSON.stringify({ ...print, rect: void 0 });
      let n = numbers.get(looks);
      if (n === void 0) {
        const around2 = this.#controls.get(print);
        const control = around2 && this.number(around2.element, around2.print);
        n = ++this.#last;
        numbers.set(looks, n);
        if (!this.#known.has(element)) this.#known.set(element, { print, epoch: -1, numbers });
        this.state(n, control ? { ...print, control } : print);
      }
      return n;
    }
    /** From here on nothing was stated. */
    restart() {
      this.#known = /* @__PURE__ */ new WeakMap();
      this.#last = 0;
    }
  };
  function printed(element) {
    try {
      return printOf(element);
    } catch {
      return {
        tag: String(localName(element)).slice(0, 1024),
        id: attribute(element, "id").slice(0, 1024),
        masked: true
      };
    }
  }
  function activeElement() {
    const element = focused();
    return element === document.body || element === document.documentElement ? null : element;
  }

  // src/capture/listeners.ts
  var TYPES = "pointerdown pointerup pointermove pointercancel mousedown mouseup click dblclick auxclick contextmenu wheel keydown keyup beforeinput input compositionstart compositionupdate compositionend copy cut paste dragstart dragover drop dragend selectionchange popstate hashchange fullscreenchange resize visibilitychange beforeunload".split(" ");
  var INNER = "change cancel select submit reset scroll focus blur dragenter dragleave".split(" ");
  var IDENTIFYING = new Set(
    "pointerdown pointerup mousedown mouseup click dblclick auxclick contextmenu keydown beforeinput input change dragstart drop copy cut paste".split(" ")
  );
  var SCRIPTABLE = new Set(
    "focus blur scroll selectionchange select input beforeinput change submit reset popstate hashchange resize".split(
      " "
    )
  );
  var POINTED = new Set("pointerdown pointerup contextmenu dragstart drop dragend".split(" "));
  var BURST = 2e3;
  var PER_SECOND = 200;
  var MOST_LIVE_VALUE = 1e4;
  var MOST_VALUE = 1 << 20;
  var Allowance = class {
    #left = BURST;
    #at = 0;
    take(at) {
      this.#left = Math.min(BURST, this.#left + (at - this.#at) / 1e3 * PER_SECOND);
      this.#at = at;
      if (this.#left < 1) return false;
      this.#left--;
      return true;
    }
    /** What a person does may lead to as many. */
    earn(more) {
      this.#left = Math.min(BURST, this.#left + more);
    }
  };
  var Listeners = class {
    constructor(log, states, targets, heard) {
      this.log = log;
      this.states = states;
      this.targets = targets;
      this.heard = heard;
    }
    log;
    states;
    targets;
    heard;
    #on = false;
    #synthetic = new Allowance();
    #scripted = new Allowance();
    #omitted = 0;
    #hovered = null;
    #identified = null;
    #last = null;
    #seen = null;
    #see = (event) => {
      if (!this.#on) return;
      if (event === this.#last) this.#within(event);
      else {
        this.#last = event;
        this.#seen = null;
        this.#take(event);
      }
    };
    start() {
      this.#on = true;
      this.arm();
    }
    stop() {
      this.#on = false;
    }
    /** Adds the listeners; those that are there stay as they are. `document.open()` takes them away. */
    arm() {
      for (const type of TYPES) addEventListener(type, this.#see, { capture: true, passive: true });
      for (const type of INNER) addEventListener(type, this.#see, { capture: true, passive: true });
    }
    /** Sees what does not leave this shadow root, and what in a closed one it is that an event is at. */
    armRoot(root) {
      for (const type of root.mode === "closed" ? [...TYPES, ...INNER] : INNER)
        root.addEventListener(type, this.#see, { capture: true, passive: true });
    }
    /** States how many events were left out, if any were. */
    flush() {
      if (this.#omitted === 0) return;
      const omitted = this.#omitted;
      this.#omitted = 0;
      this.log.push({
        fields: { k: "event", t: now(), type: "omitted", trusted: false, detail: omitted },
        element: null
      });
    }
    #take(event) {
      const t = now();
      const { type } = event;
      if (!event.isTrusted ? !this.#synthetic.take(t) : SCRIPTABLE.has(type) && !this.#scripted.take(t)) {
        this.#omitted++;
        if (type === "input" || type === "change") this.states.changed();
        return;
      }
      if (event.isTrusted && !SCRIPTABLE.has(type)) this.#scripted.earn(10);
      this.flush();
      if (type === "input" || type === "reset") this.states.changed();
      const element = event.target instanceof Node && !(event.target instanceof Document) ? targetOf(event) : null;
      const fields = { k: "event", t, type: type.slice(0, 64), trusted: event.isTrusted };
      const state = this.states.current();
      if (state !== void 0) fields.state = state;
      const seen = { fields, element };
      this.#seen = seen;
      this.log.push(seen);
      try {
        this.#tell(event, seen);
      } catch {
      }
    }
    #tell(event, seen) {
      const { fields, element } = seen;
      const { type } = event;
      if (event instanceof MouseEvent) this.#mouse(event, fields, seen);
      else if (event instanceof KeyboardEvent) this.#key(event, fields, seen);
      else if (event instanceof InputEvent) this.#input(event, fields, seen);
      else if (event instanceof CompositionEvent) this.#composition(event, fields, element);
      else if (event instanceof ClipboardEvent) this.#clipboard(event, seen);
      else this.#other(event, fields, seen);
      if (type === "input" || type === "change") this.#held(type, seen);
      if (element && IDENTIFYING.has(type)) this.#identify(element, seen);
      if (event.isTrusted && (type === "pointerdown" || type === "keydown")) this.heard.acted();
    }
    // An event that was seen at the window comes to the closed root that it is in, where its path does not end.
    #within(event) {
      const seen = this.#seen;
      const inner = event.composedPath()[0];
      if (!seen || !(inner instanceof Element) || inner === seen.element || shadowOf(inner)) return;
      seen.element = inner;
      delete seen.print;
      const { fields } = seen;
      if (IDENTIFYING.has(fields.type)) this.#identify(inner, seen);
      if (seen.corner) seen.corner = rectOf(inner);
    }
    // Who was acted on is told before the page reacts, once for the events of a gesture.
    #identify(element, seen) {
      if (element === this.#identified && seen.fields.type !== "pointerdown") return;
      this.#identified = element;
      const root = rootOf(element);
      if (root instanceof ShadowRoot) this.states.meet(root);
      seen.print = this.targets.print(element);
    }
    // What an event says stays with it; it is read when there is time. Not so where things are and what they hold.
    #mouse(event, fields, seen) {
      const { type } = event;
      if (type === "pointermove") {
        this.#hovered = seen.element;
        if (event.isTrusted) this.states.pointed(event);
      }
      if (event instanceof DragEvent) this.#drag(event, seen);
      seen.corner = seen.element && POINTED.has(type) ? rectOf(seen.element) : null;
      seen.late = () => {
        fields.x = cents(event.clientX);
        fields.y = cents(event.clientY);
        if (seen.corner) fields.offset = [cents(fields.x - seen.corner[0]), cents(fields.y - seen.corner[1])];
        fields.button = within(event.button, -1, 31);
        if (event.buttons) fields.buttons = event.buttons;
        if (event.detail) fields.detail = within(event.detail, 0, 1 << 20);
        modifiers(event, fields);
        if (event instanceof PointerEvent && event.pointerType) fields.pointer = event.pointerType.slice(0, 16);
        if (event instanceof WheelEvent) {
          const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? innerHeight : 1;
          fields.dx = cents(event.deltaX * unit);
          fields.dy = cents(event.deltaY * unit);
        }
      };
    }
    #drag(event, seen) {
      if (event.type === "drop") seen.content = contentOf(event.dataTransfer, false);
      else if (event.type === "dragstart") {
        last(event, () => {
          seen.content = contentOf(event.dataTransfer, false);
        });
      }
    }
    #key(event, fields, seen) {
      const masked2 = seen.element !== null && isMasked(seen.element) && [...event.key].length === 1;
      seen.late = () => {
        modifiers(event, fields);
        if (event.location) fields.location = within(event.location, 0, 3);
        if (event.repeat) fields.repeat = true;
        if (event.isComposing) fields.composing = true;
        if (masked2) {
          fields.key = "•";
          fields.masked = true;
          fields.modifiers = (fields.modifiers ?? 0) & ~8;
        } else {
          fields.key = event.key.slice(0, 1024);
          fields.code = event.code.slice(0, 1024);
        }
      };
    }
    #input(event, fields, seen) {
      fields.input_type = event.inputType.slice(0, 64);
      if (event.isComposing) fields.composing = true;
      const masked2 = seen.element !== null && isMasked(seen.element);
      if (masked2) fields.masked = true;
      if (event.data !== null) fields.text = masked2 ? dots(event.data) : event.data.slice(0, MOST_VALUE);
      if (event.dataTransfer && event.type === "beforeinput") seen.content = contentOf(event.dataTransfer, masked2);
    }
    #composition(event, fields, element) {
      const masked2 = element !== null && isMasked(element);
      if (masked2) fields.masked = true;
      fields.text = masked2 ? dots(event.data) : event.data.slice(0, MOST_VALUE);
    }
    #clipboard(event, seen) {
      const masked2 = seen.element !== null && isMasked(seen.element);
      if (masked2) seen.fields.masked = true;
      if (event.type === "paste") {
        seen.content = contentOf(event.clipboardData, masked2);
        return;
      }
      last(event, () => {
        seen.content = event.defaultPrevented ? contentOf(event.clipboardData, masked2) : textContentOf(selected(seen.element), masked2);
      });
    }
    #other(event, fields, seen) {
      switch (event.type) {
        case "scroll": {
          const { element } = seen;
          const [x, y] = element ? [element.scrollLeft, element.scrollTop] : [scrollX, scrollY];
          fields.scroll = [cents(x), cents(y)];
          break;
        }
        case "resize":
          fields.size = [innerWidth, innerHeight];
          break;
        case "visibilitychange":
          fields.value = document.visibilityState;
          break;
        case "fullscreenchange":
          fields.value = document.fullscreenElement ? "on" : "off";
          break;
        case "popstate":
        case "hashchange":
          fields.value = location.href.slice(0, MOST_VALUE);
          this.states.changed();
          break;
        case "selectionchange":
          this.#selection(fields, seen);
          break;
        case "beforeunload":
          this.heard.leaving(event);
      }
    }
    #selection(fields, seen) {
      const element = activeElement();
      seen.element = element;
      if (element && isField(element)) {
        if (!isMasked(element)) selection(element, fields);
        return;
      }
      const before = this.log.before(seen);
      if (before?.fields.type === "selectionchange") delete before.late;
      seen.late = () => {
        fields.text = String(getSelection() ?? "").slice(0, 1024);
      };
    }
    // What a field holds after it was changed.
    #held(type, seen) {
      const { element, fields } = seen;
      if (!element) return;
      const most = type === "change" ? MOST_VALUE : MOST_LIVE_VALUE;
      if (element instanceof HTMLSelectElement) {
        const chosen2 = [...element.selectedOptions].slice(0, 1e3);
        fields.value = element.value.slice(0, MOST_VALUE);
        fields.selected = chosen2.map((option) => option.value.slice(0, 1024));
        fields.text = chosen2.map((option) => option.label).join(", ").slice(0, 1024);
      } else if (element instanceof HTMLInputElement && element.type === "file") {
        if (type === "change") seen.content = filesOf(element.files ?? new DataTransfer().files);
      } else if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) {
        if (isMasked(element)) {
          fields.masked = true;
          fields.value = dots(element.value);
        } else if (element.value.length <= most) fields.value = element.value;
        if ("checked" in element && /^(checkbox|radio)$/.test(element.type)) fields.checked = element.checked;
        else if (!fields.masked) selection(element, fields);
      } else if (element instanceof HTMLElement && element.isContentEditable) {
        const host = closest(element, "[contenteditable]") ?? element;
        if (isMasked(host)) return;
        seen.late = () => {
          const text = host.innerText;
          if (text.length <= MOST_LIVE_VALUE) fields.value = text;
        };
      }
    }
    /** Identifies what the pointer is over and what has the focus ahead of the press, between events. */
    warm() {
      if (!this.#on) return;
      this.states.look();
      for (const one2 of [this.#hovered, focused()]) {
        if (one2?.isConnected) this.targets.print(one2);
      }
    }
  };
  function last(event, read) {
    addEventListener(event.type, (again) => again === event && read(), { once: true });
  }
  function selected(element) {
    if (element && (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement)) {
      const { selectionStart, selectionEnd } = element;
      return element.value.slice(selectionStart ?? 0, selectionEnd ?? 0);
    }
    return String(getSelection() ?? "").slice(0, 16 << 20);
  }
  function selection(element, fields) {
    const { selectionStart, selectionEnd } = element;
    if (typeof selectionStart === "number" && typeof selectionEnd === "number") {
      fields.selection = [selectionStart, selectionEnd];
    }
  }
  function modifiers(event, fields) {
    const held = +event.altKey | +event.ctrlKey << 1 | +event.metaKey << 2 | +event.shiftKey << 3;
    if (held) fields.modifiers = held;
  }
  function within(value, least, most) {
    return Number.isFinite(value) ? Math.min(most, Math.max(least, Math.trunc(value))) : 0;
  }

  // src/port.ts
  var PORT = "document:";

  // src/capture/outbox.ts
  var MOST_KEPT = 1e6;
  var MOST_KEPT_UNITS = 96 << 20;
  var MOST_BEFORE_ANSWER = 2e4;
  var MOST_SENT = 2e3;
  var MOST_SENT_UNITS = 4 << 20;
  var MOST_WAITING_UNITS = 16 << 20;
  var BATCH = 200;
  var BATCH_UNITS = 512 << 10;
  var Outbox = class {
    constructor(heard) {
      this.heard = heard;
    }
    heard;
    #word = crypto.getRandomValues(new Uint32Array(2)).join("-").slice(0, 16);
    #kept = [];
    #units = 0;
    #sent = 0;
    #sentUnits = 0;
    #last = 0;
    #session = null;
    #answered = false;
    // on the present port
    #port = null;
    #retry = 0;
    #roomy = [];
    #waiting = [];
    /** States this next. Returns its number. */
    add(statement) {
      const item = wellFormed({ ...statement, s: ++this.#last });
      const units = statement.k === "part" ? statement.data.length : unitsOf(item);
      const most = this.#session ? MOST_KEPT : MOST_BEFORE_ANSWER;
      if (this.#kept.length < most && this.#units + units <= MOST_KEPT_UNITS) {
        this.#kept.push({ item, units });
        this.#units += units;
      }
      return item.s;
    }
    /** Sends what may be sent; at the document's end without waiting to be asked for it on a new port. */
    flush(end = false) {
      if (this.#session === "" || this.#session === null && !end) return;
      this.wake();
      if (!this.#port || !(this.#answered || end)) return;
      while (this.#sent < this.#kept.length && this.#sent < MOST_SENT && this.#sentUnits < MOST_SENT_UNITS) {
        const items = [];
        let units = 0;
        while (items.length < BATCH && units < BATCH_UNITS) {
          const next = this.#kept[this.#sent + items.length];
          if (!next) break;
          items.push(next.item);
          units += next.units;
        }
        try {
          this.#port.postMessage({ session: this.#session ?? "", items });
        } catch {
          this.#lost();
          return;
        }
        this.#sent += items.length;
        this.#sentUnits += units;
      }
    }
    /** Says, after all that may be sent, whether the document is about to be left. */
    leaving(leaving) {
      this.flush();
      if (!this.#port || !this.#answered || this.#sent < this.#kept.length) return;
      try {
        this.#port.postMessage({ session: this.#session ?? "", items: [], leaving });
      } catch {
        this.#lost();
      }
    }
    /** Connects to the worker, unless there is a port. */
    wake() {
      if (this.#port) return;
      try {
        this.#port = chrome.runtime.connect({ name: PORT + this.#word });
      } catch {
        return;
      }
      this.#sent = 0;
      this.#sentUnits = 0;
      this.#answered = false;
      this.#port.onMessage.addListener((told2) => this.#told(told2));
      this.#port.onDisconnect.addListener(() => this.#lost());
    }
    /** The page was kept and is shown again: the browser closed its port meanwhile, and says nothing of it. */
    renew() {
      this.#port?.disconnect();
      this.#port = null;
      this.wake();
    }
    /** Resolves with the last number when all that was stated so far is written. */
    written() {
      const upTo = this.#last;
      this.flush();
      if (this.#kept.length === 0) return Promise.resolve(upTo);
      return new Promise((resolve) => this.#waiting.push({ upTo, done: () => resolve(upTo) }));
    }
    /** Resolves when not too much waits to be written: before more of a large content is stated. */
    async room() {
      while (this.#units > MOST_WAITING_UNITS) await new Promise((done) => this.#roomy.push(done));
    }
    #told(told2) {
      this.#retry = 0;
      if (told2.m === "ack") {
        let n = 0;
        for (let first = this.#kept[n]; first && first.item.s <= told2.s; first = this.#kept[n]) {
          this.#units -= first.units;
          if (n < this.#sent) this.#sentUnits -= first.units;
          n++;
        }
        this.#kept.splice(0, n);
        this.#sent = Math.max(0, this.#sent - n);
        if (this.#units <= MOST_WAITING_UNITS) for (const done2 of this.#roomy.splice(0)) done2();
        const done = this.#waiting.filter((waiter) => waiter.upTo <= told2.s);
        this.#waiting = this.#waiting.filter((waiter) => waiter.upTo > told2.s);
        for (const waiter of done) waiter.done();
      } else if (told2.m === "on") {
        const again = this.#session !== told2.session && (this.#session !== null || told2.paused);
        if (again) this.#forget();
        this.#session = told2.session;
        this.#answered = true;
        this.heard.on(told2, again);
      } else {
        this.#forget();
        this.#session = "";
        this.#answered = false;
        this.#port?.disconnect();
        this.#port = null;
        this.heard.off();
        return;
      }
      this.flush();
    }
    #forget() {
      this.#kept = [];
      this.#units = this.#sent = this.#sentUnits = this.#last = 0;
      for (const done of this.#roomy.splice(0)) done();
    }
    #lost() {
      this.#port = null;
      this.#answered = false;
      setTimeout(() => this.wake(), Math.min(5e3, 20 * 2 ** this.#retry++));
    }
  };
  function unitsOf(item) {
    let units = 200;
    for (const value of Object.values(item)) {
      if (typeof value === "string") units += value.length;
      else if (typeof value === "object" && value !== null) units += 400;
    }
    return units;
  }
  function wellFormed(value) {
    if (typeof value === "string") return value.toWellFormed();
    if (Array.isArray(value)) return value.map(wellFormed);
    if (typeof value !== "object" || value === null) return value;
    const made = {};
    for (const [key, inner] of Object.entries(value))
      if (inner !== void 0) made[key.toWellFormed()] = wellFormed(inner);
    return made;
  }

  // src/capture/aria.ts
  var MOST_LINES = 1e4;
  var UNSEEN = /* @__PURE__ */ new Set(["script", "style", "noscript", "template", "head"]);
  var FLAGS = ["checked", "disabled", "expanded", "pressed", "selected"];
  var PLAIN2 = new Set(
    "article banner cell columnheader complementary contentinfo definition document figure heading img iframe list listitem main navigation paragraph region rowgroup rowheader separator table term".split(" ")
  );
  function ariaOf() {
    if (!document.body) return "";
    const budget = { left: MOST_LINES };
    const lines = [];
    try {
      for (const piece of joined(piecesIn(document.body, budget))) write(piece, "", lines);
    } catch {
      lines.push("- text: … (nested too deep)");
    }
    if (budget.left <= 0) lines.push("- text: … (cut)");
    return lines.join("\n");
  }
  function piecesIn(parent, budget) {
    const pieces = [];
    const shadow = parent instanceof Element ? shadowOf(parent) : null;
    const slot = parent instanceof HTMLSlotElement ? parent.assignedNodes() : [];
    const nodes = shadow ? shadow.childNodes : slot.length > 0 ? slot : parent.childNodes;
    for (const node of nodes) {
      if (budget.left <= 0) break;
      if (node.nodeType === Node.TEXT_NODE) pieces.push(node.data);
      else if (node.nodeType === Node.ELEMENT_NODE) pieces.push(...ofElement(node, budget));
    }
    return pieces;
  }
  function ofElement(element, budget) {
    const tag = localName(element);
    if (UNSEEN.has(tag) || attribute(element, "aria-hidden") === "true") return [];
    if (!element.checkVisibility({ visibilityProperty: true })) {
      if (getComputedStyle(element).display !== "contents") return [];
    }
    if (tag === "br") return [" "];
    const role = tag === "iframe" ? "iframe" : roleOf(element);
    if (!role || role === "generic") {
      const block = tag === "div" || tag === "p";
      const inner = piecesIn(element, budget);
      return block ? [" ", ...inner, " "] : inner;
    }
    budget.left--;
    const name2 = nameOf(element, role);
    const value = valueIn(element);
    const pieces = value !== null ? [value] : tag === "svg" ? [] : piecesIn(element, budget);
    return [{ head: role + flags(element, role), name: isNamedByContent(role) || name2 ? name2 : "", pieces }];
  }
  function valueIn(element) {
    if (element instanceof HTMLInputElement) {
      if (["checkbox", "radio", "button", "submit", "reset", "image", "file"].includes(element.type)) return "";
      return isMasked(element) ? dots(element.value) : line(element.value, 1e3);
    }
    if (element instanceof HTMLTextAreaElement)
      return isMasked(element) ? dots(element.value) : line(element.value, 1e3);
    return null;
  }
  function flags(element, role) {
    let said = "";
    for (const flag of PLAIN2.has(role) ? [] : FLAGS) {
      let value = attribute(element, `aria-${flag}`);
      const field = element;
      if (flag === "checked" && element instanceof HTMLInputElement && /checkbox|radio/.test(element.type)) {
        value = field.indeterminate ? "mixed" : String(field.checked);
      } else if (flag === "disabled" && !value && element.matches(":disabled")) value = "true";
      else if (flag === "selected" && element instanceof HTMLOptionElement) value = String(element.selected);
      else if (flag === "expanded" && element instanceof HTMLDetailsElement) value = String(element.open);
      if (value === "true") said += ` [${flag}]`;
      else if (value === "mixed") said += ` [${flag}=mixed]`;
    }
    const level = role === "heading" ? attribute(element, "aria-level") || localName(element).slice(1) : "";
    return /^[1-9]$/.test(level) ? `${said} [level=${level}]` : said;
  }
  function joined(pieces) {
    const made = [];
    let text = "";
    const end = () => {
      const words = line(text, 1e3);
      if (words) made.push(words);
      text = "";
    };
    for (const piece of pieces) {
      if (typeof piece === "string") text += piece;
      else {
        end();
        made.push(piece);
      }
    }
    end();
    return made;
  }
  function write(piece, indent, lines) {
    if (typeof piece === "string") {
      lines.push(`${indent}- text: ${scalar(piece)}`);
      return;
    }
    const [role, ...rest] = piece.head.split(" ");
    const name2 = piece.name ? ` ${JSON.stringify(piece.name)}` : "";
    const head = `${indent}- ${role}${name2}${rest.length ? ` ${rest.join(" ")}` : ""}`;
    const inner = joined(piece.pieces);
    const only = inner.length === 1 && typeof inner[0] === "string" ? inner[0] : null;
    if (inner.length === 0 || only === piece.name) lines.push(head);
    else if (only !== null) lines.push(`${head}: ${scalar(only)}`);
    else {
      lines.push(`${head}:`);
      for (const next of inner) write(next, `${indent}  `, lines);
    }
  }
  function scalar(text) {
    return /^[\p{L}\p{N}(][^:#"'\\]*$/u.test(text) && !/^(true|false|null|yes|no|on|off|[\d.,+-]+)$/i.test(text) ? text : JSON.stringify(text);
  }

  // src/capture/hash.ts
  var UNSEEN2 = /* @__PURE__ */ new Set(["script", "style", "noscript", "template", "link", "meta", "head"]);
  var VOLATILE = /* @__PURE__ */ new Set(["nonce"]);
  var a = 0;
  var b = 0;
  function mix(text) {
    for (let n = 0; n < text.length; n++) {
      const code = text.charCodeAt(n);
      a = Math.imul(a ^ code, 2654435761);
      b = Math.imul(b ^ code, 1597334677);
    }
    a = Math.imul(a ^ 65534, 2654435761);
    b = Math.imul(b ^ 65534, 1597334677);
  }
  function hashOf() {
    a = 3735928559;
    b = 1103547991;
    const roots = [];
    mix(title());
    const nodes = document.documentElement ? tree(document.documentElement, roots) : 0;
    a = Math.imul(a ^ a >>> 16, 2246822507) ^ Math.imul(b ^ b >>> 13, 3266489909);
    b = Math.imul(b ^ b >>> 16, 2246822507) ^ Math.imul(a ^ a >>> 13, 3266489909);
    return { dom: hex(a) + hex(b), nodes, roots };
  }
  var hex = (value) => (value >>> 0).toString(16).padStart(8, "0");
  function tree(top, roots) {
    let nodes = 0;
    let text = "";
    for (let node = top; ; ) {
      let down = null;
      if (node.nodeType === Node.TEXT_NODE) text += node.data;
      else if (node.nodeType !== Node.COMMENT_NODE) {
        if (text) mix(text);
        text = "";
        if (!(node instanceof Element)) down = node.firstChild;
        else if (!UNSEEN2.has(localName(node))) {
          nodes += 1 + one(node, roots);
          down = node instanceof HTMLFormElement ? firstChild(node) : node.firstChild;
        }
      }
      if (down) {
        node = down;
        continue;
      }
      for (; ; ) {
        if (node === top) {
          if (text) mix(text);
          mix("");
          return nodes;
        }
        const next = node instanceof HTMLFormElement ? nextSibling(node) : node.nextSibling;
        if (next) {
          node = next;
          break;
        }
        if (text) mix(text);
        text = "";
        mix("");
        node = parentNode(node) ?? top;
      }
    }
  }
  function one(element, roots) {
    mix(localName(element));
    const all2 = attributes(element);
    let first = 0;
    let second = 0;
    const outerA = a;
    const outerB = b;
    for (let n = 0; n < all2.length; n++) {
      const attribute2 = all2[n];
      if (!attribute2 || VOLATILE.has(attribute2.name)) continue;
      if (attribute2.name === "value" && (isMasked(element) || isHidden2(element))) continue;
      a = 1;
      b = 2;
      mix(attribute2.name);
      mix(lasting(attribute2));
      first = first + a | 0;
      second = second + b | 0;
    }
    a = Math.imul(outerA ^ first, 2654435761);
    b = Math.imul(outerB ^ second, 1597334677);
    const held = heldBy(element);
    if (held !== null) mix(held);
    const root = shadowOf(element);
    if (!root) return 0;
    roots.push(root);
    mix("#shadow");
    return tree(root, roots);
  }
  function lasting({ name: name2, value }) {
    if (value.startsWith("blob:")) return "blob:";
    return name2 === "id" || name2 === "for" || name2.startsWith("aria-") ? uncounted(value) : value;
  }
  function isHidden2(element) {
    return element instanceof HTMLInputElement && element.type === "hidden";
  }
  function heldBy(element) {
    if (element instanceof HTMLInputElement) {
      if (element.type === "checkbox" || element.type === "radio") return `${element.checked} ${element.indeterminate}`;
      if (isHidden2(element)) return null;
      if (element.type === "file") return [...element.files ?? []].map((file) => file.name).join("\n");
      return isMasked(element) ? dots(element.value) : element.value;
    }
    if (element instanceof HTMLTextAreaElement) return isMasked(element) ? dots(element.value) : element.value;
    if (element instanceof HTMLSelectElement)
      return [...element.selectedOptions].map((option) => option.value).join("\n");
    return null;
  }

  // src/capture/states.ts
  var REST = 100;
  var LONGEST = 1e3;
  var IDLE = { timeout: 200 };
  var FIELDS = "input,textarea,select";
  var MOST_FIELDS = 500;
  var MOST_FRAMES = 3;
  function stateOf() {
    const { dom, nodes, roots } = hashOf();
    return {
      url: location.href.slice(0, 1 << 20),
      title: title(),
      dom,
      aria: "",
      settled: document.readyState === "complete",
      scroll: [cents(scrollX), cents(scrollY)],
      nodes,
      roots
    };
  }
  async function drawn(pointer) {
    const most = window.parent === window ? LONGEST / REST : 2;
    for (let n = 0, frames = 0; n < most && frames < MOST_FRAMES && !document.hidden; n++) {
      void document.documentElement?.offsetHeight;
      const came = await new Promise((done) => {
        requestAnimationFrame(() => done(true));
        setTimeout(() => done(false), REST);
      });
      if (came && (!pointer || isHovered(pointer.clientX, pointer.clientY))) return;
      frames += Number(came);
    }
  }
  function isHovered(x, y) {
    const under = document.elementFromPoint(x, y);
    if (!under || !document.querySelector(":hover")) return true;
    return matches(under, ":hover") && !under.querySelector(":hover");
  }
  var States = class {
    constructor(stated) {
      this.stated = stated;
    }
    stated;
    #observer = new MutationObserver(() => this.changed());
    #roots = /* @__PURE__ */ new Set();
    #known = /* @__PURE__ */ new WeakSet();
    #epoch = 0;
    #n = 0;
    #dirty = false;
    #since = 0;
    #latest = 0;
    #timer = 0;
    #cost = 0;
    #looks = 0;
    #last = { key: "", aria: "", held: "" };
    #on = false;
    #loading = false;
    #pointer = null;
    /** Nothing was stated so far. */
    restart() {
      this.#n = 0;
      this.#last = { key: "", aria: "", held: "" };
    }
    /** The document is shown again after it had ended: what it is now is stated even where it is as before. */
    again() {
      this.#last.key = "";
      this.changed();
    }
    start() {
      this.#on = true;
      if (document.readyState === "loading") {
        this.#loading = true;
        const parsed = () => this.#loading && this.#on && this.#watch();
        document.addEventListener("DOMContentLoaded", parsed, { once: true });
        setTimeout(parsed, LONGEST);
        this.changed();
      } else this.#watch();
    }
    #watch() {
      this.#loading = false;
      this.#observe(document);
      for (const held of this.#roots) {
        const root = held.deref();
        if (root) this.#observe(root);
      }
      this.changed();
    }
    stop() {
      this.#on = this.#loading = false;
      this.#observer.disconnect();
      clearTimeout(this.#timer);
      this.#dirty = false;
    }
    /** Counts the document's changes. */
    epoch() {
      if (this.#loading || this.#observer.takeRecords().length > 0) this.changed();
      return this.#epoch;
    }
    /** The number of the last state, if nothing changed since it was computed. */
    current() {
      this.epoch();
      return this.#dirty || this.#n === 0 ? void 0 : this.#n;
    }
    /** Something changed, in the document or in what its fields hold. */
    changed() {
      this.#epoch++;
      if (!this.#on) return;
      this.#latest = performance.now();
      if (this.#dirty) return;
      this.#dirty = true;
      this.#since = this.#latest;
      this.#arm(REST);
    }
    /** A script may set what a field holds without a trace in the document: looked at now and then. */
    look() {
      const began = performance.now();
      if (this.#dirty || began < this.#looks) return;
      if (this.#held() !== this.#last.held) this.changed();
      const now2 = performance.now();
      this.#looks = now2 + 50 * (now2 - began);
    }
    /** Resolves when the page shows what it is now. */
    drawn() {
      return drawn(this.#pointer);
    }
    /** Where the pointer was seen last. */
    pointed(event) {
      this.#pointer = event;
    }
    /** States what the document is now, unless that was stated already; `whole`: what it says and offers may have changed
     * by styles alone. */
    emit(whole = false) {
      this.#observer.takeRecords();
      const began = performance.now();
      const { roots, ...state } = stateOf();
      for (const root of roots) this.#meet(root);
      this.#dirty = false;
      clearTimeout(this.#timer);
      this.#last.held = this.#held();
      const key = `${state.dom} ${state.settled} ${state.url}
${state.title}`;
      state.aria = this.#last.aria;
      const same = key === this.#last.key;
      if (this.#on && (whole || !same)) {
        const aria = ariaOf();
        if (!same || aria !== this.#last.aria) {
          const { aria: _, ...rest } = state;
          this.stated.state(++this.#n, aria === this.#last.aria ? rest : { ...rest, aria }, activeElement());
        }
        this.#last.key = key;
        this.#last.aria = state.aria = aria;
      }
      this.#cost = performance.now() - began;
      return state;
    }
    /** States what the document is now, if it was said to hold something else. */
    renew() {
      if (!this.#last.key.startsWith(`${stateOf().dom} `)) this.emit();
    }
    /** A shadow root, which is watched from now on. */
    meet(root) {
      if (!this.#known.has(root)) this.changed();
      this.#meet(root);
    }
    #meet(root) {
      if (this.#known.has(root)) return;
      this.#known.add(root);
      this.#roots.add(new WeakRef(root));
      if (this.#on && !this.#loading) this.#observe(root);
      this.stated.root(root);
    }
    #observe(root) {
      this.#observer.observe(root, { subtree: true, childList: true, characterData: true, attributes: true });
    }
    #held() {
      const fields = document.querySelectorAll(FIELDS);
      const held = [];
      for (let n = 0; n < fields.length && n < MOST_FIELDS; n++) held.push(heldBy(fields[n]) ?? "");
      return held.join("\0");
    }
    // A costly page is looked at less often: at most a fifth of its time goes into this.
    #arm(wait) {
      this.#timer = setTimeout(() => {
        const now2 = performance.now();
        const whole = document.readyState === "complete";
        const rest = whole ? Math.max(REST, 2 * this.#cost) - (now2 - this.#latest) : LONGEST;
        const left = Math.min(rest, Math.max(LONGEST, 4 * this.#cost) - (now2 - this.#since));
        if (left > 1) this.#arm(left);
        else void this.drawn().then(() => requestIdleCallback(() => this.#dirty && this.#on && this.emit(), IDLE));
      }, wait);
    }
  };

  // src/capture/probe.ts
  var MOST2 = 2e3;
  function probeOf(states, written, end) {
    const pair = (element) => [rectOf(element), printed(element)];
    return {
      probe(x, y) {
        const element = elementAt(x, y);
        return element && printed(element);
      },
      active() {
        const element = focused();
        return element && printed(element);
      },
      drawn() {
        return states.drawn();
      },
      dom() {
        return stateOf().dom;
      },
      state() {
        const { roots: _, ...state } = stateOf();
        return { ...state, aria: ariaOf() };
      },
      emit() {
        return states.emit(true);
      },
      renew() {
        states.renew();
      },
      written,
      end,
      find(target) {
        const found = new Set(target.css ? byCss(target.shadow ?? [], target.css) : []);
        if (found.size === 0 && !target.shadow?.length)
          for (const element of byXPath(target.xpath ?? "")) found.add(element);
        return [...found].slice(0, MOST2).map(pair);
      },
      candidates(target) {
        const { roots } = stateOf();
        const found = [];
        for (const root of [document, ...roots]) {
          for (const element of root.querySelectorAll("*")) {
            if (target.role ? roleOf(element) !== target.role : element.localName !== target.tag) continue;
            if (found.push(element) >= MOST2) break;
          }
        }
        return found.map(pair);
      }
    };
  }

  // src/capture/main.ts
  var Capture = class {
    #seeing = false;
    #recorded = true;
    // until the worker has said that it is not, all is kept
    #outbox = new Outbox({ on: (told2, again) => this.#on(told2, again), off: () => this.#off() });
    #states = new States({
      state: (n, state, focus) => {
        const t = now();
        this.#log.push(() => {
          const number = focus ? { focus: this.#targets.number(focus) } : {};
          this.#outbox.add({ k: "state", t, n, ...state, ...number });
        });
      },
      root: (root) => this.#listeners.armRoot(root)
    });
    #targets = new Targets(
      () => this.#states.epoch(),
      (n, print) => this.#outbox.add({ k: "target", t: now(), n, ...print })
    );
    #page = handOver();
    #log = new Log(
      this.#outbox,
      this.#targets,
      () => this.#listeners.warm(),
      () => this.#page.dispatchEvent(new Event(PULL))
    );
    #dialogs = new Dialogs(this.#log, this.#outbox, () => this.#seeing, this.#page);
    #listeners = new Listeners(this.#log, this.#states, this.#targets, {
      acted: () => this.#dialogs.stayed(),
      leaving: (event) => this.#dialogs.leaving(event)
    });
    start() {
      this.#begin();
      this.#see();
      this.#outbox.wake();
      new MutationObserver(() => this.#arm()).observe(document, { childList: true });
      this.#arm();
      chrome.runtime.onMessage.addListener((message) => {
        if (message.m === "wake") this.#outbox.wake();
      });
      this.#page.addEventListener(ATTACHED, () => {
        forgetRoots();
        this.#states.changed();
      });
      this.#page.addEventListener(CLOSING, () => this.#end());
      this.#page.addEventListener(READ, (event) => {
        if (!this.#recorded) return;
        const portion = JSON.parse(
          event.detail
        );
        const t = now();
        this.#log.push(() => this.#outbox.add({ k: "clock", t, base: performance.timeOrigin, ...portion }));
      });
      const written = async () => {
        this.#listeners.flush();
        await this.#log.idle();
        return this.#outbox.written();
      };
      const end = () => this.#end();
      Object.assign(globalThis, { __reenact: probeOf(this.#states, written, end) });
    }
    #hide = () => this.#end();
    #show = (event) => {
      if (!event.persisted) return;
      this.#outbox.renew();
      if (!this.#recorded) return;
      this.#outbox.add({ k: "shown", t: now() });
      this.#states.again();
    };
    #load = () => {
      forgetRoots();
      this.#states.changed();
    };
    #arm() {
      if (this.#seeing) this.#listeners.arm();
      addEventListener("load", this.#load);
      addEventListener("pagehide", this.#hide, { capture: true });
      addEventListener("pageshow", this.#show, { capture: true });
    }
    #begin() {
      this.#outbox.add({
        k: "start",
        t: now(),
        since: performance.timeOrigin,
        url: location.href.slice(0, 1 << 20),
        opaque: self.origin === "null",
        name: window.name.slice(0, 1024),
        ...place(),
        ...window.parent === window && { about: about() }
      });
    }
    #see() {
      this.#seeing = true;
      this.#listeners.start();
      this.#states.start();
    }
    #unsee() {
      this.#seeing = false;
      this.#listeners.stop();
      this.#states.stop();
    }
    #on(told2, again) {
      setMasks(told2.mask);
      this.#recorded = true;
      if (again) {
        this.#unsee();
        this.#log.clear();
        this.#targets.restart();
        this.#states.restart();
        this.#begin();
      }
      if (told2.paused && this.#seeing) {
        this.#listeners.flush();
        this.#log.finish();
        this.#unsee();
      } else if (!told2.paused && !this.#seeing) this.#see();
    }
    #off() {
      this.#recorded = false;
      this.#page.dispatchEvent(new Event(UNWANTED));
      this.#unsee();
      this.#log.clear();
    }
    // A page that the browser may show again is told to have ended, too: nobody says so when it drops it.
    #end() {
      if (!this.#recorded) return;
      for (let n = 0; n < window.length; n++) endWithin(window[n]);
      this.#dialogs.gone();
      this.#listeners.flush();
      this.#log.finish();
      this.#outbox.add({ k: "end", t: now() });
      this.#outbox.flush(true);
    }
  };
  function about() {
    const set = (query) => matchMedia(query).matches;
    return {
      width: innerWidth,
      height: innerHeight,
      scale: devicePixelRatio,
      locale: navigator.language,
      languages: [...navigator.languages],
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      dark: set("(prefers-color-scheme: dark)"),
      reduced_motion: set("(prefers-reduced-motion: reduce)")
    };
  }
  function place() {
    for (let n = 0; window.parent !== window && n < window.parent.length; n++) {
      if (window.parent[n] === window) return { index: n };
    }
    return {};
  }
  function endWithin(frame) {
    try {
      frame?.__reenact?.end();
    } catch {
    }
  }
  var capture = new Capture();
  if (document.prerendering) {
    document.addEventListener("prerenderingchange", () => capture.start(), { once: true });
  } else capture.start();
})();
