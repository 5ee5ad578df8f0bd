// The service worker: after the first visit the page needs no network, and gets the two headers that threads need.

const NAME = `freeze-explorer-${VERSION}`;

addEventListener("install", (event) => event.waitUntil(
  caches.open(NAME).then((cache) => cache.addAll(FIRST)).then(() => skipWaiting())));

addEventListener("activate", (event) => event.waitUntil(
  caches.keys()
    .then((names) => Promise.all(names.filter((name) => name.startsWith("freeze-explorer-") && name !== NAME).map((name) => caches.delete(name))))
    .then(() => clients.claim())));

addEventListener("message", ({ data, ports }) => {
  if (data === "all") keepAll().then((all) => ports[0]?.postMessage(all));
});

// Fetch what is needed later as well, quietly; whether all of it is there.
async function keepAll() {
  const cache = await caches.open(NAME);
  for (const name of LATER) {
    if (!(await cache.match(name))) await cache.add(name).catch(() => {});
  }
  return (await Promise.all(LATER.map((name) => cache.match(name)))).every(Boolean);
}

addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== location.origin) return;
  event.respondWith(answer(request, address));
});

async function answer(request, address) {
  const cache = await caches.open(NAME);
  const page = /\/(learn|class)(\.html)?$/.exec(address.pathname)?.[1] ?? "index"; // a host may leave `.html` out
  const asked = request.mode === "navigate" ? new URL(`${page}.html`, registration.scope).href : address.origin + address.pathname;
  const kept = await cache.match(asked);
  if (kept) return isolated(kept);
  const found = await fetch(request);
  if (found.ok && found.type === "basic") await cache.put(asked, found.clone()).catch(() => {});
  return isolated(found);
}

function isolated(response) {
  if (!response.ok) return response;
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
