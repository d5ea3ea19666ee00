/**
 * Where the tensors of a model lie on the GPU.
 *
 * A matrix with rows of seven is cut into blocks of four rows, and a block into its seven columns, each a `vec4f`: four rows times a vector, and the
 * sum of outer products that is the gradient, are then seven multiply-adds of a `vec4f`. Rows that only fill a block up are zero and stay zero.
 */
import { paddedIndices, paddedVariant } from "../../../model/padding.ts";
import { parameterCount, type Variant, WIDTH } from "../../../model/variant.ts";

/** `vec4f`s of a vector of seven numbers. */
const VECTOR = 2;

/** A matrix of the packed model: `rows` rows of seven of a tensor from `from` on, or, transposed, its columns. */
interface Matrix {
  readonly name: string;
  readonly tensor: string;
  readonly rows: number;
  readonly from?: number;
  readonly transposed?: boolean;
}

/** In the order of the packed model. The first four have their gradient summed over queries, the next three over slots. */
const MATRICES: readonly Matrix[] = [
  { name: "W1", tensor: "blocks.0.ffn.w1.weight", rows: 14 },
  { name: "W2", tensor: "blocks.0.ffn.w2.weight", rows: 14, transposed: true },
  { name: "TOK", tensor: "tok_emb.weight", rows: 14 },
  { name: "PROJECTION", tensor: "blocks.0.attn.proj.weight", rows: 7 },
  { name: "QUERY", tensor: "blocks.0.attn.qkv.weight", rows: 7, from: 0 },
  { name: "KEY", tensor: "blocks.0.attn.qkv.weight", rows: 7, from: 7 },
  { name: "VALUE", tensor: "blocks.0.attn.qkv.weight", rows: 7, from: 14 },
];

export type Packing = ReturnType<typeof packingOf>;

/**
 * Lays the parameters of a variant out; narrow models are padded with zeros.
 *
 * @returns The number of `vec4f`s; the index of the first one of each part, by the part's name in the shaders; for each parameter of the flat vector
 * the index of its float
 */
export function packingOf(variant: Variant) {
  const padded = paddedVariant(variant);
  const tensor = (name: string) => padded.tensors.find((spec) => spec.name === name)!;
  const offsets: Record<string, number> = {};
  const indices = new Uint32Array(parameterCount(padded)); // of the padded parameters
  let vectors = 0;

  for (const { name, tensor: of, rows, from = 0, transposed } of MATRICES) {
    const { offset, shape } = tensor(of);
    offsets[name] = vectors;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < WIDTH; column++) {
        const index = transposed ? column * shape[1] + row : (from + row) * WIDTH + column;
        indices[offset + index] = 4 * (vectors + WIDTH * (row >> 2) + column) + (row & 3);
      }
    }
    vectors += WIDTH * Math.ceil(rows / 4);
  }

  // LayerNorms: those above the attention first, whose gradient is summed over queries
  const norms = [["LN2", "blocks.0.ln2"], ...(variant.finalNorm ? [["LNF", "ln_f"]] : []), ["LN1", "blocks.0.ln1"]];
  for (const [name, prefix] of norms) {
    offsets[name] = vectors;
    for (const part of ["weight", "bias"]) {
      const { offset, size } = tensor(`${prefix}.${part}`);
      for (let i = 0; i < size; i++) indices[offset + i] = 4 * vectors + i;
      vectors += VECTOR;
    }
  }

  offsets.POSITION = vectors;
  const { offset, shape } = tensor("pos_emb.weight");
  for (let position = 0; position < shape[0]; position++) {
    for (let i = 0; i < WIDTH; i++) indices[offset + position * WIDTH + i] = 4 * vectors + i;
    vectors += VECTOR;
  }
  return { vectors, offsets, indices: paddedIndices(variant).map((index) => indices[index]) };
}

/** Writes a flat vector into its packed form, which must hold zeros where it has no parameter. */
export function pack(flat: Float32Array, { indices }: Packing, packed: Float32Array): void {
  indices.forEach((index, i) => packed[index] = flat[i]);
}

/** Reads a flat vector off its packed form. */
export function unpack(packed: Float32Array, { indices }: Packing): Float32Array {
  return Float32Array.from(indices, (index) => packed[index]);
}
