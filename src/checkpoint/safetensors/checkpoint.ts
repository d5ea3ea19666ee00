import { checkOptions, type OptionKinds } from "../../common/options.ts";
import { type ModelName, parameterCount, tensorView, variantOf } from "../../model/variant.ts";
import { type Bytes, bytesFrom, describeSource, littleEndian, viewBytes } from "../common/bytes.ts";
import { refuse } from "../common/error.ts";
import { checkFinite } from "../common/tensor.ts";
import { askedOf, type DecodeOptions, openSafetensors, writeSafetensors } from "./safetensors.ts";
import { type Checkpoint, checkpointOf, FORMAT_VERSION } from "./state_dict.ts";
import { readSmallFile, requireFiles, runDirectory } from "./store.ts";

export type { Checkpoint };

/** Options of {@linkcode decodeCheckpoint}. */
export interface DecodeCheckpointOptions extends DecodeOptions {
  /** Accepts only this variant. @default {any} */
  model?: ModelName;
}

export const CHECKPOINT_OPTIONS: OptionKinds<DecodeCheckpointOptions> = { source: "a text", model: "anything" };

/**
 * Writes a checkpoint as the bytes of a safetensors file, with PyTorch's tensor names. It sets `metadata.format_version` and `metadata.model`.
 *
 * @example Usage
 * ```ts
 * import { decodeCheckpoint, encodeCheckpoint } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodeCheckpoint({ model: 763, parameters: new Float32Array(763), metadata: { seed: "7" } });
 * assertEquals(decodeCheckpoint(bytes).metadata, { format_version: "1", model: "763", seed: "7" });
 * ```
 *
 * @throws {CheckpointError} If the number of parameters is wrong, or one is not finite
 */
export function encodeCheckpoint(source: CheckpointSource): Uint8Array<ArrayBuffer> {
  const { tensors, metadata } = tensorsToWrite(source);
  return writeSafetensors(tensors, "write a checkpoint", Object.fromEntries(metadata));
}

/**
 * Reads a whole safetensors file, of this library or of PyTorch. The shapes of its tensors determine the variant; their order does not matter.
 * Float16 and bfloat16 become float32 exactly; float64 is refused, and `importCheckpoint` rounds it. An `output_proj.weight` must equal `tok_emb.weight`.
 *
 * @example Usage
 * ```ts
 * import { decodeCheckpoint, encodeCheckpoint } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodeCheckpoint({ model: 777, parameters: new Float32Array(777), metadata: {} });
 * assertEquals(decodeCheckpoint(bytes, { source: "run/model.safetensors" }).model, 777);
 * ```
 *
 * @throws {CheckpointError} If it is not a safetensors file, or a tensor is missing, unknown, of another shape or not finite
 * @throws {TypeError} If there is an unknown option
 */
export function decodeCheckpoint(file: Bytes, options: DecodeCheckpointOptions = {}): Checkpoint {
  const asked = askedOf(options, CHECKPOINT_OPTIONS);
  const { tensors, metadata } = openSafetensors(bytesFrom(file, asked), asked);
  return checkpointOf(tensors, { metadata, asked, model: options.model, exact: true });
}

/**
 * Reads the safetensors file of that path, or the `model.safetensors` of a run directory. Needs read permission.
 *
 * @example Usage
 * ```ts
 * import { encodeCheckpoint, readCheckpointFile } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir(); // a run directory, as train({ out: folder }) fills it
 * const weights = { model: 763, parameters: new Float32Array(763), metadata: {} } as const;
 * await Deno.writeFile(`${folder}/model.safetensors`, encodeCheckpoint(weights));
 * const { model, parameters } = await readCheckpointFile(folder);
 * assertEquals([model, parameters.length], [763, 763]);
 * ```
 *
 * @throws {CheckpointError} If there is no such file, it cannot be read, or it is not a checkpoint
 */
// deno-lint-ignore require-await -- reads synchronously, because the file is small; a promise leaves other ways open
export async function readCheckpointFile(path: string, options: { model?: ModelName } = {}): Promise<Checkpoint> {
  return readCheckpointFileSync(path, options);
}

/** {@linkcode readCheckpointFile}, synchronously. */
export function readCheckpointFileSync(path: string, options: { model?: ModelName } = {}): Checkpoint {
  checkOptions("read a checkpoint", options, { model: "anything" });
  requireFiles(`read ${path}`);
  const source = isFolder(path) ? runDirectory(path).modelFile : path;
  return decodeCheckpoint(readSmallFile(source, "a checkpoint file"), { ...options, source });
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false; // reading it says why
  }
}

/** A checkpoint, with or without `metadata`, the bytes of a safetensors file, or, in Deno with read permission, the path of one or of a run directory. */
export type CheckpointSource = Checkpoint | Omit<Checkpoint, "metadata"> | Bytes | string;

/** The checkpoint that a caller gives. @throws {CheckpointError | TypeError} If its file or bytes cannot be read, or it is something else */
export function checkpointFrom(source: CheckpointSource, asked: string): Checkpoint {
  if (typeof source === "string") return readCheckpointFileSync(source);
  const bytes = viewBytes(source);
  if (bytes !== undefined) return decodeCheckpoint(bytes);
  if (typeof source === "object" && source !== null && "parameters" in source) return { metadata: {}, ...source };
  const must = "it must be a checkpoint, its bytes or its path";
  throw new TypeError(`Cannot ${asked} as ${must}: current value is ${describeSource(source)}`);
}

/** Tensors in the order of the flat vector, metadata in that of their keys. @throws {CheckpointError} If the number of parameters is wrong, or one is not finite */
export function tensorsToWrite(source: CheckpointSource) {
  const asked = "write a checkpoint";
  const { model, parameters, metadata } = checkpointFrom(source, asked);
  const variant = variantOf(model);
  const count = parameterCount(variant);
  const must = `model ${model} must have ${count} parameters`;
  if (parameters.length !== count) refuse(asked, `${must}: current length is ${parameters.length}`);
  const tensors = variant.tensors.map(({ name, shape }) => {
    const values = checkFinite(name, tensorView(parameters, variant, name), asked);
    return { name, shape, values, bytes: littleEndian(values) };
  });
  const texts = Object.entries({ ...metadata, format_version: FORMAT_VERSION, model: String(model) });
  return { model, tensors, metadata: texts.sort(([a], [b]) => a < b ? -1 : 1) };
}
