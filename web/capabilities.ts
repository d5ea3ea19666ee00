/**
 * What this browser gives: each is said, so that nobody has to guess why a run is slow.
 *
 * @module
 */
import { hasSimd } from "../src/engine/wasm/core.ts";
import { element } from "./dom.ts";

/** The largest number of threads that pays: a batch of training has no more slices. */
const MOST_THREADS = 8;

/** Cores of the machine, as far as the browser tells. */
export function coresHere(): number {
  return Math.min(64, navigator.hardwareConcurrency || 1);
}

/** Threads that a run can have here, 1 where the page is not isolated and memory cannot be shared. */
export function threadsHere(): number {
  return crossOriginIsolated ? Math.min(MOST_THREADS, coresHere()) : 1;
}

/** The part of WebGPU that is looked at. */
interface Gpu {
  requestAdapter(): Promise<{ info?: { vendor?: string; isFallbackAdapter?: boolean } } | null>;
}

/** What WebGPU is here, in a few words. */
async function gpuHere(): Promise<{ text: string; isThere: boolean }> {
  const { gpu } = navigator as { gpu?: Gpu };
  if (gpu === undefined) return { text: "no WebGPU in this browser", isThere: false };
  const adapter = await gpu.requestAdapter().catch(() => null);
  if (adapter === null) return { text: "WebGPU without a graphics adapter", isThere: false };
  const kind = adapter.info?.isFallbackAdapter ? "in software" : adapter.info?.vendor ?? "";
  return { text: `WebGPU ${kind}`.trim(), isThere: true };
}

/** Fills the list. */
export async function showCapabilities(list: HTMLElement): Promise<void> {
  const line = (text: string, isThere: boolean) => {
    const item = element("li", {}, text);
    item.dataset.there = String(isThere);
    list.append(item);
    return item;
  };
  line(hasSimd() ? "WebAssembly SIMD" : "no WebAssembly SIMD: reference only", hasSimd());
  const threads = threadsHere();
  if (crossOriginIsolated) line(`isolated: ${threads} ${threads === 1 ? "thread" : "threads"}`, true);
  else line("not isolated: 1 thread", false);
  const offline = line("not yet offline", false);
  const gpu = await gpuHere();
  line(gpu.text, gpu.isThere);
  if (navigator.serviceWorker === undefined) return void (offline.textContent = "no offline use: needs https");
  const registration = await navigator.serviceWorker.ready;
  offline.dataset.there = "true";
  const tell = () => {
    if (registration.waiting) {
      offline.textContent = "works offline; a new version waits until all tabs of the lab are closed";
    } else offline.textContent = crossOriginIsolated ? "works offline" : "works offline; reload for threads";
  };
  tell();
  registration.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", tell));
}
