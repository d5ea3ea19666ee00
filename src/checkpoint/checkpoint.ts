/**
 * The weights of a model as a safetensors file, with PyTorch's tensor names.
 *
 * @module
 */
import { type ModelName, MODELS, type TensorSpec, type Variant, variantOf } from "../model/variant.ts";
import { CheckpointError, excerpt, tensorLabel } from "./error.ts";
import { type DecodedTensor, type DecodeOptions, decodeSafetensors, encodeSafetensors } from "./safetensors.ts";

/** The weights of a model, and what is known of them. */
export interface Checkpoint {
  /** The variant of the model. */
  model: ModelName;
  /** The weights in the order of the flat parameter vector, as many as the model's name says. */
  parameters: Float32Array;
  /** Free text by key: recipe, seed, step, … */
  metadata: Record<string, string>;
}

/** Options of {@linkcode decodeCheckpoint}. */
export interface DecodeCheckpointOptions extends DecodeOptions {
  /** Accepts this variant alone. @default {any} */
  model?: ModelName;
}

/** The version of what we write into `metadata.format_version`. */
const FORMAT_VERSION = "1";
/** The output projection, which some files spell out although it is tied to the token embedding. */
const TIED = { name: "output_proj.weight", to: "tok_emb.weight" };

/**
 * Writes a checkpoint: one tensor for each of the variant, in the order of the flat vector. `metadata.format_version` and
 * `metadata.model` are set, whatever stood there.
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
 * @returns The bytes of a safetensors file
 * @throws {CheckpointError} If there are too few or too many parameters, or one is not finite
 */
export function encodeCheckpoint({ model, parameters, metadata }: Checkpoint): Uint8Array<ArrayBuffer> {
  const variant = variantOf(model);
  if (parameters.length !== variant.name) {
    throw new CheckpointError(
      `Cannot write a checkpoint as model ${model} must have ${model} parameters: current length is ${parameters.length}`,
    );
  }
  return encodeSafetensors({
    tensors: variant.tensors.map(({ name, shape, offset, size }) => ({
      name,
      shape,
      values: parameters.subarray(offset, offset + size),
    })),
    metadata: { ...metadata, format_version: FORMAT_VERSION, model: String(model) },
  });
}

/**
 * Reads a checkpoint, ours or one that PyTorch wrote: which variant it is follows from the tensors, in whatever order they stand.
 * A spelled-out `output_proj.weight` is accepted where it equals `tok_emb.weight`.
 *
 * @example Usage
 * ```ts
 * import { decodeCheckpoint, encodeCheckpoint } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const parameters = new Float32Array(777).fill(0.5);
 * const bytes = encodeCheckpoint({ model: 777, parameters, metadata: {} });
 * assertEquals(decodeCheckpoint(bytes, { source: "run/model.safetensors" }).parameters, parameters);
 * ```
 *
 * @param bytes The whole file
 * @param options What errors call it, and which variant is wanted
 * @throws {CheckpointError} If it is no safetensors file, or not one of a variant that is wanted: a tensor is missing, too much, of
 * another shape, or not finite
 */
export function decodeCheckpoint(
  bytes: Uint8Array,
  { source = "the checkpoint", model }: DecodeCheckpointOptions = {},
): Checkpoint {
  const asked = `read ${source}`;
  const { tensors, metadata } = decodeSafetensors(bytes, { source });
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));

  const variant = variantOfTensors(byName);
  if (model !== undefined && variant.name !== model) {
    throw new CheckpointError(`Cannot ${asked} as it must hold model ${model}: current value is model ${variant.name}`);
  }
  checkMetadata(metadata, variant, asked);

  const parameters = new Float32Array(variant.name);
  for (const spec of variant.tensors) {
    parameters.set(takeTensor(byName, spec, variant, asked), spec.offset);
  }
  checkTied(byName, asked);
  for (const name of byName.keys()) {
    if (name === TIED.name || variant.tensors.some((spec) => spec.name === name)) continue;
    throw new CheckpointError(
      `Cannot ${asked} as model ${variant.name} has no ${tensorLabel(name)}: the file holds one`,
    );
  }
  return { model: variant.name, parameters, metadata };
}

/** The larger variant where a tensor that only it has is present. */
function variantOfTensors(byName: ReadonlyMap<string, DecodedTensor>): Variant {
  const [small, large] = MODELS.map(variantOf);
  const onlyInLarge = large.tensors.slice(small.tensors.length);
  return onlyInLarge.some(({ name }) => byName.has(name)) ? large : small;
}

/** A file that names our format must be of a version that we know, and of the model that its tensors make. */
function checkMetadata(metadata: Record<string, string>, variant: Variant, asked: string): void {
  const { format_version: version, model } = metadata;
  if (version === undefined) return;
  if (version !== FORMAT_VERSION) {
    throw new CheckpointError(
      `Cannot ${asked} as its format_version must be ${FORMAT_VERSION}: current value is ${excerpt(version)}`,
    );
  }
  if (model !== String(variant.name)) {
    throw new CheckpointError(
      `Cannot ${asked} as its metadata must name model ${variant.name}, whose tensors it holds: current value is ${
        excerpt(model)
      }`,
    );
  }
}

function takeTensor(
  byName: ReadonlyMap<string, DecodedTensor>,
  { name, shape }: Pick<TensorSpec, "name" | "shape">,
  { name: model }: Variant,
  asked: string,
): Float32Array {
  const tensor = byName.get(name);
  if (tensor === undefined) {
    throw new CheckpointError(
      `Cannot ${asked} as model ${model} must have tensor ${name}: the file holds none of that name`,
    );
  }
  if (tensor.shape.length !== shape.length || tensor.shape.some((extent, i) => extent !== shape[i])) {
    throw new CheckpointError(
      `Cannot ${asked} as tensor ${name} must be of shape ${excerpt(shape)}: current value is ${excerpt(tensor.shape)}`,
    );
  }
  return tensor.values;
}

/** Refuses an output projection that is not the token embedding: the model has no parameters for it. */
function checkTied(byName: ReadonlyMap<string, DecodedTensor>, asked: string): void {
  const tied = byName.get(TIED.name);
  if (tied === undefined) return;
  const { shape, values } = byName.get(TIED.to)!;
  if (excerpt(tied.shape) !== excerpt(shape)) {
    throw new CheckpointError(
      `Cannot ${asked} as tensor ${TIED.name} must be of shape ${excerpt(shape)}: current value is ${
        excerpt(tied.shape)
      }`,
    );
  }
  const index = values.findIndex((value, i) => value !== tied.values[i]);
  if (index >= 0) {
    throw new CheckpointError(
      `Cannot ${asked} as tensor ${TIED.name} must equal ${TIED.to}, to which it is tied: value ${index} is ${
        tied.values[index]
      } instead of ${values[index]}`,
    );
  }
}
