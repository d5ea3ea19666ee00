/**
 * Why the file of a sweep cannot be used.
 *
 * @module
 */

/** The file of a sweep cannot be read or written, or is not one. */
export class SweepFileError extends Error {
  /** The class, for those who catch by name. */
  override readonly name = "SweepFileError";
}
