import { formatValue } from "../common/format_value.ts";

/** Width of the residual stream. */
export const WIDTH = 7;
/** Width of the feed-forward layer. */
export const HIDDEN = 14;
/** Positions of the position embedding. */
export const CONTEXT = 35;
/** Tokens in the vocabulary. */
export const TOKENS = 14;

/**
 * A variant of the model, named by its number of parameters. 777 has a final LayerNorm and GELU by tanh.
 *
 * The flat parameter vector holds these tensors, each row by row: `tok_emb` [14, 7], `pos_emb` [35, 7], `ln1.weight` [7], `ln1.bias` [7],
 * `attn.qkv` [21, 7], `attn.proj` [7, 7], `ln2.weight` [7], `ln2.bias` [7], `ffn.w1` [14, 7], `ffn.w2` [7, 14], and with 777 `ln_f.weight` [7]
 * and `ln_f.bias` [7].
 */
export type ModelName = 763 | 777;

/** One tensor of the model, and its position in the flat parameter vector. */
export interface TensorSpec {
  /** The name in PyTorch's `state_dict`. */
  readonly name: string;
  /** The shape, `nn.Linear` weights as [out, in]. */
  readonly shape: readonly number[];
  /** Index of the first element in the flat parameter vector. */
  readonly offset: number;
  /** Number of elements. */
  readonly size: number;
  /** Its initial values: a constant, or normally distributed around 0 with this standard deviation. */
  readonly initial: { readonly constant: number } | { readonly deviation: number };
}

/** A variant of the model. */
export interface Variant {
  /** Its number of parameters, which is also its name. */
  readonly name: ModelName;
  /** The tensors in the order of the flat parameter vector. */
  readonly tensors: readonly TensorSpec[];
  /** Whether there is a LayerNorm before the output projection. */
  readonly finalNorm: boolean;
  /** GELU by the error function, or approximated by tanh. */
  readonly gelu: "erf" | "tanh";
  /** The epsilon of every LayerNorm. */
  readonly layerNormEpsilon: number;
}

type TensorRow = readonly [name: string, shape: readonly number[], initial: TensorSpec["initial"]];

const normal = (deviation: number) => ({ deviation });
const constant = (value: number) => ({ constant: value });

const SHARED_TENSORS: readonly TensorRow[] = [
  ["tok_emb.weight", [TOKENS, WIDTH], normal(0.02)],
  ["pos_emb.weight", [CONTEXT, WIDTH], normal(0.02)],
  ["blocks.0.ln1.weight", [WIDTH], constant(1)],
  ["blocks.0.ln1.bias", [WIDTH], constant(0)],
  ["blocks.0.attn.qkv.weight", [3 * WIDTH, WIDTH], normal(1 / Math.sqrt(WIDTH))],
  ["blocks.0.attn.proj.weight", [WIDTH, WIDTH], normal(1 / Math.sqrt(WIDTH))],
  ["blocks.0.ln2.weight", [WIDTH], constant(1)],
  ["blocks.0.ln2.bias", [WIDTH], constant(0)],
  ["blocks.0.ffn.w1.weight", [HIDDEN, WIDTH], normal(1 / Math.sqrt(WIDTH))],
  ["blocks.0.ffn.w2.weight", [WIDTH, HIDDEN], normal(1 / Math.sqrt(HIDDEN))],
];

const FINAL_NORM: readonly TensorRow[] = [
  ["ln_f.weight", [WIDTH], constant(1)],
  ["ln_f.bias", [WIDTH], constant(0)],
];

function layOut(rows: readonly TensorRow[]): TensorSpec[] {
  let offset = 0;
  return rows.map(([name, shape, initial]) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const spec = { name, shape, offset, size, initial };
    offset += size;
    return spec;
  });
}

const VARIANTS: Readonly<Record<ModelName, Variant>> = {
  763: { name: 763, tensors: layOut(SHARED_TENSORS), finalNorm: false, gelu: "erf", layerNormEpsilon: 1e-5 },
  777: {
    name: 777,
    tensors: layOut([...SHARED_TENSORS, ...FINAL_NORM]),
    finalNorm: true,
    gelu: "tanh",
    layerNormEpsilon: 1e-6,
  },
};

export const MODELS: readonly ModelName[] = [763, 777];

/**
 * The variant of that name.
 *
 * @throws {RangeError} If there is none
 */
export function variantOf(name: number): Variant {
  if (!MODELS.some((model) => model === name)) {
    throw new RangeError(
      `Cannot make a model as it must be one of ${MODELS.join(", ")}: current value is ${formatValue(name)}`,
    );
  }
  return VARIANTS[name as ModelName];
}

/** Number of parameters of a variant, counted from its tensors. */
export function parameterCount(variant: Variant): number {
  return variant.tensors.reduce((sum, { size }) => sum + size, 0);
}

/**
 * The part of a flat vector that belongs to one tensor, as a view.
 *
 * @throws {RangeError} If the variant has no such tensor
 */
export function tensorView<T extends Float32Array | Float64Array>(values: T, variant: Variant, name: string): T {
  const spec = variant.tensors.find((tensor) => tensor.name === name);
  if (spec === undefined) {
    throw new RangeError(`Cannot find a tensor as model ${variant.name} has none of that name: ${name}`);
  }
  return values.subarray(spec.offset, spec.offset + spec.size) as T;
}
