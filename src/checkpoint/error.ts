/**
 * A checkpoint, a state or a run directory cannot be read or written. The message is a sentence for people: what was asked,
 * what would be right, what was found.
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
   * @param options The error that lies behind it, as `cause`
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CheckpointError";
  }
}

/** A value of unknown origin as JSON, short enough for a message and without control characters. */
export function excerpt(value: unknown): string {
  const text = JSON.stringify(value) ?? "missing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** What lies behind an error, on one line that is not endless: parsers quote what they were given. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // deno-lint-ignore no-control-regex
  return message.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").slice(0, 200);
}

/** A tensor's name as it stands in messages: bare where it is harmless, otherwise as JSON. */
export function tensorLabel(name: string): string {
  return /^[\w.]{1,60}$/.test(name) ? `tensor ${name}` : `tensor ${excerpt(name)}`;
}
