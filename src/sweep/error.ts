/** The file of a sweep cannot be read or written, or holds something else. */
export class SweepFileError extends Error {
  override readonly name = "SweepFileError";
}
