/** The GPU refused a shader or a buffer, or was lost; the message says what to do. Nothing goes on elsewhere in silence. */
export class GpuError extends Error {
  /** The name of the class. */
  override readonly name = "GpuError";
}
