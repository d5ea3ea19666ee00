// The module's memory, in bytes.
//
//   0            static data of the compiler (tables of NativeMath), below 16 KiB; the build checks it
//   PARAMETERS   weights, gradient, first and second moment of AdamW, one flat vector each
//   EPSILON …    constants
//   Folded       folded weights
//   RUN, Job     the host's training run; the job that the threads share, its arguments; losses and gradient norms of a run
//   Slot         tables of the (token, position) slots
//   SLICES       gradient accumulators, one per slice of the batch
//   BLOCKS       tables of attention for decoding
//   WORKSPACES   the activations of TRAINING_TILES tiles, for each thread
//   problems     operands in, tokens or logits out: from problemsBase() to the end of the memory
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

/** Bytes of a flat vector: 777 floats, padded to a multiple of 16. */
export const FLAT = 784 * 4;
export const PARAMETERS: usize = 16384;
export const GRADIENT: usize = PARAMETERS + FLAT;
export const FIRST_MOMENT: usize = GRADIENT + FLAT;
export const SECOND_MOMENT: usize = FIRST_MOMENT + FLAT;
// Constants are in memory, four copies each, because V8 rebuilds a `v128.const` at every use (measured: 1.15 times faster).
/** The epsilon of every LayerNorm. */
export const EPSILON: usize = SECOND_MOMENT + FLAT;
/** 1 / width of the residual stream. */
export const INVERSE_WIDTH: usize = EPSILON + 16;
/** The build makes coefficients.ts, their addresses, from src/engine/interface/coefficients.ts. */
export const COEFFICIENTS: usize = INVERSE_WIDTH + 16;

/** Matrices of fold_weights.ts. Those from QUERY on have a row for each input, as linear7 and linear14 read them. */
export namespace Folded {
  export const REFLECTION: usize = EPSILON + 64 * 16; // (7, 7)
  export const REFLECTION_BACK: usize = REFLECTION + 7 * MATRIX_ROW; // (7, 7): its transpose
  export const NORM1: usize = REFLECTION_BACK + 7 * MATRIX_ROW; // (7, 7)
  export const NORM2: usize = NORM1 + 7 * MATRIX_ROW; // (7, 7)
  export const NORM_F: usize = NORM2 + 7 * MATRIX_ROW; // (7, 7): the reflection where there is no final norm
  export const QKV: usize = NORM_F + 7 * MATRIX_ROW; // (21, 7)
  export const PROJECTED_VALUE: usize = QKV + 21 * MATRIX_ROW; // (7, 7)
  export const TOK: usize = PROJECTED_VALUE + 7 * MATRIX_ROW; // (14, 7)
  export const POS: usize = TOK + 14 * MATRIX_ROW; // (33, 7)
  export const QUERY: usize = POS + 33 * MATRIX_ROW; // (7, 14): query^T, query
  export const PROJECTION: usize = QUERY + 98 * 4; // (7, 14): projection^T, projection
  export const W1: usize = PROJECTION + 98 * 4; // (7, 14): w1^T
  export const W1_BACK: usize = W1 + 98 * 4; // (14, 8): w1
  export const W2: usize = W1_BACK + 14 * MATRIX_ROW; // (14, 8): w2^T
  export const W2_BACK: usize = W2 + 14 * MATRIX_ROW; // (7, 14): w2
  export const OUTPUT: usize = W2_BACK + 98 * 4; // (7, 14): output^T
  export const OUTPUT_BACK: usize = OUTPUT + 98 * 4; // (14, 8): output
  export const END: usize = OUTPUT_BACK + 14 * MATRIX_ROW + 64;
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
  /** The upper half of NEXT. */
  export const GENERATION: usize = NEXT + 4;
  export const DONE: usize = NEXT + 64;
  export const LEFT: usize = NEXT + 128;
  export const PARKED: usize = NEXT + 192;
  export const WAITING: usize = NEXT + 256;
  export const TASK: usize = NEXT + 320;
  /** Not 0 if a thread has died. */
  export const FAILED: usize = NEXT + 324;
  /** How many threads take part. */
  export const ACTIVE: usize = NEXT + 328;
  // The arguments of the task, 32-bit words.
  export const TILES: usize = NEXT + 384;
  export const SLICES: usize = NEXT + 388;
  export const SAMPLE: usize = NEXT + 392;
  export const PROBLEMS: usize = NEXT + 396;
  export const COUNT: usize = NEXT + 400;
  export const OUT: usize = NEXT + 404;
  export const BY_TABLES: usize = NEXT + 408;
  export const DOMAIN: usize = NEXT + 412;
  export const FIRST: usize = NEXT + 416;
  /** How many sums were wrong. */
  export const WRONG: usize = NEXT + 420;
  export const END: usize = NEXT + 448;
}

/** Steps that AdamW has taken; in memory, so that all instances share it. */
export const OPTIMIZER_STEPS: usize = Job.END - 8;
/** Steps of one call of {@linkcode train}, at most. */
export const MAX_RUN = 4096;
export const LOSSES: usize = Job.END;
export const NORMS: usize = LOSSES + MAX_RUN * 4;

// A slot is a (token, position) pair that can occur. Training has 10 digits at 31 positions and the two symbols; decoding can
// have any token anywhere. Four slots are a group, the unit in which tables are computed.
export const TRAINING_GROUPS = 78;
/** The first group of the training slots that contains a query position. */
export const TRAINING_QUERY_GROUP = 50;
export const DECODE_GROUPS = 116;
export const DECODE_QUERY_GROUP = 72;
/** Bytes of a row of a table of keys: 6 coordinates, 1, 0. */
export const KEY_ROW = 32;
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
  /** Normalized by LayerNorm 1: (group, 7, 4 lanes), the seventh is 1. */
  export const NORMALIZED: usize = DECODE_QUERIES + (DECODE_GROUPS - DECODE_QUERY_GROUP) * 4 * QUERY_ROW;
  export const RSTD: usize = NORMALIZED + DECODE_GROUPS * ROW7;
  /** Gradients of the queries, for slots that have one: (group, 7, 4 lanes). */
  export const DQUERY: usize = RSTD + DECODE_GROUPS * 16;
  /** Gradients of NORMALIZED: (group, 7, 4 lanes), and space for one vector. */
  export const DNORMALIZED: usize = DQUERY + DECODE_GROUPS * ROW7;
  /** Gradients of x: one row of 8 floats for each slot. */
  export const DX: usize = DNORMALIZED + TRAINING_GROUPS * ROW7 + 16;
  /** The gradient of the folded query, summed over the slots: (6, 7, 4 lanes). */
  export const DFOLDED_QUERY: usize = DX + TRAINING_GROUPS * 4 * 32;
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
  /** The two symbols together, 20 digits of the operands, 11 tokens written before. */
  export const ROWS = 1 + 20 * 10 + 11 * T;
  /** A row is e times a row of the table of keys. */
  export const ROW = 32;
  export const SIZE = ROWS * ROW;
}
export const BLOCKS: usize = (SLICES + MAX_SLICES * Slice.SIZE + 63) & ~63;
export const WORKSPACES: usize = (BLOCKS + QUERIES * T * Block.SIZE + 63) & ~63;

/** Tiles that are decoded together: the steps of one tile wait for each other, those of several fill the pipeline. */
export const DECODE_TILES = 4;
/** Tiles that each stage of training takes in turn. */
export const TRAINING_TILES = 4;

/** One tile: four examples, one per lane. Offsets within a workspace; (n) means n vectors. */
export namespace Tile {
  export const A_DIGITS: usize = 0; // (10) i32x4, ones first
  export const B_DIGITS: usize = A_DIGITS + 10 * 16;
  export const TOKENS: usize = B_DIGITS + 10 * 16; // (33) i32x4, as slot indices: 0 for the symbols
  export const TARGETS: usize = TOKENS + POSITIONS * 16; // (12) i32x4, -1 in lanes that do not count
  export const MASK: usize = TARGETS + QUERIES * 16; // 1 in lanes that count, else 0
  export const KV: usize = MASK + 16; // (34, 6) keys, which are the values as well; row 33 is all zeros
  export const QX: usize = KV + KEYS * ROW6; // (12, 14) queries and the residual stream there, later their gradients
  export const WEIGHTS: usize = QX + QUERIES * ROW14 + 32; // (12, 34) attention weights x their sum, later score gradients
  export const WEIGHTS_ROW = KEYS * 16;
  /** While {@linkcode decodeByTables} works: (12 tiles, 12) the right answer, and in place of its last token what differs. */
  export const EXPECTED: usize = WEIGHTS;
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
  export const DECODE_KV: usize = ZEROS + ROW7; // (4 tiles, 33, 6)
  export const DECODE_TOKENS: usize = DECODE_KV + DECODE_TILES * POSITIONS * ROW6; // (4 tiles) i32x4
  /** Counts the work that this thread has done: if it does not change for long, the thread is dead. */
  export const BEATS: usize = DECODE_TOKENS + DECODE_TILES * 16;
  export const SIZE = <i32> ((BEATS + 4 + 63) & ~63);
}
/** Bytes of a thread's workspace. */
export const WORKSPACE = TRAINING_TILES * Tile.SIZE;
