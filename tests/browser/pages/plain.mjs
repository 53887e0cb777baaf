import { name } from "./name.mjs";
document.getElementById("said").textContent = `${name} said so, online: ${navigator.onLine}`;
