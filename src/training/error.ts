/**
 * The error of a run that cannot go on.
 *
 * @module
 */

/** A run that cannot start or go on, for a reason that lies in its options or in what it computed. */
export class TrainingError extends Error {
  /** The name of the class. */
  override readonly name = "TrainingError";
}
