import { formatValue } from "../common/format_value.ts";

/** Width of the residual stream of 763 and 777. Narrow models run in kernels of this width. */
export const WIDTH = 7;
/** Width of the feed-forward layer of 763 and 777. */
export const HIDDEN = 14;
const LEAST_WIDTH = 2;
export const CONTEXT = 35;
export const TOKENS = 14;

/**
 * A variant of the model: 763 and 777 are named by their number of parameters, narrow ones by W x H, the width (2 to 7) and the hidden width
 * (1 to 14), as in `"5x10"`. 777 and names that end in `+norm` have a final LayerNorm and GELU by tanh.
 *
 * The flat parameter vector holds these tensors, each row by row: `tok_emb` [14, W], `pos_emb` [35, W], `ln1.weight` [W], `ln1.bias` [W],
 * `attn.qkv` [3 W, W], `attn.proj` [W, W], `ln2.weight` [W], `ln2.bias` [W], `ffn.w1` [H, W], `ffn.w2` [W, H], and with a final norm
 * `ln_f.weight` [W] and `ln_f.bias` [W]. For 763 and 777 W is 7 and H is 14.
 */
export type ModelName = 763 | 777 | `${number}x${number}` | `${number}x${number}+norm`;

/** One tensor of the model, and its position in the flat parameter vector. */
export interface TensorSpec {
  /** The name in PyTorch's `state_dict`. */
  readonly name: string;
  /** The shape, `nn.Linear` weights as [out, in]. */
  readonly shape: readonly number[];
  /** Index of the first element in the flat parameter vector. */
  readonly offset: number;
  /** The number of elements. */
  readonly size: number;
  /** Its initial values: a constant, or normally distributed around 0 with this standard deviation. */
  readonly initial: { readonly constant: number } | { readonly deviation: number };
}

export interface Variant {
  readonly name: ModelName;
  /** Width of the residual stream, 2 to 7. */
  readonly width: number;
  /** Width of the feed-forward layer, 1 to 14. */
  readonly hidden: number;
  readonly tensors: readonly TensorSpec[];
  /** Whether there is a LayerNorm before the output projection. */
  readonly finalNorm: boolean;
  /** GELU by the error function, or approximated by tanh. */
  readonly gelu: "erf" | "tanh";
  readonly layerNormEpsilon: number;
}

function tensorSpecs(width: number, hidden: number, finalNorm: boolean): TensorSpec[] {
  let end = 0;
  const tensor = (name: string, shape: readonly number[], initial: TensorSpec["initial"]): TensorSpec => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const offset = end;
    end += size;
    return { name, shape, offset, size, initial };
  };
  const embedding = (name: string, rows: number) => tensor(name, [rows, width], { deviation: 0.02 });
  const linear = (name: string, outputs: number, inputs: number) =>
    tensor(name, [outputs, inputs], { deviation: 1 / Math.sqrt(inputs) });
  const constant = (name: string, value: number) => tensor(name, [width], { constant: value });
  const norm = (name: string) => [constant(`${name}.weight`, 1), constant(`${name}.bias`, 0)];
  return [
    embedding("tok_emb.weight", TOKENS),
    embedding("pos_emb.weight", CONTEXT),
    ...norm("blocks.0.ln1"),
    linear("blocks.0.attn.qkv.weight", 3 * width, width),
    linear("blocks.0.attn.proj.weight", width, width),
    ...norm("blocks.0.ln2"),
    linear("blocks.0.ffn.w1.weight", hidden, width),
    linear("blocks.0.ffn.w2.weight", width, hidden),
    ...(finalNorm ? norm("ln_f") : []),
  ];
}

/** The models of full width. */
export const MODELS = [763, 777] as const;

export const MODEL_NAMES = MODELS.join(", ") +
  `, WxH or WxH+norm with W from ${LEAST_WIDTH} to ${WIDTH} and H from 1 to ${HIDDEN}`;

const variants = new Map<ModelName, Variant>();

/** Whether it is 763 or 777. */
function isFull({ width, hidden }: Pick<Variant, "width" | "hidden">): boolean {
  return width === WIDTH && hidden === HIDDEN;
}

function findVariant(given: unknown): Variant | undefined {
  const text = given === 763 ? "7x14" : given === 777 ? "7x14+norm" : typeof given === "string" ? given : "";
  const finalNorm = text.endsWith("+norm");
  const [width, hidden] = text.replace("+norm", "").split("x").map(Number); // the first regular expression of a process takes 0.05 ms more
  const spelled = `${width}x${hidden}${finalNorm ? "+norm" : ""}`;
  const isAnyModel = spelled === text && Number.isInteger(width) && Number.isInteger(hidden);
  if (!(isAnyModel && width >= LEAST_WIDTH && width <= WIDTH && hidden >= 1 && hidden <= HIDDEN)) return undefined;
  const name = isFull({ width, hidden }) ? (finalNorm ? 777 : 763) : spelled as ModelName;
  if (!variants.has(name)) {
    let tensors: readonly TensorSpec[] | undefined;
    const [gelu, layerNormEpsilon] = finalNorm ? ["tanh", 1e-6] as const : ["erf", 1e-5] as const;
    variants.set(name, {
      ...{ name, width, hidden, finalNorm, gelu, layerNormEpsilon },
      get tensors() { // made late, because adding does without them
        return tensors ??= tensorSpecs(width, hidden, finalNorm);
      },
    });
  }
  return variants.get(name);
}

/** The variant of that name; `7x14` is 763, `7x14+norm` is 777. @throws {RangeError} If there is none */
export function variantOf(name: number | string): Variant {
  const variant = findVariant(name);
  if (variant !== undefined) return variant;
  throw new RangeError(`Cannot make a model as model must be ${MODEL_NAMES}: current value is ${formatValue(name)}`);
}

/** The model that a text names, on the command line or in a file; undefined if there is none. */
export function parseModel(text: string): ModelName | undefined {
  return findVariant(MODELS.find((model) => String(model) === text) ?? text)?.name;
}

/** The variant that tensors of these shapes make; of full width where a shape is none of a model's. */
export function variantOfShapes(shapeOf: (name: string) => readonly number[] | undefined): Variant {
  const width = shapeOf("tok_emb.weight")?.[1];
  const hidden = shapeOf("blocks.0.ffn.w1.weight")?.[0];
  const finalNorm = ["ln_f.weight", "ln_f.bias"].some((name) => shapeOf(name) !== undefined);
  return findVariant(`${width}x${hidden}${finalNorm ? "+norm" : ""}`) ?? variantOf(finalNorm ? 777 : 763);
}

export function parameterCount(variant: Variant): number {
  return variant.tensors.reduce((sum, { size }) => sum + size, 0);
}

/** The part of a flat vector that belongs to one tensor, as a view. @throws {RangeError} If the variant has no such tensor */
export function tensorView<T extends Float32Array | Float64Array>(values: T, variant: Variant, name: string): T {
  const spec = variant.tensors.find((tensor) => tensor.name === name);
  if (spec === undefined) {
    throw new RangeError(`Cannot find a tensor as model ${variant.name} has none of that name: ${name}`);
  }
  return values.subarray(spec.offset, spec.offset + spec.size) as T;
}

/**
 * The model of full width that computes a narrow one, which is what the kernels of WASM and WebGPU run: columns of the embeddings, rows and columns of
 * the matrices and hidden units beyond its own are 0. They stay 0 in training, as LayerNorm takes mean and variance over the model's own width and gives
 * the other coordinates neither a value nor a gradient.
 */
export function paddedVariant({ finalNorm }: Variant): Variant {
  return variantOf(finalNorm ? 777 : 763);
}

/** For each parameter of a variant its index in the flat vector of {@linkcode paddedVariant}. */
export function paddedIndices(variant: Variant): Uint32Array {
  const padded = paddedVariant(variant).tensors;
  const indices = new Uint32Array(parameterCount(variant));
  for (const [i, { name, shape, offset, size }] of variant.tensors.entries()) {
    const columns = shape.at(-1)!;
    const partRows = name === "blocks.0.attn.qkv.weight" ? variant.width : size; // queries, keys and values are padded one by one
    for (let k = 0; k < size; k++) {
      const row = Math.floor(k / columns);
      const paddedRow = row % partRows + WIDTH * Math.floor(row / partRows);
      indices[offset + k] = padded[i].offset + paddedRow * padded[i].shape.at(-1)! + k % columns;
    }
  }
  return indices;
}

/** The flat vector of a variant, spread over that of {@linkcode paddedVariant}: 0 where the variant has no parameter. */
export function spread(values: Float32Array, variant: Variant): Float32Array {
  if (isFull(variant)) return values;
  const padded = new Float32Array(parameterCount(paddedVariant(variant)));
  paddedIndices(variant).forEach((index, i) => padded[index] = values[i]);
  return padded;
}

/** The inverse of {@linkcode spread}: a copy, of the beginning of a longer vector. */
export function gather(padded: Float32Array, variant: Variant): Float32Array {
  if (isFull(variant)) return padded.slice(0, parameterCount(variant));
  return Float32Array.from(paddedIndices(variant), (index) => padded[index]);
}
