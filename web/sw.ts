/**
 * The service worker: keeps the whole page for use offline, and isolates it where the host sends no headers for that.
 *
 * The build puts the list of files and their version in front of this module's code.
 *
 * @module
 */
import { ISOLATION_HEADERS } from "../src/lab/headers.ts";

/** The files of the page, relative to its folder. */
declare const FILES: readonly string[];
/** Changes with any of them. */
declare const VERSION: string;

/** The scope of a service worker, whose types exclude those of a page. */
interface ServiceScope {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  addEventListener(
    type: "install" | "activate",
    listener: (event: { waitUntil(done: Promise<unknown>): void }) => void,
  ): void;
  addEventListener(
    type: "fetch",
    listener: (event: { readonly request: Request; respondWith(response: Promise<Response>): void }) => void,
  ): void;
}

const scope = globalThis as unknown as ServiceScope;
/** Caches of other pages of this host are not ours to remove. */
const PREFIX = `tiny-adder-lab ${scope.registration.scope} `;
const NAME = PREFIX + VERSION;

/** Loads all files; what the page has just loaded comes from the browser's cache, if the host says that it is still right. */
async function install(): Promise<void> {
  const cache = await caches.open(NAME);
  await cache.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" })));
}

/** Begins once no tab has the version before: a page never gets the parts of another version. */
async function activate(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith(PREFIX) && name !== NAME).map((name) => caches.delete(name)),
  );
  await scope.clients.claim();
}

/** A file of the page, from the cache; anything else from the network. */
async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(NAME);
  const kept = await cache.match(request.url.replace(/index\.html$/, ""), { ignoreSearch: true });
  return kept === undefined ? await fetch(request) : isolated(kept);
}

/** The same response with the headers that isolate a page. */
function isolated(response: Response): Response {
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATION_HEADERS)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

scope.addEventListener("install", (event) => event.waitUntil(install()));
scope.addEventListener("activate", (event) => event.waitUntil(activate()));
scope.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && request.url.startsWith(scope.registration.scope)) event.respondWith(answer(request));
});
