// The service worker: keeps the whole page for offline use, and adds the headers that isolate it if the host does not send them.
import { isolationHeaders } from "../src/lab/headers.ts";

// The build defines these two: all files, relative to the page, and a hash of them.
declare const FILES: readonly string[];
declare const VERSION: string;

/** The global scope of a service worker; its own types cannot be loaded together with those of a page. */
interface ServiceScope {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate" | "message" | "fetch", listener: (event: ServiceEvent) => void): void;
}

/** Of any of these types. */
interface ServiceEvent {
  readonly data: unknown;
  readonly request: Request;
  waitUntil(done: Promise<unknown>): void;
  respondWith(response: Promise<Response>): void;
}

const scope = globalThis as unknown as ServiceScope;
/** Tells our caches from those of other pages on this host, which we must not remove. */
const PREFIX = `tiny-adder-lab ${scope.registration.scope} `;
const NAME = PREFIX + VERSION;

/** Loads all files. Those that the page has just loaded come from the browser's cache, if the host confirms them. */
async function install(): Promise<void> {
  const cache = await caches.open(NAME);
  await cache.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" })));
}

/** Runs once no tab uses the previous version, or a person has asked for this one: then all tabs reload. So a page never mixes two versions. */
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
  return kept === undefined ? await fetch(request) : isolated(kept, new URL(request.url).pathname);
}

function isolated(response: Response, path: string): Response {
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(isolationHeaders(path))) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

scope.addEventListener("install", (event) => event.waitUntil(install()));
scope.addEventListener("activate", (event) => event.waitUntil(activate()));
scope.addEventListener("message", ({ data }) => data === "activate" && scope.skipWaiting());
scope.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && request.url.startsWith(scope.registration.scope)) event.respondWith(answer(request));
});
