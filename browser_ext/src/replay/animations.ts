// Animations stand where the replay's clock says: by themselves they would end whenever the machine gets to it.

const { apply } = Reflect;

/** Takes over the animations of the document and of its shadow roots. What it gives puts all where they are `now`; those
 * that are over by then end. */
export function fakeAnimations(now: () => number): () => void {
  if (typeof document === "undefined") return () => {};
  const begun = new WeakMap<Animation, number>(); // the time of our clock at which it would have begun
  const roots = new Set<WeakRef<ShadowRoot>>();

  const place = (animation: Animation) => {
    if (animation.timeline !== document.timeline) return;
    const rate = animation.playbackRate || 1;
    const at = begun.get(animation);
    const end = () => Number(animation.effect?.getComputedTiming().endTime ?? 0);
    if (at === undefined) {
      if (animation.playState !== "running") return;
      begun.set(animation, now());
      animation.currentTime = rate > 0 ? 0 : end();
      animation.pause();
      return;
    }
    if (animation.playState !== "paused") return;
    const time = (now() - at) * rate + (rate > 0 ? 0 : end());
    if (rate > 0 ? time >= end() : time <= 0) animation.finish();
    else animation.currentTime = time;
  };
  const placeAll = () => {
    for (const animation of document.getAnimations()) place(animation);
    for (const held of roots) {
      const root = held.deref();
      if (!root) roots.delete(held);
      else for (const animation of root.getAnimations()) place(animation);
    }
  };
  const watch = (root: EventTarget) => {
    for (const name of ["transitionrun", "animationstart"]) {
      root.addEventListener(name, placeAll, { capture: true, passive: true });
    }
  };

  watch(globalThis);
  // A document knows nothing of what moves in its shadow roots.
  Element.prototype.attachShadow = new Proxy(Element.prototype.attachShadow, {
    apply(attach, self, given: [ShadowRootInit]) {
      const root = apply(attach as (init: ShadowRootInit) => ShadowRoot, self, given);
      roots.add(new WeakRef(root));
      watch(root);
      return root;
    },
  });
  Element.prototype.animate = new Proxy(Element.prototype.animate, {
    apply(animate, self, given: Parameters<Element["animate"]>) {
      const animation = apply(animate as (...given: Parameters<Element["animate"]>) => Animation, self, given);
      place(animation);
      return animation;
    },
  });
  return placeAll;
}
