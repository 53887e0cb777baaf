// Answers for the server: what was asked once comes from its store.
onactivate = (event) => event.waitUntil(clients.claim());
onfetch = (event) => {
  if (!event.request.url.endsWith("/almanac.txt")) return;
  event.respondWith((async () => {
    const kept = await caches.open("almanac");
    const found = await kept.match("/almanac.txt");
    if (found) return new Response(`kept: ${await found.text()}`);
    await kept.add("/almanac.txt");
    return new Response(`fresh: ${await (await kept.match("/almanac.txt")).text()}`);
  })());
};
