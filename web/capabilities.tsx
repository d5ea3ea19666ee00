import { useEffect, useState } from "preact/hooks";
import { plural } from "../src/cli/format.ts";
import { hasSimd } from "../src/engine/wasm/core.ts";

/** The number of cores that the browser reports, at most 64. */
export function coresHere(): number {
  return Math.min(64, navigator.hardwareConcurrency || 1);
}

/** The most threads a run can use here: 1 unless the page is isolated, because only then can threads share memory. */
export function threadsHere(): number {
  return crossOriginIsolated ? Math.min(8, coresHere()) : 1; // a training batch is cut into at most 8 slices
}

/** What is missing for WebGPU here; empty if nothing is. */
export async function missingForGpu(): Promise<string> {
  const { gpu } = navigator as Partial<Navigator>;
  if (gpu === undefined) return "this browser has none";
  return await gpu.requestAdapter().catch(() => null) ? "" : "no graphics adapter";
}

type Offline = Pick<ServiceWorkerRegistration, "active" | "waiting">;

const container = navigator.serviceWorker as ServiceWorkerContainer | undefined;

/** Registers the service worker, and reports now and later which of its versions is active and which waits. */
async function watchOffline(report: (state: Offline) => void): Promise<void> {
  if (container === undefined) return;
  // a page that a worker already serves loads again with the worker that replaces it, so that it never mixes two versions
  if (container.controller) container.addEventListener("controllerchange", () => location.reload());
  const registration = await container.register(new URL("./sw.js", import.meta.url));
  const tell = () => report({ active: registration.active, waiting: registration.waiting });
  const watch = () => registration.installing?.addEventListener("statechange", tell);
  tell();
  watch();
  registration.addEventListener("updatefound", watch);
}

/** What this browser lacks, so that you need not guess why a run is slow. */
export function Capabilities() {
  const [{ active, waiting }, setOffline] = useState<Offline>({ active: null, waiting: null });
  useEffect(() => void watchOffline(setOffline).catch(() => {}), []); // a frame may not keep anything
  const all: [text: string, isMissing: boolean][] = [
    [hasSimd() ? "WebAssembly SIMD" : "no WebAssembly SIMD: only the reference runs", !hasSimd()],
    crossOriginIsolated ? [plural(threadsHere(), "thread"), false] : ["1 thread: this page cannot share memory", true],
    container === undefined
      ? ["not available offline: needs https", true]
      : active === null
      ? ["not available offline yet", false]
      : [`works offline${crossOriginIsolated ? "" : "; reload to use more threads"}`, !crossOriginIsolated],
  ];
  return (
    <>
      {all.map(([text, isMissing]) => <li key={text} hidden={!isMissing}>{text}</li>)}
      {waiting && (
        <li>
          A new version is there.{" "}
          <button id="reload" type="button" onClick={() => waiting.postMessage("activate")}>Reload</button>
        </li>
      )}
    </>
  );
}
