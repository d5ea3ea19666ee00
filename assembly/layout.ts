// The module's memory. All sizes are in bytes.
//
//   0            static data of the compiler (tables of NativeMath), below 16 KiB; the build checks it
//   PARAMETERS   weights, gradient, first and second moment of AdamW, one flat vector each
//   ABSORBED     folded weights, as the kernels read them: see absorb.ts
//   RUN          arguments of a number of training steps, written by the host
//   JOB          the job that the threads share: see threads.ts
//   LOSSES       losses and gradient norms of up to MAX_RUN steps
//   SLOT_…       the tables of the (token, position) slots
//   SLICES       gradient accumulators, one per slice of the batch
//   BLOCKS       tables of attention for decoding: see decode_tables.ts
//   WORKSPACES   the activations of one tile, for each thread
//   problems     operands in, tokens or logits out; starts at problemsBase() and grows with the memory

/** Width of the residual stream. */
export const D = 7;
/** Width of the feed-forward layer. */
export const F = 14;
/** Tokens of the vocabulary. */
export const T = 14;
/** Query positions 21 … 32. */
export const QUERIES = 12;
/** Positions that the model reads: 0 … 32. */
export const POSITIONS = 33;
/** Keys are processed in pairs, so there is a last one of zeros that no query sees. */
export const KEYS = POSITIONS + 1;
/** Positions of the prompt, 0 … 21, which every query sees. */
export const PROMPT = 22;
/** The position of `=`, the first query. */
export const FIRST_QUERY = 21;

export const PLUS = 10;
export const EQUALS = 11;
export const EOS = 13;

// The flat parameter vector, in floats: the order of src/model/variant.ts.
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
/** Floats of a flat vector in memory: 777, padded to a multiple of 16. */
export const PADDED = 784;

/** Coordinates of the residual stream that LayerNorm keeps: all but the mean. */
export const N = 6;

/** Bytes of one vector of six, seven or fourteen `v128`. */
export const ROW6 = 96;
export const ROW7 = 112;
export const ROW14 = 224;

export const PARAMETERS: usize = 16384;
export const GRADIENT: usize = PARAMETERS + PADDED * 4;
export const FIRST_MOMENT: usize = GRADIENT + PADDED * 4;
export const SECOND_MOMENT: usize = FIRST_MOMENT + PADDED * 4;
/** Splat constants of the elementary functions. */
export const CONSTANTS: usize = SECOND_MOMENT + PADDED * 4;
// Matrices of floats, rows MATRIX_ROW bytes apart: at most seven columns, and one that is 0. absorb.ts explains each of them.
export const MATRIX_ROW = 32;
export const REFLECTION: usize = CONSTANTS + 32 * 16; // (7, 7)
export const NORM1: usize = REFLECTION + 7 * MATRIX_ROW; // (7, 7)
export const NORM2: usize = NORM1 + 7 * MATRIX_ROW; // (7, 7)
export const NORM_F: usize = NORM2 + 7 * MATRIX_ROW; // (7, 7): the reflection where there is no final norm
export const QUERY_KEY_VALUE: usize = NORM_F + 7 * MATRIX_ROW; // (21, 7)
export const PROJECTED_VALUE: usize = QUERY_KEY_VALUE + 21 * MATRIX_ROW; // (7, 7)
export const TOKENS: usize = PROJECTED_VALUE + 7 * MATRIX_ROW; // (14, 7)
export const PLACES: usize = TOKENS + 14 * MATRIX_ROW; // (33, 7)
// The layout of linear7 and linear14: a row for each input with a float for each output.
export const ABSORBED_QUERY: usize = PLACES + 33 * MATRIX_ROW; // (7, 14): query^T, query
export const ABSORBED_PROJECTION: usize = ABSORBED_QUERY + 98 * 4; // (7, 14): projection^T, projection
export const ABSORBED_W1: usize = ABSORBED_PROJECTION + 98 * 4; // (7, 14): w1^T
export const ABSORBED_W1_BACK: usize = ABSORBED_W1 + 98 * 4; // (14, 8): w1
export const ABSORBED_W2: usize = ABSORBED_W1_BACK + 14 * MATRIX_ROW; // (14, 8): w2^T
export const ABSORBED_W2_BACK: usize = ABSORBED_W2 + 14 * MATRIX_ROW; // (7, 14): w2
export const ABSORBED_OUTPUT: usize = ABSORBED_W2_BACK + 98 * 4; // (7, 14): output^T
export const ABSORBED_OUTPUT_BACK: usize = ABSORBED_OUTPUT + 98 * 4; // (14, 8): output
export const RUN: usize = ABSORBED_OUTPUT_BACK + 14 * MATRIX_ROW + 64;

// The words of JOB, each on a cache line of its own: see threads.ts.
export const JOB: usize = RUN + 256;
export const JOB_NEXT: usize = JOB;
export const JOB_DONE: usize = JOB + 64;
export const JOB_LEFT: usize = JOB + 128;
export const JOB_PARKED: usize = JOB + 192;
export const JOB_WAITING: usize = JOB + 256;
export const JOB_TASK: usize = JOB + 320;
/** Not 0 if a thread has died. */
export const JOB_FAILED: usize = JOB + 324;
/** Steps that AdamW has taken; in memory, so that all instances share it. */
export const OPTIMIZER_STEPS: usize = JOB + 440;
/** The arguments of a job: see tasks.ts. */
export const TASK: usize = JOB + 384;

export const MAX_RUN = 4096;
export const LOSSES: usize = JOB + 448;
export const NORMS: usize = LOSSES + MAX_RUN * 4;

// A slot is a (token, position) pair that can occur. Training has 10 digits at 31 positions and the two symbols; decoding can have any token anywhere.
// Four slots are a group, the unit in which tables are computed.
/** 33 positions x 14 tokens, in fours. */
export const MAX_GROUPS = 116;
export const TRAINING_GROUPS = 78;
/** The first group of the training slots that contains a query position. */
export const TRAINING_QUERY_GROUP = 50;
export const DECODE_GROUPS = 116;
export const DECODE_QUERY_GROUP = 72;
/** Bytes of a row of the table of keys: 6 coordinates, 1, 0. */
export const KEY_ROW = 32;
/** Bytes of a row of the table of queries: 6 floats of the query and one of padding, 7 of x, two of padding. */
export const QUERY_ROW = 64;

export const TRAINING_SLOTS: usize = (NORMS + MAX_RUN * 4 + 63) & ~63;
export const DECODE_SLOTS: usize = TRAINING_SLOTS + MAX_GROUPS * 8;
export const SLOT_KEYS: usize = (DECODE_SLOTS + MAX_GROUPS * 8 + 63) & ~63;
export const SLOT_QUERIES: usize = SLOT_KEYS + TRAINING_GROUPS * 4 * KEY_ROW;
export const DECODE_KEYS: usize = SLOT_QUERIES + (TRAINING_GROUPS - TRAINING_QUERY_GROUP) * 4 * QUERY_ROW;
export const DECODE_QUERIES: usize = DECODE_KEYS + DECODE_GROUPS * 4 * KEY_ROW;
/** Normalized by LayerNorm 1: (group, 7, 4 lanes), the seventh is 1. */
export const SLOT_NORMALIZED: usize = DECODE_QUERIES + (DECODE_GROUPS - DECODE_QUERY_GROUP) * 4 * QUERY_ROW;
export const SLOT_RSTD: usize = SLOT_NORMALIZED + MAX_GROUPS * ROW7;
/** Gradients of the queries, for slots that have one: (group, 7, 4 lanes). */
export const SLOT_DQUERY: usize = SLOT_RSTD + MAX_GROUPS * 16;
/** Gradients of SLOT_NORMALIZED: (group, 7, 4 lanes), and space for one vector. */
export const SLOT_DNORMALIZED: usize = SLOT_DQUERY + MAX_GROUPS * ROW7;
/** Gradients of x: one row of 8 floats for each slot. */
export const SLOT_DX: usize = SLOT_DNORMALIZED + TRAINING_GROUPS * ROW7 + 16;
/** The gradient of the folded query, summed over the slots: (6, 7, 4 lanes). */
export const SLOT_DABSORBED: usize = SLOT_DX + TRAINING_GROUPS * 4 * 32;

// The gradients of one slice of the batch; (n, lanes) vectors are summed over their lanes at the end of the step.
// The matrices are those of absorb.ts.
export const SLICE_DKEYS: usize = 0; // rows like SLOT_KEYS
export const SLICE_DQUERIES: usize = SLICE_DKEYS + TRAINING_GROUPS * 4 * KEY_ROW; // rows like SLOT_QUERIES
export const SLICE_DOUTPUT: usize = SLICE_DQUERIES + (TRAINING_GROUPS - TRAINING_QUERY_GROUP) * 4 * QUERY_ROW; // (14, 7, lanes)
export const SLICE_DPROJECTION: usize = SLICE_DOUTPUT + 98 * 16; // (7, 7, lanes)
export const SLICE_DW1: usize = SLICE_DPROJECTION + 49 * 16; // (14, 7, lanes)
export const SLICE_DW2: usize = SLICE_DW1 + 98 * 16; // transposed: (14, 7, lanes)
export const SLICE_LOSS: usize = SLICE_DW2 + 98 * 16; // (lanes)
export const SLICE_SIZE = <i32> (SLICE_LOSS + 16);
export const MAX_SLICES = 16;

export const SLICES: usize = SLOT_DABSORBED + 42 * 16;

// Tables of attention for decoding: see decode_tables.ts.
/** The two symbols together, 20 digits of the operands, 11 tokens written before. */
export const BLOCK_ROWS = 1 + 20 * 10 + 11 * T;
/** A row is e times a row of the table of keys. */
export const BLOCK_ROW = 32;
export const BLOCK_SIZE = BLOCK_ROWS * BLOCK_ROW;
export const BLOCKS: usize = (SLICES + MAX_SLICES * SLICE_SIZE + 63) & ~63;
export const WORKSPACES: usize = (BLOCKS + QUERIES * T * BLOCK_SIZE + 63) & ~63;

// One tile: four examples, one per lane. Offsets within a workspace.
export const A_DIGITS: usize = 0; // (10) i32x4, ones first
export const B_DIGITS: usize = A_DIGITS + 10 * 16;
export const TILE_TOKENS: usize = B_DIGITS + 10 * 16; // (33) i32x4, as slot indices: 0 for the symbols
export const TILE_TARGETS: usize = TILE_TOKENS + POSITIONS * 16; // (12) i32x4, -1 in lanes that do not count
export const TILE_MASK: usize = TILE_TARGETS + QUERIES * 16; // 1 in lanes that count, else 0
export const KV: usize = TILE_MASK + 16; // (34, 6) keys, which are the values as well; row 33 is all zeros
export const QX: usize = KV + KEYS * ROW6; // (12, 14) queries and the residual stream at their positions, later their gradients
export const WEIGHTS: usize = QX + QUERIES * ROW14 + 32; // (12, 34) attention weights, not divided by their sum, later score gradients
export const WEIGHTS_ROW = KEYS * 16;
export const INVERSE_SUM: usize = WEIGHTS + QUERIES * WEIGHTS_ROW; // (12)
export const O: usize = INVERSE_SUM + QUERIES * 16; // (12, 7) attention output: 6, and 1
export const DO: usize = O + QUERIES * ROW7; // (12, 6), rows ROW14 apart like those of QX: gradient of O, divided by the sum of the weights
export const DO_DOT_O: usize = DO + QUERIES * ROW14; // (12)
export const X1: usize = DO_DOT_O + QUERIES * 16; // (12, 7) after attention
export const RSTD2: usize = X1 + QUERIES * ROW7; // (12)
export const NORMALIZED2: usize = RSTD2 + QUERIES * 16; // (12, 7): 6, and 1
export const U: usize = NORMALIZED2 + QUERIES * ROW7; // (12, 14) before GELU, later GELU's derivative, later the gradient of u
export const GELU: usize = U + QUERIES * ROW14; // (12, 14)
export const X2: usize = GELU + QUERIES * ROW14; // (12, 7) after the feed-forward layer
export const DX2: usize = X2 + QUERIES * ROW7; // (12, 7)
export const RSTD_F: usize = DX2 + QUERIES * ROW7; // (12)
export const NORMALIZED_F: usize = RSTD_F + QUERIES * 16; // (12, 7): 6, and 1
export const LOGITS: usize = NORMALIZED_F + QUERIES * ROW7; // (12, 14), later their gradient
export const DNORMALIZED2: usize = LOGITS + QUERIES * ROW14; // (12, 7)
export const DKV: usize = DNORMALIZED2 + QUERIES * ROW7; // (34, 6) gradients of the keys; before that (12, 14), gradients of the values of GELU
export const SCRATCH: usize = DKV + KEYS * ROW6; // (96) vectors for temporary use
export const ZEROS: usize = SCRATCH + 96 * 16; // (7)
/** Tiles that are decoded together: the steps of one tile wait for each other, those of several fill the pipeline. */
export const DECODE_TILES = 4;
export const DECODE_KV: usize = ZEROS + ROW7; // (4 tiles, 33, 6)
export const DECODE_TOKENS: usize = DECODE_KV + DECODE_TILES * POSITIONS * ROW6; // (4 tiles) i32x4
/** Counts the work that this thread has done: if it does not change for long, the thread is dead. */
export const BEATS: usize = DECODE_TOKENS + DECODE_TILES * 16;
export const WORKSPACE_SIZE = <i32> ((BEATS + 4 + 63) & ~63);
