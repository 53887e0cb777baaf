// Randomness that a replay has again. Math.random is seeded by the browser's own switch (--js-flags=--random-seed), in
// every frame and worker and onwards from page to page; what crypto gives is drawn from it.

/** From here on crypto.getRandomValues and crypto.randomUUID give what follows from the `salt`, which tells this scope
 * from others. */
export function seeded(salt: string): void {
  let state = 0;
  for (let n = 0; n < salt.length; n++) state = Math.imul(state ^ salt.charCodeAt(n), 16777619);
  const next = () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  const { apply } = Reflect;
  const Bytes = Uint8Array;
  const fill = Crypto.prototype.getRandomValues;
  const hex = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, "0"));
  const draw = (bytes: Uint8Array) => {
    for (let n = 0; n < bytes.length; n++) bytes[n] = next() >>> 24;
  };
  Crypto.prototype.getRandomValues = new Proxy(fill, {
    apply(native, self, given: [ArrayBufferView]) {
      const filled = apply(native, self, given) as ArrayBufferView; // it says what it takes
      draw(new Bytes(filled.buffer, filled.byteOffset, filled.byteLength));
      return filled;
    },
  });
  const uuid = () => {
    const bytes = new Bytes(16);
    draw(bytes);
    bytes[6] = ((bytes[6] as number) & 15) | 64;
    bytes[8] = ((bytes[8] as number) & 63) | 128;
    let text = "";
    for (let n = 0; n < 16; n++) text += ([4, 6, 8, 10].includes(n) ? "-" : "") + hex[bytes[n] as number];
    return text as ReturnType<Crypto["randomUUID"]>;
  };
  if (Crypto.prototype.randomUUID) {
    Crypto.prototype.randomUUID = new Proxy(Crypto.prototype.randomUUID, {
      apply(native, self, given: []) {
        apply(native, self, given);
        return uuid();
      },
    });
  } else if (isSecureContext) {
    crypto.randomUUID = uuid; // a worker that has not begun: the prototype's comes later
  }
}
