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

/** Makes a checkpoint of tensors by name, but for causal masks. @throws {CheckpointError} If one is missing, unknown, misshapen or not finite, or of another model */
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
    const found = formatJson(metadata.model);
    if (metadata.model !== String(variant.name)) refuse(asked, `${must}: current value is ${found}`);
  }
  const [embedding] = variant.tensors;
  const projections = OUTPUT_PROJECTIONS.filter((name) => tensors.has(name)).map((name) => ({ ...embedding, name }));
  checkNames(tensors, { ...variant, tensors: [...variant.tensors, ...projections] }, asked);

  const parameters = new Float32Array(parameterCount(variant));
  for (const { name, offset } of variant.tensors) {
    const tensor = tensors.get(name)!;
    const must = `tensor ${name} must be of float32, float16 or bfloat16: current type is float64`;
    if (exact && tensor.type === "float64") refuse(asked, `${must}, which \`import\` rounds to float32`);
    parameters.set(weightsOf(name, tensor, asked), offset);
  }
  for (const { name } of projections) {
    const found = weightsOf(name, tensors.get(name)!, asked);
    const index = found.findIndex((value, i) => value !== parameters[i]); // the embedding is the first of the parameters
    const must = `tensor ${name} must equal ${embedding.name}, to which it is tied`;
    if (index >= 0) refuse(asked, `${must}: value ${index} is ${found[index]} instead of ${parameters[index]}`);
  }
  return { model: variant.name, parameters, metadata };
}

export function isRunState(tensors: ReadonlyMap<string, unknown>): boolean {
  return STATE_VECTORS.every((name) => tensors.has(name));
}

/** Refuses tensors that are missing, too many or of another shape. */
function checkNames(tensors: ReadonlyMap<string, FileTensor>, { name: model, tensors: specs }: Variant, asked: string) {
  const fail = (reason: string): never =>
    refuse(asked, tensors.size === 0 ? reason : `${reason}. It holds ${inventory(tensors)}`);
  for (const { name, shape } of specs) {
    const found = tensors.get(name) ??
      fail(`model ${model} must have tensor ${name}: the file holds none of that name`);
    const [expected, current] = [shape, found.shape].map(formatJson);
    if (current !== expected) fail(`tensor ${name} must be of shape ${expected}: current value is ${current}`);
  }
  for (const [name, tensor] of tensors) {
    if (specs.some((spec) => spec.name === name)) continue;
    if (MASK_NAMES.includes(name.slice(name.lastIndexOf(".") + 1)) && isCausalMask(name, tensor, asked)) continue;
    fail(`model ${model} has no ${tensorLabel(name)}: the file holds one`);
  }
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
