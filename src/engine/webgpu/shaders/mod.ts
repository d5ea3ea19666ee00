/**
 * Reading order: vectors.ts (functions, vectors, matrices), slots.ts (tokens and their tables), query.ts (one query, both ways), gradient.ts (sums over
 * a batch, AdamW), entries.ts (what is dispatched). For the same bytes every time each sum belongs to one invocation, and no order depends on which
 * workgroup is first.
 */
import { type Variant, WIDTH } from "../../../model/variant.ts";
import { POSITIONS_READ, QUERIES } from "../../../model/vocabulary.ts";
import { packingOf } from "./layout.ts";
import { ENTRIES } from "./entries.ts";
import { GRADIENT } from "./gradient.ts";
import { QUERY } from "./query.ts";
import { SLOTS } from "./slots.ts";
import { VECTORS } from "./vectors.ts";

const THREADS = 192; // invocations of a workgroup, one for two queries of a tile: WebGPU guarantees 256
export const TILE = 32; // examples that a workgroup works on at a time
export const DECODERS = 64; // invocations of a workgroup that decodes, two problems each

/** Storage buffers, in the order of their bindings. WebGPU guarantees eight. */
export const BINDINGS = [
  { name: "runs", access: "read", type: "Run" },
  { name: "schedule", access: "read", type: "Step" },
  { name: "problems", access: "read", type: "vec4u" },
  { name: "states", access: "read_write", type: "vec4f" },
  { name: "cursors", access: "read_write", type: "u32" },
  { name: "reports", access: "read_write", type: "vec2f" },
  { name: "tables", access: "read_write", type: "vec4f" },
  { name: "workspace", access: "read_write", type: "vec4f" },
] as const;

export type BufferName = (typeof BINDINGS)[number]["name"];

/** Fields of `Run`: what one model is asked to do in one submission. */
export const RUN = {
  firstStep: "u32", // its first entry in `schedule` and `reports`
  steps: "u32",
  stride: "u32", // most steps of one dispatch of `train`; or the number of tiles
  ...{ seed: "u32", attempt: "u32", firstSample: "u32", minDigits: "u32", maxDigits: "u32", batch: "u32" },
  updates: "u32", // 0: only the gradient is computed
  given: "u32", // 1: the examples are those in `problems`, 0: they are drawn
  firstProblem: "u32",
  radix: "u32", // of the tables that `prepare` fills
  taught: "u32", // 1: `decode` is given the right sum and answers with logits, 0: it answers with tokens
  clipNorm: "f32", // 0: no clipping
  ...{ beta1: "f32", rest1: "f32", beta2: "f32", rest2: "f32", epsilon: "f32" }, // rest1 is 1 - beta1
} as const;

/**
 * Sizes, and where things begin, in `vec4f`s. A workgroup's workspace has the sums of its tiles, first those of slots, (slots, 4): k, v, and (query slots,
 * 4): q, x; from TOTALS on the other sums, in the order of the packed gradient. Then what one tile leaves behind: from SUMS on records of queries, (queries,
 * RECORD), later the groups' sums and the records of slots; KEY_RECORDS (examples, keys, 4): k, v; SCORES (examples, keys, 12 queries): their gradients.
 */
export function constantsOf(variant: Variant) {
  const { vectors: VECTORS, offsets } = packingOf(variant);
  const NORM_TASKS = variant.finalNorm ? 8 : 4;
  const RECORD = 28 + NORM_TASKS;
  const TABLE = 4 * (14 * 31 + 2 + 14 * 11 + 1); // the tables of one model: those of decoding are the larger ones
  const TOTALS = 4 * (10 * 31 + 2 + 10 * 11 + 1);
  const SUMS = TOTALS + offsets.POSITION;
  const KEY_RECORDS = SUMS + TILE * QUERIES * RECORD;
  const SCORES = KEY_RECORDS + 4 * TILE * POSITIONS_READ;
  const WORKSPACE = SCORES + 3 * TILE * POSITIONS_READ;
  return { ...offsets, VECTORS, NORM_TASKS, RECORD, TABLE, TOTALS, SUMS, KEY_RECORDS, SCORES, WORKSPACE };
}

const DECLARATIONS = /* wgsl */ `
struct Run { ${Object.entries(RUN).map(([name, type]) => `${name}: ${type}`).join(", ")} }

// The learning rate of a step and AdamW's corrections: rate / (1 - beta1^t), 1 / sqrt(1 - beta2^t), 1 - rate x decay.
struct Step { stepSize: f32, inverseRoot: f32, keep: f32 }

var<workgroup> weights: array<vec4f, VECTORS>;
var<workgroup> firstMoment: array<vec4f, VECTORS>;
var<workgroup> secondMoment: array<vec4f, VECTORS>;
var<workgroup> partialSums: array<f32, THREADS>;
var<workgroup> tokens: array<u32, 8u * DECODERS>; // four words a sequence
var<workgroup> control: u32; // what all invocations must agree on

var<private> thread: u32;
var<private> work: u32; // where this workgroup's workspace begins
var<private> table: u32; // where the tables of this model begin
var<private> gradient: u32; // where the gradient of this model begins in \`states\`

fn barrier() {
  storageBarrier();
  workgroupBarrier();
}
`;

export function shaderOf(variant: Variant): string {
  const lanes = Array.from({ length: WIDTH }, (_, i) => i < variant.width ? "1.0" : "0.0");
  const constants = { ...constantsOf(variant), THREADS, DECODERS, EXAMPLES: TILE, QUERIES, KEYS: POSITIONS_READ };
  return [
    ...Object.entries(constants).map(([name, value]) => `const ${name} = ${value}u;`),
    `const WIDTH = ${variant.width}.0;`,
    `const LANES_A = vec4f(${lanes.slice(0, 4)});`,
    `const LANES_B = vec3f(${lanes.slice(4)});`,
    `const SCORE_SCALE = ${1 / Math.sqrt(variant.width)};`,
    `const FINAL_NORM = ${variant.finalNorm};`,
    `const TANH = ${variant.gelu === "tanh"};`,
    `const LAYER_NORM_EPSILON = ${variant.layerNormEpsilon};`,
    ...BINDINGS.map(({ name, access, type }, i) =>
      `@group(0) @binding(${i}) var<storage, ${access}> ${name}: array<${type}>;`
    ),
    DECLARATIONS,
    ...[VECTORS, SLOTS, QUERY, GRADIENT, ENTRIES],
  ].join("\n");
}
