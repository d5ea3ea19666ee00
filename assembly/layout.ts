// The module's memory, in bytes, from its beginning to its end. Below PARAMETERS is static data of the compiler: tables of NativeMath, and the
// coefficients of elementary.ts, which the build takes from src/engine/interface/coefficients.ts.
// Behind the workspaces, from problemsBase() on, are the host's operands, and tokens or logits for it.
import { KEYS, MATRIX_ROW, POSITIONS, QUERIES, ROW14, ROW6, ROW7, T } from "./dimensions";

/** Where the tensors begin in a flat vector, in floats: the order of src/model/variant.ts. */
export namespace Tensor {
  export const TOK = 0;
  export const POS = 98;
  export const LN1_WEIGHT = 343;
  export const LN1_BIAS = 350;
  export const QKV = 357;
  export const PROJECTION = 504;
  export const LN2_WEIGHT = 553;
  export const LN2_BIAS = 560;
  export const W1 = 567;
  export const W2 = 665;
  export const LNF_WEIGHT = 763;
  export const LNF_BIAS = 770;
}

export const FLAT = 784 * 4; // bytes of a flat vector: 777 floats, padded to a multiple of 16
export const PARAMETERS: usize = ASC_LOW_MEMORY_LIMIT;
export const GRADIENT: usize = PARAMETERS + FLAT;
export const FIRST_MOMENT: usize = GRADIENT + FLAT;
export const SECOND_MOMENT: usize = FIRST_MOMENT + FLAT;
// Constants are in memory, four copies each, because V8 rebuilds a `v128.const` at every use (measured: 1.15 times faster).
export const EPSILON: usize = SECOND_MOMENT + FLAT; // of every LayerNorm
export const INVERSE_WIDTH: usize = EPSILON + 16; // 1 / width of the residual stream

// Matrices of fold_weights.ts, in its letters. Those from QUERY_BACK on are the weights of linear layers, with a row for each input; where there are
// fourteen outputs, those of the last seven are a matrix behind that of the first. From QUERY on they are the transposes of those before.
export namespace Folded {
  export const REFLECTION: usize = EPSILON + 64; // (7, 7)
  export const REFLECTION_BACK: usize = REFLECTION + 7 * MATRIX_ROW; // (7, 7): its transpose
  export const NORM1: usize = REFLECTION_BACK + 7 * MATRIX_ROW; // (7, 7)
  export const NORM2: usize = NORM1 + 7 * MATRIX_ROW; // (7, 7)
  export const NORM_F: usize = NORM2 + 7 * MATRIX_ROW; // (7, 7): the reflection where there is no final norm
  export const QKV: usize = NORM_F + 7 * MATRIX_ROW; // (21, 7)
  export const PROJECTED_VALUE: usize = QKV + 21 * MATRIX_ROW; // (7, 7)
  export const TOK: usize = PROJECTED_VALUE + 7 * MATRIX_ROW; // (14, 7): tok R
  export const POS: usize = TOK + 14 * MATRIX_ROW; // (33, 7): pos R
  export const QUERY_BACK: usize = POS + 33 * MATRIX_ROW; // (7, 7): C, scaled so that weights are powers of two
  export const PROJECTION_BACK: usize = QUERY_BACK + 7 * MATRIX_ROW; // (7, 7): R^T M
  export const W1_BACK: usize = PROJECTION_BACK + 7 * MATRIX_ROW; // (14, 7): W1 N2
  export const W2: usize = W1_BACK + 14 * MATRIX_ROW; // (14, 7): W2^T R
  export const OUTPUT_BACK: usize = W2 + 14 * MATRIX_ROW; // (14, 7): tok R, or tok N_f where there is a final norm
  export const QUERY: usize = OUTPUT_BACK + 14 * MATRIX_ROW;
  export const PROJECTION: usize = QUERY + 7 * MATRIX_ROW;
  export const W1: usize = PROJECTION + 7 * MATRIX_ROW;
  export const W2_BACK: usize = W1 + 14 * MATRIX_ROW;
  export const OUTPUT: usize = W2_BACK + 14 * MATRIX_ROW;
  export const END: usize = OUTPUT + 14 * MATRIX_ROW;
}

/** What the host asks for: doubles, their indices exported by name (`Run.seed`). */
export const RUN: usize = Folded.END;
export enum Run {
  seed,
  attempt,
  firstSample,
  firstStep,
  steps,
  minDigits,
  maxDigits,
  batch,
  stageSteps,
  learningRate,
  warmupSteps,
  floor,
  weightDecay,
  clipNorm,
  beta1,
  beta2,
  epsilon,
}

export function run(field: Run): f64 { // inline
  return load<f64>(RUN + field * 8);
}

/** What the threads share: the words that they wait for are on cache lines of their own. */
export namespace Job {
  export const NEXT: usize = RUN + 256;
  export const GENERATION: usize = NEXT + 4; // the upper half of NEXT
  export const DONE: usize = NEXT + 64;
  export const LEFT: usize = NEXT + 128;
  export const PARKED: usize = NEXT + 192;
  export const WAITING: usize = NEXT + 256;
  export const TASK: usize = NEXT + 320;
  export const FAILED: usize = NEXT + 324; // not 0 if a thread has died
  export const ACTIVE: usize = NEXT + 328; // how many threads take part
  // The arguments of the task, 32-bit words. PROBLEMS is 0 where the sampler draws them: by SAMPLE, DOMAIN and FIRST.
  export const SAMPLE: usize = NEXT + 392;
  export const PROBLEMS: usize = NEXT + 396;
  export const COUNT: usize = NEXT + 400;
  export const OUT: usize = NEXT + 404;
  export const BY_TABLES: usize = NEXT + 408; // whether the tables of decode_tables.ts can be used
  export const DOMAIN: usize = NEXT + 412;
  export const FIRST: usize = NEXT + 416;
  export const WRONG: usize = NEXT + 420; // how many sums were wrong
  export const END: usize = NEXT + 448;
}

/** Steps that AdamW has taken; in memory, so that all instances share it. */
export const OPTIMIZER_STEPS: usize = Job.END - 8;
export const MAX_RUN = 4096; // steps of one call of train(), at most
export const LOSSES: usize = Job.END;
export const NORMS: usize = LOSSES + MAX_RUN * 4;

// A slot is a (token, position) pair that can occur. Training has 10 digits at 31 positions and the two symbols; decoding can
// have any token anywhere. Four slots are a group, the unit in which tables are computed.
export const TRAINING_GROUPS = 78;
export const TRAINING_QUERY_GROUP = 50; // the first that contains a query position
export const DECODE_GROUPS = 116;
export const DECODE_QUERY_GROUP = 72;
export const KEY_ROW = 32; // bytes of a row of a table of keys: 6 coordinates, 1, 0
/** Bytes of a row of a table of queries: 6 floats of the query and one of padding, 7 of x, two of padding. */
export const QUERY_ROW = 64;

// The names KEYS and QUERIES alone are the numbers above.
export namespace Slot {
  export const TRAINING: usize = (NORMS + MAX_RUN * 4 + 63) & ~63; // (token, position), a byte each
  export const DECODE: usize = TRAINING + DECODE_GROUPS * 8;
  export const KEYS: usize = (DECODE + DECODE_GROUPS * 8 + 63) & ~63;
  export const QUERIES: usize = Slot.KEYS + TRAINING_GROUPS * 4 * KEY_ROW;
  export const DECODE_KEYS: usize = Slot.QUERIES + (TRAINING_GROUPS - TRAINING_QUERY_GROUP) * 4 * QUERY_ROW;
  export const DECODE_QUERIES: usize = DECODE_KEYS + DECODE_GROUPS * 4 * KEY_ROW;
  // (group, 7, 4 lanes): normalized by LayerNorm 1, the seventh is 1
  export const NORMALIZED: usize = DECODE_QUERIES + (DECODE_GROUPS - DECODE_QUERY_GROUP) * 4 * QUERY_ROW;
  export const RSTD: usize = NORMALIZED + DECODE_GROUPS * ROW7; // (group, 4 lanes)
  export const DQUERY: usize = RSTD + DECODE_GROUPS * 16; // (group, 7, 4 lanes), of slots that have a query
  export const DNORMALIZED: usize = DQUERY + DECODE_GROUPS * ROW7; // (group, 7, 4 lanes), and space for one vector
  export const DX: usize = DNORMALIZED + TRAINING_GROUPS * ROW7 + 16; // gradients of x: (slot, 8)
  export const DFOLDED_QUERY: usize = DX + TRAINING_GROUPS * 4 * 32; // (6, 7, 4 lanes), summed over the slots
  export const END: usize = DFOLDED_QUERY + 42 * 16;
}

/** The gradients of one slice of the batch; (n, lanes) vectors are summed over their lanes at the end of the step. */
export namespace Slice {
  export const DKEYS: usize = 0; // rows like Slot.KEYS
  export const DQUERIES: usize = DKEYS + TRAINING_GROUPS * 4 * KEY_ROW; // rows like Slot.QUERIES
  export const DOUTPUT: usize = DQUERIES + (TRAINING_GROUPS - TRAINING_QUERY_GROUP) * 4 * QUERY_ROW; // (14, 7, lanes)
  export const DPROJECTION: usize = DOUTPUT + 98 * 16; // (7, 7, lanes)
  export const DW1: usize = DPROJECTION + 49 * 16; // (14, 7, lanes)
  export const DW2: usize = DW1 + 98 * 16; // transposed: (14, 7, lanes)
  export const LOSS: usize = DW2 + 98 * 16; // (lanes)
  export const SIZE = <i32> (LOSS + 16);
}
export const MAX_SLICES = 16;
export const SLICES: usize = Slot.END;

/** A table of attention for decoding: one step and query token. */
export namespace Block {
  export const ROWS = 1 + 20 * 10 + 11 * T; // the two symbols together, the digits of the operands, 11 tokens written before
  export const ROW = 32; // bytes: e times a row of the table of keys
  export const SIZE = ROWS * ROW;
}
export const BLOCKS: usize = (SLICES + MAX_SLICES * Slice.SIZE + 63) & ~63;
export const WORKSPACES: usize = (BLOCKS + QUERIES * T * Block.SIZE + 63) & ~63;

export const TRAINING_TILES = 4; // tiles that each stage of training takes in turn

/** One tile: four examples, one per lane. Offsets within a workspace; (n) means n vectors. */
export namespace Tile {
  export const A_DIGITS: usize = 0; // (10) i32x4, ones first
  export const B_DIGITS: usize = A_DIGITS + 10 * 16;
  export const TOKENS: usize = B_DIGITS + 10 * 16; // (33) i32x4, as slot indices: 0 for the symbols
  export const TARGETS: usize = TOKENS + POSITIONS * 16; // (12) i32x4, -1 in lanes that do not count; decoding: (12 tiles) last tokens
  export const MASK: usize = TARGETS + QUERIES * 16; // 1 in lanes that count, else 0
  export const KV: usize = MASK + 16; // (34, 6) keys, which are the values as well; row 33 is all zeros
  export const QX: usize = KV + KEYS * ROW6; // (12, 14) queries and the residual stream there, later their gradients
  export const WEIGHTS: usize = QX + QUERIES * ROW14; // (12, 34) attention weights x their sum, later score gradients
  export const WEIGHTS_ROW = KEYS * 16;
  export const EXPECTED: usize = WEIGHTS; // decoding by tables: (12 tiles, 12) i32x4
  export const INVERSE_SUM: usize = WEIGHTS + QUERIES * WEIGHTS_ROW; // (12)
  export const O: usize = INVERSE_SUM + QUERIES * 16; // (12, 7) attention output: 6, and 1
  export const DO: usize = O + QUERIES * ROW7; // (12, 6), rows ROW14 apart like QX: gradient of O, divided by the sum
  export const DO_LN2: usize = DO + ROW7; // (12, 6), between the rows of DO: ln 2 DO
  export const DO_DOT_O: usize = DO + QUERIES * ROW14; // (12): ln 2 DO . O
  export const X1: usize = DO_DOT_O + QUERIES * 16; // (12, 7) after attention
  export const RSTD2: usize = X1 + QUERIES * ROW7; // (12)
  export const NORMALIZED2: usize = RSTD2 + QUERIES * 16; // (12, 7): 6, and 1
  export const U: usize = NORMALIZED2 + QUERIES * ROW7; // (12, 14) before GELU, later GELU's derivative, later dL/du
  export const GELU: usize = U + QUERIES * ROW14; // (12, 14)
  export const X2: usize = GELU + QUERIES * ROW14; // (12, 7) after the feed-forward layer
  export const DX2: usize = X2 + QUERIES * ROW7; // (12, 7)
  export const RSTD_F: usize = DX2 + QUERIES * ROW7; // (12)
  export const NORMALIZED_F: usize = RSTD_F + QUERIES * 16; // (12, 7): 6, and 1
  export const LOGITS: usize = NORMALIZED_F + QUERIES * ROW7; // (12, 14), later their gradient
  export const DNORMALIZED2: usize = LOGITS + QUERIES * ROW14; // (12, 7)
  export const DKV: usize = DNORMALIZED2 + QUERIES * ROW7; // (34, 6) gradients of the keys; before that (12, 14) of GELU
  export const SCRATCH: usize = DKV + KEYS * ROW6; // (96)
  export const ZEROS: usize = SCRATCH + 96 * 16; // (7)
  export const DECODE_KV: usize = ZEROS + ROW7; // (4 tiles, 33, 6); by tables: (12 tiles, 31) i32x4
  /** Counts the work that this thread has done: if it does not change for long, the thread is dead. */
  export const BEATS: usize = DECODE_KV + 4 * POSITIONS * ROW6;
  export const SIZE = <i32> ((BEATS + 4 + 63) & ~63);
}
export const WORKSPACE = TRAINING_TILES * Tile.SIZE; // bytes of a thread's workspace
