import { formatJson } from "../../common/format_value.ts";
import { type ModelName, parameterCount, type Variant, variantOf, variantOfShapes } from "../../model/variant.ts";
import { refuse, tensorLabel } from "../common/error.ts";
import { elementCount, type FileTensor, inventory, weightsOf } from "../common/tensor.ts";

/** The weights of a model, with metadata. */
export interface Checkpoint {
  /** The variant of the model. */
  model: ModelName;
  /** The flat parameter vector, as long as the model's name says, in the order of {@linkcode ModelName}. */
  parameters: Float32Array;
  /** Text by key, such as `recipe`, `seed` and `step`; `train` writes them all as decimal numbers or names. */
  metadata: Record<string, string>;
}

/** `model` is the variant that the caller accepts, `variant` the one that the form of the file asks for, and `exact` refuses float64. */
interface StateDictContext extends Pick<Checkpoint, "metadata">, Partial<Pick<Checkpoint, "model">> {
  asked: string;
  variant?: ModelName;
  exact?: boolean;
}

export const FORMAT_VERSION = "1";
const TOKEN_EMBEDDING = "tok_emb.weight";
/** Names of the output projection, which some files spell out although it is tied to the token embedding. */
const OUTPUT_PROJECTIONS = ["output_proj.weight", "lm_head.weight", "head.weight"];
/** The last part of the name of a buffer that holds no weights, if it is a causal mask. */
const MASK_NAMES = ["mask", "causal_mask", "attn_mask", "bias", "tril"];
const MASK_TYPES = ["bool", "uint8", "int8", "float32", "float16", "bfloat16"];
/** The context of our models is 35: what is larger than this belongs to another model. */
const MAX_MASK_WIDTH = 128;
/** The tensors that every state of a run has, state.ts. */
export const STATE_VECTORS = ["parameters", "first_moment", "second_moment"];
export const RUN_STATE = "the state of a run, whose model is model.safetensors in the same folder";

/**
 * Makes a checkpoint of tensors by name, from which its variant follows. Causal masks are ignored.
 *
 * @throws {CheckpointError} If a tensor is missing, too much, of another shape, or not finite; or the variant is another than that asked for
 */
export function checkpointOf(
  tensors: ReadonlyMap<string, FileTensor>,
  { metadata, asked, model, exact, ...given }: StateDictContext,
): Checkpoint {
  if (isRunState(tensors)) refuse(asked, `it must be a model: it is ${RUN_STATE}`);
  const variant = given.variant ? variantOf(given.variant) : variantOfShapes((name) => tensors.get(name)?.shape);
  const isOther = model !== undefined && variant !== variantOf(model);
  if (isOther) refuse(asked, `it must hold model ${model}: current value is model ${variant.name}`);
  if (metadata.format_version !== undefined) { // a file that names our format
    checkVersion(metadata.format_version, asked);
    const must = `its metadata must name model ${variant.name}, whose tensors it holds`;
    const { model } = metadata;
    if (model !== String(variant.name)) refuse(asked, `${must}: current value is ${formatJson(model)}`);
  }
  checkNames(tensors, variant, asked);

  const parameters = new Float32Array(parameterCount(variant));
  for (const { name, offset } of variant.tensors) {
    const tensor = tensors.get(name)!;
    const must = () => `${tensorLabel(name)} must be of float32, float16 or bfloat16`;
    const isRounded = exact && tensor.type === "float64";
    if (isRounded) refuse(asked, `${must()}: current type is float64, which \`import\` rounds to float32`);
    parameters.set(weightsOf(name, tensor, asked), offset);
  }
  for (const name of OUTPUT_PROJECTIONS) checkTied(name, tensors, asked);
  return { model: variant.name, parameters, metadata };
}

export function isRunState(tensors: ReadonlyMap<string, unknown>): boolean {
  return STATE_VECTORS.every((name) => tensors.has(name));
}

/** Refuses tensors that are missing, too many or of another shape. */
function checkNames(tensors: ReadonlyMap<string, FileTensor>, variant: Variant, asked: string): void {
  const fail = (reason: string): never =>
    refuse(asked, tensors.size === 0 ? reason : `${reason}. It holds ${inventory(tensors)}`);
  for (const { name, shape } of variant.tensors) {
    const found = tensors.get(name) ??
      fail(`model ${variant.name} must have tensor ${name}: the file holds none of that name`);
    checkShape(name, found, shape, fail);
  }
  for (const [name, tensor] of tensors) {
    if (OUTPUT_PROJECTIONS.includes(name) || variant.tensors.some((spec) => spec.name === name)) continue;
    if (MASK_NAMES.includes(name.slice(name.lastIndexOf(".") + 1)) && isCausalMask(name, tensor, asked)) continue;
    fail(`model ${variant.name} has no ${tensorLabel(name)}: the file holds one`);
  }
}

function checkShape(name: string, { shape }: FileTensor, expected: readonly number[], fail: (reason: string) => never) {
  if (formatJson(shape) === formatJson(expected)) return;
  fail(`tensor ${name} must be of shape ${formatJson(expected)}: current value is ${formatJson(shape)}`);
}

/** Whether a tensor is square, after extents of 1, with one value above the diagonal and another one on it and below, whichever these are. */
export function isCausalMask(name: string, tensor: FileTensor, asked: string): boolean {
  const { shape, type } = tensor;
  const [height = 0, width] = shape.slice(-2);
  const isSquare = height === width && width >= 2 && elementCount(shape) === width ** 2;
  if (!isSquare || width > MAX_MASK_WIDTH || !MASK_TYPES.includes(type)) return false;
  const values = tensor.elements(name, asked);
  const [kept, masked] = values;
  return kept !== masked && values.every((value, i) => value === (i % width > Math.floor(i / width) ? masked : kept));
}

export function checkVersion(version: string | undefined, asked: string): void {
  if (version === FORMAT_VERSION) return;
  refuse(asked, `its format_version must be ${FORMAT_VERSION}: current value is ${formatJson(version)}`);
}

/** Refuses an output projection that is not the token embedding: the model has no parameters for it. */
function checkTied(name: string, tensors: ReadonlyMap<string, FileTensor>, asked: string): void {
  const projection = tensors.get(name);
  if (projection === undefined) return;
  const embedding = tensors.get(TOKEN_EMBEDDING)!;
  checkShape(name, projection, embedding.shape, (reason) => refuse(asked, reason));
  const [found, expected] = [weightsOf(name, projection, asked), weightsOf(TOKEN_EMBEDDING, embedding, asked)];
  const index = expected.findIndex((value, i) => value !== found[i]);
  if (index < 0) return;
  const must = `tensor ${name} must equal ${TOKEN_EMBEDDING}, to which it is tied`;
  refuse(asked, `${must}: value ${index} is ${found[index]} instead of ${expected[index]}`);
}
