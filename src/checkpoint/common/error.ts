/**
 * A checkpoint, a state or a run directory cannot be read or written. The message says what was asked, what would be right, and what was
 * found.
 *
 * @example Usage
 * ```ts
 * import { CheckpointError, decodeCheckpoint } from "@x/tiny-adder/checkpoint";
 *
 * try {
 *   decodeCheckpoint(new Uint8Array(3), { source: "run/model.safetensors" });
 * } catch (error) {
 *   if (!(error instanceof CheckpointError)) throw error;
 *   console.log(error.message); // Cannot read run/model.safetensors as a safetensors file has at least 8 bytes: …
 * }
 * ```
 */
export class CheckpointError extends Error {
  /**
   * Makes an error.
   *
   * @param message A whole sentence, `Cannot <do> <what> as <what would be right>: <what was found>`
   * @param options `cause`: the error behind it
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CheckpointError";
  }
}

/** A value of unknown origin as JSON without control characters, cut after 60 characters. */
export function excerpt(value: unknown): string {
  const text = JSON.stringify(value) ?? "missing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** The message of an error on one line, cut after 200 characters: parsers quote their input. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // deno-lint-ignore no-control-regex
  return message.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").slice(0, 200);
}

/** The name of a tensor in a message: bare if it is harmless, otherwise as JSON. */
export function tensorLabel(name: string): string {
  return /^[\w.]{1,60}$/.test(name) ? `tensor ${name}` : `tensor ${excerpt(name)}`;
}
