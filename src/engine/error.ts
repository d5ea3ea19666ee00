/**
 * An engine cannot be made or go on, for a reason that lies in the machine: a thread died, memory was refused. The weights that
 * were last read from it are good; it must be disposed of, and another one can be made.
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
  /** The name of the class. */
  override readonly name = "EngineError";
}
