import { type ModelName, MODELS, type TensorSpec, type Variant, variantOf } from "../model/variant.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { CheckpointError, excerpt, tensorLabel } from "./error.ts";

/** A tensor of a file. */
export interface NamedTensor {
  /** Its extents. */
  readonly shape: readonly number[];
  /** Reads its elements, row-major. @throws {CheckpointError} If they are not finite float32 numbers */
  values(): Float32Array;
}

/** Information beside the tensors. */
export interface StateDictContext {
  /** Free text by key. */
  metadata: Record<string, string>;
  /** What errors say was asked: `Cannot <asked> as …` */
  asked: string;
  /** Accepts this variant alone. @default {any} */
  model?: ModelName;
}

/** The version of what we write into `metadata.format_version`. */
export const FORMAT_VERSION = "1";
/** Names of the output projection, which some files spell out although it is tied to the token embedding. */
const OUTPUT_PROJECTIONS = ["output_proj.weight", "lm_head.weight", "head.weight"];
/** The tensor that it is tied to. */
const TOKEN_EMBEDDING = "tok_emb.weight";

/**
 * Makes a checkpoint of tensors by name: which variant it is follows from them. An output projection that is spelled out is accepted
 * where it equals the token embedding.
 *
 * @throws {CheckpointError} If a tensor is missing, too much, of another shape, or not finite; or the variant is not the wanted one
 */
export function checkpointOf(
  tensors: ReadonlyMap<string, NamedTensor>,
  { metadata, asked, model }: StateDictContext,
): Checkpoint {
  const variant = variantOfTensors(tensors);
  if (model !== undefined && variant.name !== model) {
    throw new CheckpointError(`Cannot ${asked} as it must hold model ${model}: current value is model ${variant.name}`);
  }
  checkMetadata(metadata, variant, asked);

  const parameters = new Float32Array(variant.name);
  for (const spec of variant.tensors) {
    parameters.set(takeTensor(tensors, spec, variant, asked), spec.offset);
  }
  for (const name of OUTPUT_PROJECTIONS) checkTied(name, tensors, asked);
  for (const name of tensors.keys()) {
    if (OUTPUT_PROJECTIONS.includes(name) || variant.tensors.some((spec) => spec.name === name)) continue;
    throw new CheckpointError(
      `Cannot ${asked} as model ${variant.name} has no ${tensorLabel(name)}: the file holds one`,
    );
  }
  return { model: variant.name, parameters, metadata };
}

/** The larger variant where a tensor that only it has is present. */
function variantOfTensors(tensors: ReadonlyMap<string, NamedTensor>): Variant {
  const [small, large] = MODELS.map(variantOf);
  const onlyInLarge = large.tensors.slice(small.tensors.length);
  return onlyInLarge.some(({ name }) => tensors.has(name)) ? large : small;
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
  tensors: ReadonlyMap<string, NamedTensor>,
  { name, shape }: Pick<TensorSpec, "name" | "shape">,
  { name: model }: Variant,
  asked: string,
): Float32Array {
  const tensor = tensors.get(name);
  if (tensor === undefined) {
    throw new CheckpointError(
      `Cannot ${asked} as model ${model} must have tensor ${name}: the file holds none of that name`,
    );
  }
  checkShape(name, tensor, shape, asked);
  return tensor.values();
}

function checkShape(name: string, tensor: NamedTensor, shape: readonly number[], asked: string): void {
  if (tensor.shape.length === shape.length && tensor.shape.every((extent, i) => extent === shape[i])) return;
  throw new CheckpointError(
    `Cannot ${asked} as tensor ${name} must be of shape ${excerpt(shape)}: current value is ${excerpt(tensor.shape)}`,
  );
}

/** Refuses an output projection that is not the token embedding: the model has no parameters for it. */
function checkTied(name: string, tensors: ReadonlyMap<string, NamedTensor>, asked: string): void {
  const projection = tensors.get(name);
  if (projection === undefined) return;
  const embedding = tensors.get(TOKEN_EMBEDDING)!;
  checkShape(name, projection, embedding.shape, asked);
  const [found, wanted] = [projection.values(), embedding.values()];
  const index = wanted.findIndex((value, i) => value !== found[i]);
  if (index >= 0) {
    throw new CheckpointError(
      `Cannot ${asked} as tensor ${name} must equal ${TOKEN_EMBEDDING}, to which it is tied: value ${index} is ${
        found[index]
      } instead of ${wanted[index]}`,
    );
  }
}

/**
 * Refuses what no file may hold.
 *
 * @throws {CheckpointError} If there are too few or too many parameters, or one is not finite
 */
export function checkParameters({ model, parameters }: Pick<Checkpoint, "model" | "parameters">): void {
  const variant = variantOf(model);
  if (parameters.length !== variant.name) {
    throw new CheckpointError(
      `Cannot write a checkpoint as model ${model} must have ${model} parameters: current length is ${parameters.length}`,
    );
  }
  for (const { name, offset, size } of variant.tensors) {
    const wrong = parameters.subarray(offset, offset + size).findIndex((value) => !Number.isFinite(value));
    if (wrong < 0) continue;
    throw new CheckpointError(
      `Cannot write a checkpoint as ${tensorLabel(name)} must hold finite numbers: value ${wrong} is ${
        parameters[offset + wrong]
      }`,
    );
  }
}
