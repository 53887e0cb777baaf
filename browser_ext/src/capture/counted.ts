// React's names for elements count how often something was rendered, which hangs on how busy the machine is: nothing is
// known by them.

const COUNTED = /:r[0-9a-z]+:|«r[0-9a-z]+»|_r_[0-9a-z]+_/;
const EVERY = new RegExp(COUNTED, "g");

export function isCounted(name: string): boolean {
  return COUNTED.test(name);
}

/** Without the counts. */
export function uncounted(names: string): string {
  return names.replace(EVERY, ":r:");
}
