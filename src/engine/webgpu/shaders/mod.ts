/**
 * Reading order: vectors.ts (functions, vectors, matrices), slots.ts (tokens and their tables), query.ts (one query, both ways), gradient.ts (sums over
 * a batch, AdamW), entries.ts (what is dispatched). For the same bytes every time each sum belongs to one invocation, and no order depends on which
 * workgroup is first.
 */
import { type Variant, WIDTH } from "../../../model/variant.ts";
import { packingOf } from "./layout.ts";
import { ENTRIES } from "./entries.ts";
import { GRADIENT } from "./gradient.ts";
import { QUERY } from "./query.ts";
import { SLOTS } from "./slots.ts";
import { VECTORS } from "./vectors.ts";

/** Invocations of every workgroup: one for two queries of a tile of 32 examples. WebGPU guarantees 256. */
export const THREADS = 192;

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

/** `vec4f`s that the tables of one model take: those of decoding are the larger ones. */
export const TABLE: number = 4 * (14 * 31 + 2 + 14 * 11 + 1);

/** Examples that a workgroup works on at a time. */
export const TILE = 32;

/** Invocations of a workgroup that decodes, two problems each. */
export const DECODERS = 64;

/** `vec4f`s of one workgroup's workspace and of its sums, as shaders/gradient.ts adds them up from the same parts. */
export function workspaceOf({ finalNorm }: Variant): { vectors: number; sums: number } {
  const normTasks = finalNorm ? 8 : 4;
  const sums = 4 * (312 + 111) + 7 * (14 + normTasks);
  const record = 14 + normTasks + 14;
  return { sums, vectors: sums + TILE * (12 * record + 7 * 33) };
}

const DECLARATIONS = /* wgsl */ `
// What one model is asked to do in one submission.
struct Run {
  model: u32, // its index in \`states\`
  firstStep: u32, // its first entry in \`schedule\` and \`reports\`
  steps: u32,
  stride: u32, // most steps of one dispatch of \`train\`; or the number of tiles
  seed: u32,
  attempt: u32,
  given: u32, // 1: the examples are those in \`problems\`, 0: they are drawn
  firstProblem: u32,
}

// One step. The learning rate and AdamW's corrections are in stepSize = rate / (1 - beta1^t), inverseRoot = 1 / sqrt(1 - beta2^t) and keep = 1 - rate x decay.
// Where \`updates\` is 0 only the gradient is wanted; where \`clipNorm\` is 0 there is no clipping; rest1 is 1 - beta1.
struct Step {
  sample: u32, minDigits: u32, maxDigits: u32, batch: u32, updates: u32,
  stepSize: f32, inverseRoot: f32, keep: f32, clipNorm: f32,
  beta1: f32, rest1: f32, beta2: f32, rest2: f32, epsilon: f32,
}

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
  const { vectors, offsets } = packingOf(variant);
  const lanes = Array.from({ length: WIDTH }, (_, i) => i < variant.width ? "1.0" : "0.0");
  const constants = {
    ...offsets,
    VECTORS: vectors,
    THREADS,
    TABLE,
    DECODERS,
    NORM_TASKS: variant.finalNorm ? 8 : 4,
  };
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
