// What a lap is called: each has a number of its own.
let last = 0;
const chance = Math.floor(Math.random() * 1e6);
export const named = (seconds) => `lap ${++last} of race ${chance} after ${seconds} s`;
