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

/** A new run would replace one that is in its folder. */
export class KeptRunError extends TrainingError {
  /** Whether the run there can be resumed. */
  readonly unfinished: boolean;

  constructor(message: string, { unfinished }: { unfinished: boolean }) {
    super(message);
    this.unfinished = unfinished;
  }
}
