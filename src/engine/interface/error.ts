/**
 * An engine cannot start or continue: the runtime lacks or forbids WebAssembly, workers or WebGPU, memory was refused, a thread died, or the GPU refused
 * something or was lost. The message says which, and what helps. Weights that you read from the engine before are good. Dispose of it and create another one.
 *
 * @example Usage
 * ```ts
 * import { createEngine, EngineError } from "@x/tiny-adder/engine";
 *
 * try {
 *   const engine = await createEngine({ threads: 4 });
 *   await engine.dispose();
 * } catch (error) {
 *   if (!(error instanceof EngineError)) throw error;
 *   console.log(error.message); // Cannot create an engine as the system must grant it 16 MiB of memory: …
 * }
 * ```
 */
export class EngineError extends Error {
  /** For callers who cannot compare classes. */
  override readonly name = "EngineError";
}
