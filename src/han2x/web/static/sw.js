// The service worker keeps the shell (page, style, scripts, texts), so that the installed app opens at once and
// can say that the gateway is away. The network goes first, so a new version is there at the next load; nothing
// of v1/ is ever kept.

const CACHE = "han2x-shell";
const SHELL = /(^|\/)(app\.css|manifest\.webmanifest|(js|locales|icons|vendor)\/[\w./-]+)?$/;
const PATIENCE_MS = 4000;

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  if (event.request.method === "GET" && isShell(event.request.url))
    event.respondWith(networkFirst(event.request));
});

function isShell(url) {
  const scope = self.registration.scope;
  return url.startsWith(scope) && SHELL.test(url.slice(scope.length).split(/[?#]/)[0]);
}

async function networkFirst(request) {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}
