/**
 * The error of the lab's server.
 *
 * @module
 */

/** The folder cannot be served. The message is a sentence for people. */
export class LabError extends Error {
  /** The class, for those who catch by name. */
  override readonly name = "LabError";
}
