import { EngineError } from "../interface/error.ts";
import type { AdapterDescription } from "../interface/types.ts";

/** Names that software adapters have, for runtimes that do not mark them. */
const SOFTWARE = /llvmpipe|lavapipe|swiftshader|software|basic render/i;
const LAST_WORDS = 100; // milliseconds in which a device that was lost says so

/** A device that works, or says why it no longer does. */
export class Gpu {
  /** Command buffers submitted, dispatches in them, and bytes copied back, since it was opened. */
  readonly counts = { submissions: 0, dispatches: 0, bytesRead: 0 };
  /** Why it no longer works. */
  failure: string | undefined;

  constructor(readonly device: GPUDevice, readonly adapter: AdapterDescription) {
    const { name } = adapter;
    device.lost.then(({ message, reason }) => {
      const lost = `${name} was lost (${message || reason}). Create another engine, or use the backend wasm`;
      this.failure = `the GPU must stay there: ${lost}`;
    });
    device.addEventListener("uncapturederror", (event) => {
      const words = firstLine((event as GPUUncapturedErrorEvent).error);
      this.failure ??= `the GPU must accept the request: ${name} says ${words}`;
    });
  }

  /** @throws {EngineError} If the device was lost or refused something */
  #check(): void {
    if (this.failure !== undefined) throw new EngineError(`Cannot go on as ${this.failure}`);
  }

  /** Does something that the GPU may refuse. @throws {EngineError} With the GPU's own words */
  async try<T>(asked: string, action: () => T | Promise<T>): Promise<T> {
    this.#check();
    const { device } = this;
    device.pushErrorScope("out-of-memory");
    device.pushErrorScope("validation");
    // the scopes end before anything is awaited: others may open theirs meanwhile
    const pending = (async () => await action())();
    const [result, ...scopes] = await Promise.allSettled([pending, device.popErrorScope(), device.popErrorScope()]);
    const [refusal] = scopes.flatMap((scope) => scope.status === "fulfilled" ? scope.value ?? [] : []);
    if (result.status === "fulfilled" && refusal === undefined) {
      this.#check();
      return result.value;
    }
    // a lost device refuses everything, and may say only afterwards that it is lost
    await Promise.race([device.lost, new Promise((resolve) => setTimeout(resolve, LAST_WORDS))]);
    this.#check();
    const cause = refusal ?? (result as PromiseRejectedResult).reason;
    const message = `Cannot ${asked} as the GPU must accept it: ${this.adapter.name} says ${firstLine(cause)}`;
    throw new EngineError(message, { cause });
  }
}

/** The first line of an error's message that says anything. */
function firstLine(error: { message?: string }): string {
  return /\S.*/.exec(error.message ?? String(error))?.[0].trim() ?? "nothing";
}

const MISSING = "Cannot create an engine on webgpu as";
/** What to do, in terms of the runtime: a page can neither install a driver nor set variables. */
const REMEDY = "Deno" in globalThis
  ? "install your GPU's Vulkan driver, or Debian's mesa-vulkan-drivers for a software one (with XDG_RUNTIME_DIR set to " +
    "an existing folder and DENO_WEBGPU_BACKEND=vulkan), or use the backend wasm"
  : "turn on hardware acceleration in the browser's settings, or use the backend wasm";

function describe(adapter: GPUAdapter): AdapterDescription {
  const { description, device, vendor, architecture } = adapter.info;
  const { isFallbackAdapter } = adapter.info as { isFallbackAdapter?: boolean };
  // Deno gives numbers as vendor and device
  const name = description || [vendor, architecture, device].filter((part) => part && !/^\d+$/.test(part)).join(" ");
  return { name: name || "an unnamed GPU", software: isFallbackAdapter === true || SOFTWARE.test(name) };
}

/**
 * Opens a device on the runtime's preferred adapter, with its largest buffers and no other wish: the shaders keep within what WebGPU guarantees.
 *
 * @throws {EngineError} If there is no WebGPU, no adapter or no device; the message says what to install
 */
export async function openGpu(source?: Pick<GPU, "requestAdapter">): Promise<Gpu> {
  // Node has a navigator without it
  const from = source ?? (globalThis.navigator as Navigator | undefined)?.gpu;
  const otherwise = "Use Deno 2 or a browser with WebGPU, or the backend wasm";
  if (from === undefined) throw new EngineError(`${MISSING} the runtime must have WebGPU: it has none. ${otherwise}`);
  const adapter = await from.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) {
    throw new EngineError(`${MISSING} there must be a GPU adapter: there is none. To get one, ${REMEDY}`);
  }
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  const description = describe(adapter);
  const requiredLimits = { maxStorageBufferBindingSize, maxBufferSize };
  const device = await adapter.requestDevice({ requiredLimits }).catch((cause) => {
    const asked = `${MISSING} the adapter ${description.name} must give a device`;
    throw new EngineError(`${asked}: it says ${firstLine(cause)}`, { cause });
  });
  return new Gpu(device, description);
}

let shared: Promise<Gpu> | undefined;

/** The device of this process: opened once, and anew after it was lost. */
export async function sharedGpu(): Promise<Gpu> {
  const known = shared && await shared.catch(() => undefined);
  return known !== undefined && known.failure === undefined ? known : await (shared = openGpu());
}
