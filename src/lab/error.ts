/** The lab cannot be served. The message says why and what to do. */
export class LabError extends Error {
  override readonly name = "LabError";
}
