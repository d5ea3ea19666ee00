import { type ModelName, parameterCount, type Variant, variantOf, variantOfShapes } from "../../model/variant.ts";
import { isCausalMask } from "./causal_mask.ts";
import { CheckpointError, excerpt, tensorLabel } from "../common/error.ts";
import { type FileTensor, inventory, weightsOf } from "../common/tensor.ts";

/** The weights of a model, with metadata. */
export interface Checkpoint {
  /** The variant of the model. */
  model: ModelName;
  /** The flat parameter vector, as long as the model's name says, in the order of {@linkcode ModelName}. */
  parameters: Float32Array;
  /** Text by key, such as `recipe`, `seed` and `step`; `train` writes them all as decimal numbers or names. */
  metadata: Record<string, string>;
}

/** Information beside the tensors. */
export interface StateDictContext {
  /** Free text by key. */
  metadata: Record<string, string>;
  /** What errors say was asked: `Cannot <asked> as …` */
  asked: string;
  /** Accepts this variant alone. @default {any} */
  model?: ModelName;
  /** The variant that the tensors must make. @default {the one that they come closest to} */
  variant?: ModelName;
  /** Refuses float64, which float32 does not hold exactly. @default {false} */
  exact?: boolean;
}

/** The version of what we write into `metadata.format_version`. */
export const FORMAT_VERSION = "1";
/** Names of the output projection, which some files spell out although it is tied to the token embedding. */
const OUTPUT_PROJECTIONS = ["output_proj.weight", "lm_head.weight", "head.weight"];
/** The tensor that it is tied to. */
const TOKEN_EMBEDDING = "tok_emb.weight";
/** The last part of the name of a buffer that holds no weights, if it is a causal mask. */
const MASK_NAMES = ["mask", "causal_mask", "attn_mask", "bias", "tril"];
/** The vectors of a run's state, state.ts. */
const STATE_VECTORS = ["parameters", "first_moment", "second_moment"];
/** What a file with these is. */
export const RUN_STATE = "the state of a run, whose model is model.safetensors in the same folder";

/**
 * Makes a checkpoint of tensors by name: which variant it is follows from them. An output projection that is spelled out is accepted
 * where it equals the token embedding; causal masks are ignored.
 *
 * @throws {CheckpointError} If a tensor is missing, too much, of another shape, or not finite; or the variant is not the wanted one
 */
export function checkpointOf(
  tensors: ReadonlyMap<string, FileTensor>,
  { metadata, asked, model, exact, ...given }: StateDictContext,
): Checkpoint {
  if (isRunState(tensors)) throw new CheckpointError(`Cannot ${asked} as it must be a model: it is ${RUN_STATE}`);
  const variant = given.variant === undefined
    ? variantOfShapes((name) => tensors.get(name)?.shape)
    : variantOf(given.variant);
  if (model !== undefined && variant.name !== model) {
    throw new CheckpointError(`Cannot ${asked} as it must hold model ${model}: current value is model ${variant.name}`);
  }
  checkMetadata(metadata, variant, asked);
  checkNames(tensors, variant, asked);

  const parameters = new Float32Array(parameterCount(variant));
  for (const { name, offset } of variant.tensors) {
    const tensor = tensors.get(name)!;
    if (exact && tensor.type === "float64") {
      throw new CheckpointError(
        `Cannot ${asked} as ${tensorLabel(name)} must be of float32, float16 or bfloat16: current type is float64, ` +
          "which `import` rounds to float32",
      );
    }
    parameters.set(weightsOf(name, tensor, asked), offset);
  }
  for (const name of OUTPUT_PROJECTIONS) checkTied(name, tensors, asked);
  return { model: variant.name, parameters, metadata };
}

/** Whether these are the vectors of a run's state. */
export function isRunState(tensors: ReadonlyMap<string, unknown>): boolean {
  return STATE_VECTORS.every((name) => tensors.has(name));
}

/** Refuses tensors that are missing, too many or of another shape, and says what the file holds. */
function checkNames(tensors: ReadonlyMap<string, FileTensor>, variant: Variant, asked: string): void {
  const fail = (reason: string): never => {
    const all = tensors.size === 0 ? "" : `. It holds ${inventory(tensors)}`;
    throw new CheckpointError(`Cannot ${asked} as ${reason}${all}`);
  };
  for (const { name, shape } of variant.tensors) {
    const found = tensors.get(name);
    if (found === undefined) {
      return fail(`model ${variant.name} must have tensor ${name}: the file holds none of that name`);
    }
    if (!equalShapes(found.shape, shape)) {
      fail(`tensor ${name} must be of shape ${excerpt(shape)}: current value is ${excerpt(found.shape)}`);
    }
  }
  for (const [name, tensor] of tensors) {
    if (OUTPUT_PROJECTIONS.includes(name) || variant.tensors.some((spec) => spec.name === name)) continue;
    if (MASK_NAMES.includes(name.slice(name.lastIndexOf(".") + 1)) && isCausalMask(name, tensor, asked)) continue;
    fail(`model ${variant.name} has no ${tensorLabel(name)}: the file holds one`);
  }
}

function equalShapes(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, i) => extent === b[i]);
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

/** Refuses an output projection that is not the token embedding: the model has no parameters for it. */
function checkTied(name: string, tensors: ReadonlyMap<string, FileTensor>, asked: string): void {
  const projection = tensors.get(name);
  if (projection === undefined) return;
  const embedding = tensors.get(TOKEN_EMBEDDING)!;
  if (!equalShapes(projection.shape, embedding.shape)) {
    throw new CheckpointError(
      `Cannot ${asked} as tensor ${name} must be of shape ${excerpt(embedding.shape)}: current value is ${
        excerpt(projection.shape)
      }`,
    );
  }
  const [found, wanted] = [weightsOf(name, projection, asked), weightsOf(TOKEN_EMBEDDING, embedding, asked)];
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
  const count = parameterCount(variant);
  if (parameters.length !== count) {
    throw new CheckpointError(
      `Cannot write a checkpoint as model ${model} must have ${count} parameters: current length is ${parameters.length}`,
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
