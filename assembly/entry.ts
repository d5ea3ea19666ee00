// The core of tiny-adder, and the entry of the module with all of it. Reading order:
//   dimensions, layout, simd, elementary          sizes and the variant; the memory; four lanes at once; exp, ln and GELU
//   fold_weights, layers, sums                    folded weights; LayerNorm and linear layers; gradients of weights
//   philox, tile, slots                           random words; four examples as tokens; tables per (token, position)
//   attention, attention_sums, feed_forward       the kernels of one tile, forward and backward
//   initialization, gradient, optimizer           first weights; the gradient of a batch; one step of AdamW
//   decode_keys, decode_tables, decode            attention for decoding of few problems, and of many; greedy decoding
//   tasks, threads                                work for several threads
// The other entries: adder only decodes; stages is that of bench/stages.ts, decode_logits that of tests/certify/engine_margins.ts.
import { finalNorm, QUERIES, T } from "./dimensions";
import { Block, Job, LOSSES, NORMS, Run, run, Tile, WORKSPACES } from "./layout";
import { finishGradient, FORWARD_STAGES, prepareSlots, reduceSlices, sliceCount, tileStages } from "./gradient";
import { learningRate, optimizerStep } from "./optimizer";
import { exp2, geluErf, geluTanh, ln } from "./elementary";
import { DECODE_PART, TASK_DECODE, TASK_SLICE } from "./tasks";
import { runJob } from "./threads";
import { prepareDecodingSlots } from "./decode_keys";
import { fillTables } from "./decode_tables";
import { DOMAIN_TRAINING, drawTile, layOutExample, readTile, storeLanes } from "./tile";

export * from "./adder";
export { Run } from "./layout";
export { heartbeats, serve, setActiveThreads, setPatience, setThreads, stopThreads } from "./threads";
export { initialize } from "./initialization";
export { learningRate, optimizerStep, optimizerSteps, setOptimizerSteps } from "./optimizer";

// The parts of the layout that the host uses.
export { FIRST_MOMENT as firstMomentAt, GRADIENT as gradientAt, SECOND_MOMENT as secondMomentAt } from "./layout";
export { BLOCKS as blocksAt, LOSSES as lossesAt, MAX_RUN as maxRun, NORMS as normsAt, RUN as runAt } from "./layout";
export const failedAt: usize = Job.FAILED;
export const blockRows: i32 = Block.ROWS;

/** Returns the loss of `count` problems; writes its gradient to GRADIENT. */
export function lossAndGradient(problems: usize, count: i32): f64 {
  store<u32>(Job.PROBLEMS, problems);
  return batchGradient(count);
}

/** The loss and gradient of a batch; Job and RUN have the other arguments. */
function batchGradient(count: i32): f64 {
  const slices = sliceCount((count + 3) / 4);
  store<i32>(Job.COUNT, count);
  prepareSlots(WORKSPACES);
  runJob(TASK_SLICE, slices);
  reduceSlices(slices);
  return finishGradient(WORKSPACES, <f64> count * QUERIES);
}

/** Lets the sampler draw the problems of the next job, from RUN's first sample. */
function drawProblems(domain: u32, firstExample: i32): void {
  store<u32>(Job.PROBLEMS, 0);
  store<u32>(Job.SAMPLE, <u32> run(Run.firstSample));
  store<u32>(Job.DOMAIN, domain);
  store<i32>(Job.FIRST, firstExample);
}

/** Takes the training steps of RUN, on examples drawn here; writes losses and gradient norms to LOSSES and NORMS. */
export function train(): void {
  drawProblems(DOMAIN_TRAINING, 0);
  for (let k = 0; k < <i32> run(Run.steps); ++k) {
    store<u32>(Job.SAMPLE, <u32> run(Run.firstSample) + k);
    store<f32>(LOSSES + k * 4, <f32> batchGradient(<i32> run(Run.batch)));
    store<f32>(NORMS + k * 4, optimizerStep(learningRate(run(Run.firstStep) + k)));
  }
}

/** Logits with teacher forcing: the correct sums are the inputs; out: (count, 12, 14). */
export function logits(problems: usize, count: i32, out: usize): void {
  const w = WORKSPACES;
  prepareSlots(w);
  for (let first = 0; first < count; first += 4) {
    readTile(w, problems, first, count);
    layOutExample(w);
    tileStages(w, 1, 0, FORWARD_STAGES);
    storeLanes(w + Tile.LOGITS, QUERIES * T, first, count, out);
  }
}

/** Fills the tables that decoding reads; call it after the weights change and before {@linkcode decode}. Returns whether it decodes by its tables. */
export function prepareDecoding(): bool {
  prepareDecodingSlots(WORKSPACES);
  const usable = fillTables(WORKSPACES);
  store<i32>(Job.BY_TABLES, usable);
  return usable;
}

/** Decodes greedily; out: tokens (count, 12), one byte each. */
export function decode(problems: usize, count: i32, out: usize): void {
  store<u32>(Job.PROBLEMS, problems);
  decodeJob(count, out);
}

/** Decodes `count` examples of RUN's first sample where {@linkcode prepareDecoding} returned true; out: tokens (count, 12). Returns how many sums are wrong. */
export function decodeDrawn(domain: u32, firstExample: i32, count: i32, out: usize): i32 {
  drawProblems(domain, firstExample);
  decodeJob(count, out);
  return load<i32>(Job.WRONG);
}

function decodeJob(count: i32, out: usize): void {
  store<i32>(Job.COUNT, count);
  store<u32>(Job.OUT, out);
  store<i32>(Job.WRONG, 0);
  runJob(TASK_DECODE, (count + DECODE_PART - 1) / DECODE_PART);
}

/** Writes `count` examples of RUN's first sample as pairs of doubles; `out` has room for a multiple of four pairs. */
export function sample(domain: u32, firstExample: i32, count: i32, out: usize): void {
  const w = WORKSPACES;
  for (let first = 0; first < count; first += 4) {
    drawTile(w, firstExample + first, <u32> run(Run.firstSample), domain);
    for (let lane = 0; lane < 4; ++lane) {
      let a: f64 = 0;
      let b: f64 = 0;
      for (let k = 9; k >= 0; --k) {
        a = a * 10 + <f64> load<i32>(w + Tile.A_DIGITS + k * 16 + lane * 4);
        b = b * 10 + <f64> load<i32>(w + Tile.B_DIGITS + k * 16 + lane * 4);
      }
      store<f64>(out + (first + lane) * 16, a);
      store<f64>(out + (first + lane) * 16 + 8, b);
    }
  }
}

// The elementary functions on their own, for tests and benchmarks: in place, 4 * vectors floats.

export function mapExp2(at: usize, vectors: i32): void {
  for (let i = 0; i < vectors; ++i) v128.store(at + i * 16, exp2(v128.load(at + i * 16)));
}

export function mapLn(at: usize, vectors: i32): void {
  for (let i = 0; i < vectors; ++i) v128.store(at + i * 16, ln(v128.load(at + i * 16)));
}

/** GELU in place, its derivatives behind all values; `vectors` is even. */
export function mapGelu(at: usize, vectors: i32): void {
  for (let i = 0; i < vectors; i += 2) {
    if (finalNorm) geluTanh(at + i * 16, at + i * 16, at + (vectors + i) * 16);
    else geluErf(at + i * 16, at + i * 16, at + (vectors + i) * 16);
  }
}
