// Asks for all that a page may ask for; what came is listed in an order of its own, not that of its coming.
const query = new URLSearchParams(location.search);
const json = async (url, options) => (await fetch(url, options)).json();

const parts = {
  online: () => navigator.onLine,
  count: async () => [await json("api/count"), await json("api/count"), await json("api/count")].map((x) => x.count),
  nonce: async () => {
    const nonce = crypto.randomUUID();
    const { asked } = await json(`api/echo?_=${Date.now()}&nonce=${nonce}`);
    return asked.endsWith(nonce);
  },
  sent: async () => (await json("api/echo", { method: "POST", body: "posted" })).sent,
  redirected: async () => (await (await fetch("old")).text()).includes("Plain"),
  missing: async () => (await fetch("nowhere")).status,
  cors: async () => (await json(`${query.get("other")}/cors`)).method,
  preflight: async () =>
    (await json(`${query.get("other")}/cors`, { method: "PUT", headers: { "x-asked": "1" } })).method,
  refused: async () => fetch(`${query.get("other")}/plain.html`).then(() => "let in", (error) => error.name),
  worker: () =>
    new Promise((done) => {
      const worker = new Worker("worker.js");
      worker.onmessage = (message) => done(message.data);
      worker.postMessage("go");
    }),
  events: () =>
    new Promise((done) => {
      const heard = [];
      const source = new EventSource(`${query.get("events")}/events`);
      source.addEventListener("tick", (event) => {
        heard.push(event.data);
        if (heard.length === 3) done(heard), source.close();
      });
      source.onerror = () => done("none");
    }),
  socket: () =>
    new Promise((done) => {
      const heard = [];
      const socket = new WebSocket(`${query.get("events").replace("http", "ws")}/ws`);
      socket.onmessage = (message) => {
        heard.push(message.data);
        if (heard.length === 1) socket.send("hello there");
        if (heard.length === 2) done(heard), socket.close();
      };
      socket.onerror = () => done("none");
    }),
  service: async () => {
    const registered = await navigator.serviceWorker.register("service.js");
    await navigator.serviceWorker.ready;
    const worker = registered.active;
    if (worker.state !== "activated")
      await new Promise((done) => worker.addEventListener("statechange", () => worker.state === "activated" && done()));
    return (await caches.keys()).join() + " " + (await (await caches.match("frame.html")).text()).includes("framed");
  },
  font: async () => {
    await document.fonts.load("16px Page");
    return document.fonts.check("16px Page");
  },
};

const found = await Promise.all(
  Object.entries(parts).map(async ([name, part]) => {
    try {
      return `${name}: ${JSON.stringify(await part())}`;
    } catch (error) {
      return `${name}: failed: ${error}`;
    }
  }),
);
document.getElementById("said").append(
  ...found.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
);
document.title = "done";
