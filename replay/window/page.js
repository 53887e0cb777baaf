// The window's side. Put in over the debugging pipe; the page itself may run nothing. All text is set as text.
globalThis.reenact = (() => {
  const MOST_KEPT = 300;
  const at = (id) => document.getElementById(id);
  let steps = [], texts = new Map(), ticks = new Map(), kept = new Map();
  let live = null, back = null, told = {}, before = 0, seen = 0;

  function status(text, kind) {
    at("status").textContent = text;
    at("status").className = kind;
  }
  function put(it, point) {
    const picture = at("picture");
    it.hidden = !point || !picture.naturalWidth;
    if (it.hidden) return;
    it.style.left = `${picture.offsetLeft + (point[0] / picture.naturalWidth) * picture.clientWidth}px`;
    it.style.top = `${picture.offsetTop + (point[1] / picture.naturalHeight) * picture.clientHeight}px`;
  }
  function place(view) {
    put(at("pointer"), view?.pointer);
    put(at("press"), view?.fresh && view.pressed);
  }
  async function draw(view) {
    at("number").textContent = `${steps.indexOf(view.n) + 1} of ${steps.length}`;
    at("sentence").textContent = at("sentence").title = texts.get(view.n) ?? "";
    at("address").textContent = at("address").title = told[view.n] || view.url || "\u00a0";
    for (const [n, tick] of ticks) tick.classList.toggle("shown", n === view.n);
    if (view.picture) {
      const next = new Image();
      next.src = view.picture;
      await next.decode().catch(() => {});
      at("picture").src = view.picture;
      await at("picture").decode().catch(() => {});
    }
    place(view);
    if (view.presses > seen) {
      const wave = { boxShadow: ["0 0 0 0 #ff3b30", "0 0 0 22px #ff3b3000"] };
      at("press").animate(wave, { duration: 600, easing: "ease-out" });
      seen = view.presses;
    }
  }
  function look(n) {
    back = n === live?.n ? null : n;
    at("hint").textContent = steps.length > 1 ? (back === null ? "← → look back" : "looking back; Esc returns") : "";
    return draw((back === null ? live : kept.get(back)) ?? live);
  }
  function turn(by) {
    const those = steps.filter((n) => kept.has(n));
    const next = those[those.indexOf(back ?? live?.n) + by];
    if (next !== undefined) look(next);
  }
  addEventListener("resize", () => place(back === null ? live : kept.get(back)));
  addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") turn(-1);
    else if (event.key === "ArrowRight") turn(1);
    else if (event.key === "Escape" && live) look(live.n);
  });

  return {
    begin({ title, run, all }) {
      document.title = title;
      steps = all.map(([n]) => n);
      texts = new Map(all);
      kept = new Map();
      live = back = null;
      told = {};
      before = seen = 0;
      ticks = new Map(steps.map((n) => [n, document.createElement("i")]));
      for (const [n, tick] of ticks) {
        tick.title = texts.get(n);
        tick.onclick = () => kept.has(n) && look(n);
      }
      at("bar").replaceChildren(...ticks.values());
      at("bar").style.gap = steps.length > 150 ? "0" : "";
      status(`replaying${run}`, "");
    },
    async show(view) {
      view.picture ??= live?.picture; // its tab is closed: what it was last
      view.url ||= live?.url;
      if (view.n !== live?.n) before = live?.presses ?? 0;
      view.fresh = view.presses > before; // it was pressed in this step
      live = view;
      kept.set(view.n, view);
      if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
      if (view.done) ticks.get(view.n)?.classList.add("done");
      if (view.missed) status(`${view.missed} not as recorded so far`, "missed");
      if (back === null) await look(view.n);
    },
    end({ verdict, line, of, why }) {
      const verdicts = new Map(of);
      told = Object.fromEntries(why);
      for (const [n, tick] of ticks) tick.className = (verdicts.get(n) ?? "").replace(" ", "-");
      status(line, verdict);
      const parted = steps.find((n) => verdicts.get(n) === "diverged" && kept.has(n));
      if (live) return look(parted ?? back ?? live.n);
      at("waiting").textContent = "Nothing was shown.";
    },
  };
})();
