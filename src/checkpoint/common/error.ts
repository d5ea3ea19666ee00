import { formatJson } from "../../common/format_value.ts";

/**
 * A checkpoint, a state or a run directory cannot be read or written. The message is a whole sentence:
 * `Cannot <do> <what> as <what would be right>: <what was found>`.
 *
 * @example Usage
 * ```ts
 * import { CheckpointError, decodeCheckpoint } from "@x/tiny-adder/checkpoint";
 * import { assertThrows } from "@std/assert";
 *
 * const read = () => decodeCheckpoint(new Uint8Array(3), { source: "run/model.safetensors" });
 * assertThrows(read, CheckpointError, "Cannot read run/model.safetensors as a safetensors file has at least 8 bytes: ");
 * ```
 */
export class CheckpointError extends Error {
  /** The name of the class. */
  override name = "CheckpointError";
}

/** @throws {CheckpointError} `Cannot <asked> as <reason>` */
export function refuse(asked: string, reason: string, cause?: unknown): never {
  throw new CheckpointError(`Cannot ${asked} as ${reason}`, { cause });
}

/** The name of a tensor in a message: bare if it is harmless, otherwise as JSON. */
export function tensorLabel(name: string): string {
  return `tensor ${/^[\w.]{1,60}$/.test(name) ? name : formatJson(name)}`;
}
