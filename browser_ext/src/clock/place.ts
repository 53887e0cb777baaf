/** Where a frame is in its tab: which of its parent's frames each is, from the outermost; empty for the tab's own. */
export function placeInTab(): string {
  const places: number[] = [];
  for (let at: Window = window; at !== at.parent; at = at.parent) {
    let n = 0;
    while (n < at.parent.length && at.parent[n] !== at) n++;
    places.unshift(n);
  }
  return places.join(".");
}
