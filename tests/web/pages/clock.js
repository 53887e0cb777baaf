// Tells every second that has passed, and laps as they are asked for.
import { named } from "/names.js";

let began;
onmessage = ({ data }) => {
  if (data === "start") {
    began = Date.now();
    let seconds = 0;
    setInterval(() => postMessage({ seconds: ++seconds }), 1000);
  } else postMessage({ lap: named(Math.floor((Date.now() - began) / 1000)) });
};
