/**
 * A run cannot start or continue, because of its options, the state of its folder, or a loss that is not finite.
 *
 * @example Usage
 * ```ts
 * import { train, TrainingError } from "@x/tiny-adder";
 *
 * try {
 *   await train({ resume: true }); // `out` is missing
 * } catch (error) {
 *   if (!(error instanceof TrainingError)) throw error;
 *   console.log(error.message);
 * }
 * ```
 */
export class TrainingError extends Error {
  /** For callers who cannot compare classes. */
  override readonly name = "TrainingError";
}

/** A new run would replace one that is in its folder, which can be resumed if it is `unfinished`. */
export class KeptRunError extends TrainingError {
  constructor(message: string, readonly unfinished: boolean) {
    super(message);
  }
}
