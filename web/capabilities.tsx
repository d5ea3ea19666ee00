import { useEffect, useState } from "preact/hooks";
import { hasSimd } from "../src/engine/wasm/core.ts";

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

type Capability = readonly [text: string, isThere: boolean];

interface Gpu {
  requestAdapter(): Promise<{ info?: { vendor?: string; isFallbackAdapter?: boolean } } | null>;
}

async function gpuHere(): Promise<Capability> {
  const { gpu } = navigator as { gpu?: Gpu };
  const adapter = await gpu?.requestAdapter().catch(() => null);
  if (!adapter) return [gpu ? "WebGPU, but no graphics adapter" : "no WebGPU in this browser", false];
  return [`WebGPU ${adapter.info?.isFallbackAdapter ? "in software" : adapter.info?.vendor ?? ""}`.trim(), true];
}

/** Reports now and later whether the page works offline. */
async function watchOffline(report: (capability: Capability) => void): Promise<void> {
  if (navigator.serviceWorker === undefined) return report(["not available offline: needs https", false]);
  const registration = await navigator.serviceWorker.ready;
  const tell = () => {
    const isolation = crossOriginIsolated ? "" : "; reload to use more threads";
    const update = "; close all tabs of this page to get the new version";
    report([`works offline${registration.waiting ? update : isolation}`, true]);
  };
  tell();
  registration.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", tell));
}

/** What this browser supports, so that you need not guess why a run is slow. */
export function Capabilities() {
  const [offline, setOffline] = useState<Capability>(["not available offline yet", false]);
  const [gpu, setGpu] = useState<Capability>();
  useEffect(() => {
    watchOffline(setOffline);
    gpuHere().then(setGpu);
  }, []);
  const threads = threadsHere();
  const all: (Capability | undefined)[] = [
    [hasSimd() ? "WebAssembly SIMD" : "no WebAssembly SIMD: only the reference runs", hasSimd()],
    crossOriginIsolated ? [threadsText(threads), true] : ["1 thread: this page cannot share memory", false],
    offline,
    gpu,
  ];
  return (
    <>
      {all.filter((each) => each !== undefined).map(([text, isThere]) => <li key={text} data-there={isThere}>{text}
      </li>)}
    </>
  );
}

export function threadsText(threads: number): string {
  return `${threads} ${threads === 1 ? "thread" : "threads"}`;
}
