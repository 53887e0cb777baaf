// A WebSocket by Node itself: text, bytes, a close.
const socket = new WebSocket(`${process.argv[2].replace("http", "ws")}/socket`);
socket.binaryType = "arraybuffer";
const say = ["one", "two", new Uint8Array([0, 255, 49])];
const next = () => (say.length ? socket.send(say.shift()) : socket.close(1000, "done"));
socket.onopen = next;
socket.onmessage = ({ data }) => {
  console.log(typeof data === "string" ? data : new Uint8Array(data).join(" "));
  next();
};
socket.onclose = ({ code, reason }) => console.log("closed", code, reason);
socket.onerror = (event) => console.log("error", event.error?.message ?? event.message);
