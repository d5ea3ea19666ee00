/** The 777 model as https://github.com/yhavinga/gpt-acc-jax pickles it: nested dicts of arrays. Flax's kernels are [in, out], PyTorch's weights [out, in]. */
import { refuse } from "../common/error.ts";
import { keyText, PickleDict } from "../common/pickle_reader.ts";
import { call, globalName, type Picklable, pickle, withState } from "../common/pickle_writer.ts";
import { FileTensor } from "../common/tensor.ts";
import { type CheckpointSource, tensorsToWrite } from "../safetensors/checkpoint.ts";

const BLOCK = "TransformerBlock_0";

/** PyTorch's names by the paths of Flax, which numbers the layers of one class in the order in which the model calls them. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["Embed_0.embedding", "tok_emb.weight"],
  ["Embed_1.embedding", "pos_emb.weight"],
  [`${BLOCK}.LayerNorm_0.scale`, "blocks.0.ln1.weight"],
  [`${BLOCK}.LayerNorm_0.bias`, "blocks.0.ln1.bias"],
  [`${BLOCK}.CausalSelfAttention_0.Dense_0.kernel`, "blocks.0.attn.qkv.weight"],
  [`${BLOCK}.CausalSelfAttention_0.Dense_1.kernel`, "blocks.0.attn.proj.weight"],
  [`${BLOCK}.LayerNorm_1.scale`, "blocks.0.ln2.weight"],
  [`${BLOCK}.LayerNorm_1.bias`, "blocks.0.ln2.bias"],
  [`${BLOCK}.Dense_0.kernel`, "blocks.0.ffn.w1.weight"],
  [`${BLOCK}.Dense_1.kernel`, "blocks.0.ffn.w2.weight"],
  ["LayerNorm_0.scale", "ln_f.weight"],
  ["LayerNorm_0.bias", "ln_f.bias"],
  ["Dense_0.kernel", "output_proj.weight"], // where it is not tied to the token embedding
]);
/** What a tree may hold, arrays and dicts: the model has 25. Dicts that share their children can make a tree of any size. */
const MOST_ENTRIES = 256;

const isKernel = (path: string) => path.endsWith(".kernel");

/** The arrays of a tree by PyTorch's names, or by their paths where PyTorch has none. Undefined if it is not the model's. */
export function stateDictOfFlax(tree: PickleDict): Map<string, FileTensor> | undefined {
  const isTree = ["Embed_0", BLOCK].every((key) => tree.entries.get(key) instanceof PickleDict);
  const queue: [path: string, dict: PickleDict][] = isTree ? [["", tree]] : [];
  const tensors = new Map<string, FileTensor>();
  let entries = 0;
  for (const [path, dict] of queue) { // grows while it is gone through
    entries += dict.entries.size;
    if (entries > MOST_ENTRIES) return undefined;
    for (const [key, value] of dict.entries) {
      const here = `${path}${keyText(key)}`;
      if (value instanceof FileTensor) tensors.set(NAMES.get(here) ?? here, isKernel(here) ? value.transposed : value);
      else if (value instanceof PickleDict) queue.push([`${here}.`, value]);
    }
  }
  return isTree ? tensors : undefined;
}

/**
 * Writes the weights of a 777 model as the parameters that gpt-acc-jax pickles: `model.apply(pickle.load(file), tokens)` takes them.
 *
 * @example Usage
 * ```ts
 * import { encodeFlax, importCheckpoint } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodeFlax({ model: 777, parameters: new Float32Array(777), metadata: {} });
 * assertEquals((await importCheckpoint(bytes)).model, 777);
 * ```
 *
 * @returns The bytes of the pickle; the same weights give the same bytes
 * @throws {CheckpointError} If it is another model, the number of parameters is wrong, or one is not finite
 */
export function encodeFlax(source: CheckpointSource): Uint8Array<ArrayBuffer> {
  const { model, tensors } = tensorsToWrite(source);
  const must = "they must be those of model 777, which Flax's program is";
  if (model !== 777) refuse("write pickled Flax parameters", `${must}: current model is ${model}`);
  const root = new Map<string, Picklable>();
  for (const { name, shape, bytes } of tensors) {
    const [path] = [...NAMES].find(([, other]) => other === name)!;
    const keys = ["params", ...path.split(".")];
    const leaf = keys.pop()!;
    const dict = keys.reduce((outer, key) => {
      if (!outer.has(key)) outer.set(key, new Map<string, Picklable>());
      return outer.get(key) as typeof root;
    }, root);
    dict.set(leaf, isKernel(path) ? pickledArray(shape.toReversed(), bytes, true) : pickledArray(shape, bytes, false));
  }
  return pickle(root, 3);
}

/** A weight in column-major order is its transpose in row-major order. */
function pickledArray(shape: readonly number[], elements: Uint8Array, columnMajor: boolean): Picklable {
  const type = withState(call("numpy dtype", "f4", false, true), [3, "<", null, null, null, -1, -1, 0]);
  const empty = call("numpy.core.multiarray _reconstruct", globalName("numpy ndarray"), [0], Uint8Array.of(0x62));
  return withState(empty, [1, shape, type, columnMajor, elements]);
}
