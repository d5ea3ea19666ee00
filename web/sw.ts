// The service worker: keeps the whole page for offline use, and adds the headers that isolate it if the host does not send them.
import { isolationHeaders } from "../src/lab/headers.ts";

// The build defines these two: all files, relative to the page, and a hash of them.
declare const FILES: readonly string[];
declare const VERSION: string;

// Globals of a service worker, whose own types cannot be loaded together with those of a page.
declare const registration: { readonly scope: string };
declare const clients: { claim(): Promise<void> };
declare function skipWaiting(): Promise<void>;
declare function addEventListener(type: string, listener: (event: ServiceEvent) => void): void;

interface ServiceEvent {
  readonly data: unknown;
  readonly request: Request;
  waitUntil(done: Promise<unknown>): void;
  respondWith(response: Promise<Response>): void;
}

/** Tells our caches from those of other pages on this host, which we must not remove. */
const PREFIX = `tiny-adder-lab ${registration.scope} `;
const NAME = PREFIX + VERSION;

/** Loads all files. Those that the page has just loaded come from the browser's cache, if the host confirms them. */
async function install(): Promise<void> {
  const cache = await caches.open(NAME);
  await cache.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" })));
}

/** Runs once no tab uses the previous version, or a person has asked for this one: then all tabs reload. So a page never mixes two versions. */
async function activate(): Promise<void> {
  const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== NAME);
  await Promise.all(old.map((name) => caches.delete(name)));
  await clients.claim();
}

/** A file of the page, from the cache; anything else from the network. */
async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(NAME);
  const kept = await cache.match(request.url.replace(/index\.html$/, ""), { ignoreSearch: true });
  if (kept === undefined) return await fetch(request);
  const headers = { ...Object.fromEntries(kept.headers), ...isolationHeaders(new URL(request.url).pathname) };
  return new Response(kept.body, { status: kept.status, statusText: kept.statusText, headers });
}

addEventListener("install", (event) => event.waitUntil(install()));
addEventListener("activate", (event) => event.waitUntil(activate()));
addEventListener("message", ({ data }) => data === "activate" && skipWaiting());
addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && request.url.startsWith(registration.scope)) event.respondWith(answer(request));
});
