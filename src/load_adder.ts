import { type Adder, WasmAdder } from "./adder.ts";
import { type Checkpoint, decodeCheckpoint } from "./checkpoint/checkpoint.ts";
import { checkParameters } from "./engine/checks.ts";
import { shown } from "./shown.ts";
import { variantOf } from "./model/variant.ts";
import { readCheckpointFileSync } from "./checkpoint/store.ts";

function readIn(checkpoint: Checkpoint | Uint8Array | string): Checkpoint {
  if (typeof checkpoint === "string") return readCheckpointFileSync(checkpoint);
  if (checkpoint instanceof Uint8Array) return decodeCheckpoint(checkpoint);
  if (typeof checkpoint === "object" && checkpoint !== null) return checkpoint;
  throw new TypeError(
    `Cannot load an adder as it must be a checkpoint, its bytes or its path: current value is ${shown(checkpoint)}`,
  );
}

/**
 * Makes an adder from a checkpoint. It adds with the weights alone: other weights give other sums.
 *
 * @example Usage
 * ```ts
 * import { loadAdder } from "@x/tiny-adder";
 * import { encodeCheckpoint } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const untrained = encodeCheckpoint({ model: 763, parameters: new Float32Array(763), metadata: {} });
 * const adder = loadAdder(untrained);
 * assertEquals(adder.add(42, 7), 0); // the weights add, not the code
 * ```
 *
 * @param checkpoint A checkpoint, the bytes of a safetensors file, or the path of a safetensors file or run directory, which needs read
 * permission
 * @throws {CheckpointError} If the file cannot be read or is not a checkpoint
 * @throws {TypeError} If it is something else
 */
export function loadAdder(checkpoint: Checkpoint | Uint8Array | string): Adder {
  const { model, parameters } = readIn(checkpoint);
  checkParameters(parameters, variantOf(model));
  return new WasmAdder(model, parameters);
}
