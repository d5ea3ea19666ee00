/**
 * Where the tensors of a model lie on the GPU. A matrix with rows of seven is cut into blocks of four rows, and a block into its seven columns, each a `vec4f`: four rows times a vector, and the
 * sum of outer products that is the gradient, are then seven multiply-adds of a `vec4f`. Rows that only fill a block up are zero and stay zero.
 */
import { paddedIndices, paddedVariant, parameterCount, type Variant, WIDTH } from "../../../model/variant.ts";

/**
 * The matrices, in the order of the packed model: `rows` rows of seven of a tensor from `from` on, or, transposed, its columns. The first four have
 * their gradient summed over queries, the next three over slots.
 */
const MATRICES: readonly { name: string; tensor: string; rows: number; from?: number; transposed?: boolean }[] = [
  { name: "W1", tensor: "blocks.0.ffn.w1.weight", rows: 14 },
  { name: "W2", tensor: "blocks.0.ffn.w2.weight", rows: 14, transposed: true },
  { name: "TOK", tensor: "tok_emb.weight", rows: 14 },
  { name: "PROJECTION", tensor: "blocks.0.attn.proj.weight", rows: 7 },
  { name: "QUERY", tensor: "blocks.0.attn.qkv.weight", rows: 7, from: 0 },
  { name: "KEY", tensor: "blocks.0.attn.qkv.weight", rows: 7, from: 7 },
  { name: "VALUE", tensor: "blocks.0.attn.qkv.weight", rows: 7, from: 14 },
];

/** Behind the matrices: tensors whose rows are vectors of two `vec4f`s each. LNF is empty without a final norm. The first two are summed over queries. */
const VECTORS = [["LN2", "blocks.0.ln2"], ["LNF", "ln_f"], ["LN1", "blocks.0.ln1"], ["POSITION", "pos_emb"]];

/**
 * Lays the parameters of a variant out; narrow models are padded with zeros.
 *
 * @returns The number of `vec4f`s, and the index of the first one of each part, by the part's name in the shaders
 */
export function packingOf(variant: Variant) {
  const padded = paddedVariant(variant);
  const offsets: Record<string, number> = {};
  const indices = new Uint32Array(parameterCount(padded)); // of the padded parameters
  let vectors = 0;

  for (const { name, tensor: of, rows, from = 0, transposed } of MATRICES) {
    const { offset, shape } = padded.tensors.find((spec) => spec.name === of)!;
    offsets[name] = vectors;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < WIDTH; column++) {
        const index = transposed ? column * shape[1] + row : (from + row) * WIDTH + column;
        indices[offset + index] = 4 * (vectors + WIDTH * (row >> 2) + column) + (row & 3);
      }
    }
    vectors += WIDTH * Math.ceil(rows / 4);
  }

  for (const [name, prefix] of VECTORS) {
    offsets[name] = vectors;
    for (const { offset, size } of padded.tensors.filter((spec) => spec.name.startsWith(prefix))) {
      for (let i = 0; i < size; i++) indices[offset + i] = 4 * (vectors + 2 * Math.floor(i / WIDTH)) + i % WIDTH;
      vectors += 2 * size / WIDTH;
    }
  }
  const at = paddedIndices(variant).map((index) => indices[index]);
  const length = 4 * vectors;
  return {
    ...{ vectors, offsets },
    /** Packs flat vectors one behind the other. */
    pack(flats: readonly Float32Array[]): Float32Array<ArrayBuffer> {
      const packed = new Float32Array(flats.length * length);
      flats.forEach((flat, k) => at.forEach((index, i) => packed[k * length + index] = flat[i]));
      return packed;
    },
    unpack(packed: Float32Array): Float32Array[] {
      const flat = (_: unknown, k: number) => Float32Array.from(at, (index) => packed[k * length + index]);
      return Array.from({ length: packed.length / length }, flat);
    },
  };
}
