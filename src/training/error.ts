/**
 * A run that cannot start or go on, for a reason that lies in its options or in what it computed.
 *
 * @example Usage
 * ```ts
 * import { train, TrainingError } from "@x/tiny-adder";
 *
 * try {
 *   await train({ resume: true }); // there is no run to go on with
 * } catch (error) {
 *   if (!(error instanceof TrainingError)) throw error;
 *   console.log(error.message);
 * }
 * ```
 */
export class TrainingError extends Error {
  /** The name of the class. */
  override readonly name = "TrainingError";
}
