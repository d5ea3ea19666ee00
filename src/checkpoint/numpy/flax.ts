/**
 * The 777 model as https://github.com/yhavinga/gpt-acc-jax trains it: a pickle of Flax parameters, nested dicts of NumPy or JAX arrays. A kernel
 * of Flax is [in, out], a weight of PyTorch [out, in].
 *
 * @module
 */
import { variantOf } from "../../model/variant.ts";
import { littleEndian } from "../common/bytes.ts";
import { CheckpointError } from "../common/error.ts";
import { PickleDict } from "../common/pickle_reader.ts";
import {
  pickle,
  type Pickled,
  pickledBytes,
  pickledCall,
  pickledDict,
  pickledFalse,
  pickledGlobal,
  pickledInt,
  pickledNone,
  pickledText,
  pickledTrue,
  pickledTuple,
  withAttributes,
} from "../common/pickle_writer.ts";
import { checkpointFrom, type CheckpointSource } from "../safetensors/source.ts";
import { checkParameters } from "../safetensors/state_dict.ts";
import { FileTensor } from "../common/tensor.ts";

const BLOCK = "TransformerBlock_0";

/** Where each tensor is, by PyTorch's name. Flax numbers the layers of one class in the order in which the model calls them. */
const PATHS: readonly (readonly [name: string, path: string])[] = [
  ["tok_emb.weight", "Embed_0.embedding"],
  ["pos_emb.weight", "Embed_1.embedding"],
  ["blocks.0.ln1.weight", `${BLOCK}.LayerNorm_0.scale`],
  ["blocks.0.ln1.bias", `${BLOCK}.LayerNorm_0.bias`],
  ["blocks.0.attn.qkv.weight", `${BLOCK}.CausalSelfAttention_0.Dense_0.kernel`],
  ["blocks.0.attn.proj.weight", `${BLOCK}.CausalSelfAttention_0.Dense_1.kernel`],
  ["blocks.0.ln2.weight", `${BLOCK}.LayerNorm_1.scale`],
  ["blocks.0.ln2.bias", `${BLOCK}.LayerNorm_1.bias`],
  ["blocks.0.ffn.w1.weight", `${BLOCK}.Dense_0.kernel`],
  ["blocks.0.ffn.w2.weight", `${BLOCK}.Dense_1.kernel`],
  ["ln_f.weight", "LayerNorm_0.scale"],
  ["ln_f.bias", "LayerNorm_0.bias"],
  ["output_proj.weight", "Dense_0.kernel"], // where it is not tied to the token embedding
];

const isKernel = (path: string) => path.endsWith(".kernel");

/** Whether a dict is such a tree. */
export function isFlaxTree(dict: PickleDict): boolean {
  return dict.entries.get("Embed_0") instanceof PickleDict && dict.entries.get(BLOCK) instanceof PickleDict;
}

/** The arrays of a tree by PyTorch's names, or by their paths where PyTorch has none. */
export function stateDictOfFlax(tree: PickleDict): Map<string, FileTensor> {
  const names = new Map(PATHS.map(([name, path]) => [path, name]));
  const tensors = new Map<string, FileTensor>();
  const visit = (dict: PickleDict, path: string, depth: number) => {
    for (const [key, value] of dict.entries) {
      const here = `${path}${String(key)}`;
      if (value instanceof FileTensor) {
        tensors.set(names.get(here) ?? here, isKernel(here) ? new Transposed(value) : value);
      } else if (value instanceof PickleDict && depth < MOST_DEEP) visit(value, `${here}.`, depth + 1);
    }
  };
  visit(tree, "", 0);
  return tensors;
}

/** Levels of a tree that are looked at: the model has four. */
const MOST_DEEP = 8;

/** A matrix with rows and columns exchanged. */
class Transposed extends FileTensor {
  readonly #of: FileTensor;

  constructor(of: FileTensor) {
    super();
    this.#of = of;
  }

  override get type(): string {
    return this.#of.type;
  }

  override get shape(): readonly number[] {
    return this.#of.shape.toReversed();
  }

  override elements(name: string, asked: string): Float32Array {
    const [rows, columns] = this.#of.shape;
    return transpose(this.#of.elements(name, asked), rows, columns);
  }
}

function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  return values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);
}

/**
 * Writes the weights of a 777 model as the parameters that gpt-acc-jax pickles: `model.apply(pickle.load(file), tokens)` takes them.
 *
 * @example Usage
 * ```ts
 * import { encodeFlax, importCheckpoint } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const parameters = new Float32Array(777).fill(0.5);
 * const bytes = encodeFlax({ model: 777, parameters, metadata: {} });
 * assertEquals((await importCheckpoint(bytes)).model, 777);
 * ```
 *
 * @returns The bytes of the pickle; the same weights give the same bytes
 * @throws {CheckpointError} If it is another model, the number of parameters is wrong, or one is not finite
 */
export function encodeFlax(source: CheckpointSource): Uint8Array<ArrayBuffer> {
  const checkpoint = checkpointFrom(source, "write a checkpoint");
  checkParameters(checkpoint);
  const { model, parameters } = checkpoint;
  if (model !== 777) {
    throw new CheckpointError(
      `Cannot write pickled Flax parameters as they must be those of model 777, which Flax's program is: current model is ${model}`,
    );
  }
  const { tensors } = variantOf(model);
  const leaves = tensors.map(({ name, shape, offset, size }): [path: string[], array: Pickled] => {
    const path = PATHS.find(([other]) => other === name)![1];
    const values = parameters.subarray(offset, offset + size);
    const array = isKernel(path)
      ? pickledArray(shape.toReversed(), transpose(values, shape[0], shape[1]))
      : pickledArray(shape, values);
    return [["params", ...path.split(".")], array];
  });
  return pickle(nested(leaves), 3);
}

/** A dict of dicts. */
function nested(leaves: readonly (readonly [path: readonly string[], value: Pickled])[]): Pickled {
  const [[path, value]] = leaves;
  if (path.length === 0) return value;
  const keys = [...new Set(leaves.map(([[key]]) => key))];
  return pickledDict(keys.map((key) => [
    key,
    nested(leaves.filter(([[first]]) => first === key).map(([[, ...rest], leaf]) => [rest, leaf] as const)),
  ]));
}

/** An array of NumPy, as it pickles itself. */
function pickledArray(shape: readonly number[], values: Float32Array): Pickled {
  const type = withAttributes(
    pickledCall(pickledGlobal("numpy", "dtype"), pickledTuple(pickledText("f4"), pickledFalse(), pickledTrue())),
    pickledTuple(pickledInt(3), pickledText("<"), ...[
      pickledNone(),
      pickledNone(),
      pickledNone(),
      pickledInt(-1),
      pickledInt(-1),
      pickledInt(0),
    ]),
  );
  const empty = pickledCall(
    pickledGlobal("numpy.core.multiarray", "_reconstruct"),
    pickledTuple(pickledGlobal("numpy", "ndarray"), pickledTuple(pickledInt(0)), pickledBytes(Uint8Array.of(0x62))),
  );
  const extents = pickledTuple(...shape.map(pickledInt));
  return withAttributes(
    empty,
    pickledTuple(pickledInt(1), extents, type, pickledFalse(), pickledBytes(littleEndian(values))),
  );
}
