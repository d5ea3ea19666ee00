import { hasSimd } from "../src/engine/wasm/core.ts";
import { element } from "./dom.ts";

/** More threads do not help: a training batch is cut into at most this many slices. */
const MOST_THREADS = 8;

/** The number of cores that the browser reports, at most 64. */
export function coresHere(): number {
  return Math.min(64, navigator.hardwareConcurrency || 1);
}

/** The most threads a run can use here: 1 unless the page is isolated, because only then can threads share memory. */
export function threadsHere(): number {
  return crossOriginIsolated ? Math.min(MOST_THREADS, coresHere()) : 1;
}

interface Gpu {
  requestAdapter(): Promise<{ info?: { vendor?: string; isFallbackAdapter?: boolean } } | null>;
}

async function gpuHere(): Promise<{ text: string; isThere: boolean }> {
  const { gpu } = navigator as { gpu?: Gpu };
  if (gpu === undefined) return { text: "no WebGPU in this browser", isThere: false };
  const adapter = await gpu.requestAdapter().catch(() => null);
  if (adapter === null) return { text: "WebGPU, but no graphics adapter", isThere: false };
  const kind = adapter.info?.isFallbackAdapter ? "in software" : adapter.info?.vendor ?? "";
  return { text: `WebGPU ${kind}`.trim(), isThere: true };
}

/** Lists what this browser supports, so that you need not guess why a run is slow. */
export async function showCapabilities(list: HTMLElement): Promise<void> {
  const line = (text: string, isThere: boolean) => {
    const item = element("li", {}, text);
    item.dataset.there = String(isThere);
    list.append(item);
    return item;
  };
  line(hasSimd() ? "WebAssembly SIMD" : "no WebAssembly SIMD: only the reference runs", hasSimd());
  const threads = threadsHere();
  if (crossOriginIsolated) line(`${threads} ${threads === 1 ? "thread" : "threads"}`, true);
  else line("1 thread: this page cannot share memory", false);
  const offline = line("not available offline yet", false);
  const gpu = await gpuHere();
  line(gpu.text, gpu.isThere);
  if (navigator.serviceWorker === undefined) return void (offline.textContent = "not available offline: needs https");
  const registration = await navigator.serviceWorker.ready;
  offline.dataset.there = "true";
  const tell = () => {
    if (registration.waiting) {
      offline.textContent = "works offline; close all tabs of this page to get the new version";
    } else offline.textContent = crossOriginIsolated ? "works offline" : "works offline; reload to use more threads";
  };
  tell();
  registration.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", tell));
}
