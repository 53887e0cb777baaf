addEventListener("install", (event) =>
  event.waitUntil(caches.open("pages").then((cache) => cache.addAll(["frame.html", "data.json"]))),
);
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
