import type { Checkpoint } from "../checkpoint/safetensors/checkpoint.ts";
import type { DecodingModules } from "../engine/wasm/read_decoding.ts";
import type { ModelName } from "../model/variant.ts";

/** The weights in question. */
export type CertifyCheckpoint = Readonly<Omit<Checkpoint, "metadata">>;

/** Options of {@linkcode certify}. */
export interface CertifyOptions {
  /** Gives up after that many seconds. @default {60} */
  seconds?: number;
  /** Gives up on a group of inputs after that many cuts. Unlike `seconds`, this gives the same result on every machine. @default {100_000} */
  cuts?: number;
  /** Threads, 1 … 64; the result is the same with any number. Where there are no workers it is 1. @default {all cores} */
  threads?: number;
  /** Ends the search early: the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called now and then with the proof's progress. */
  onProgress?: (progress: CertifyProgress) => void;
}

/** The progress of a proof. */
export interface CertifyProgress {
  /** Share of the groups of inputs that are settled, 0 to 1. */
  proved: number;
  /** Steps of the answer that are proved, 0 to 12. */
  provedSteps: number;
  /** Seconds so far. */
  seconds: number;
}

/** Two operands. */
export interface Input {
  /** The first operand. */
  a: number;
  /** The second operand. */
  b: number;
}

/** The proof of one token of the answer. */
export interface StepResult {
  /** Which token: 0 … 10 are the digits of the sum, ones first; 11 ends the sequence. */
  step: number;
  /** No input has a smaller margin here, in logits, in the module's own float32. */
  margin: number;
  /** The input with the smallest margin met. */
  worst: Input & { margin: number };
  /** Groups that the inputs are divided into. */
  groups: number;
  /** Cuts that the proof took beyond the groups' digits. */
  cuts: number;
}

/** A set of inputs: for each digit of the operands and of the sum's written digits, ones first, what it may be. */
export interface OpenRegion {
  /** Which token of the answer. */
  step: number;
  /** The lower bound of the margin that could not be lifted. */
  bound: number;
  /** Allowed digits of a by place, `0123456789` where all are. */
  a: string[];
  /** Allowed digits of b. */
  b: string[];
}

/** The result of {@linkcode certify}. */
export interface CertifyResult {
  /** `certified`: all sums are right. `counterexample`: one is wrong. `undecided`: the time ran out. */
  verdict: "certified" | "counterexample" | "undecided";
  /** Whether all sums are proved right. */
  certified: boolean;
  /** How many pairs of operands there are. */
  inputs: "100000000000000000000";
  /** The variant of the model. */
  model: ModelName;
  /** SHA-256 of the weights. */
  weights: string;
  /** The least of the steps' margins; null unless certified. */
  worstMargin: number | null;
  /** One entry for each step that is proved. */
  steps: StepResult[];
  /**
   * A pair for which greedy decoding writes a wrong token, in float32 and in float64, and at which step first. At step 11 the sum that was
   * read, `got`, is right, but the model goes on where it should end.
   */
  counterexample: (Input & { expected: number; got: number | null; step: number }) | null;
  /** What is left to decide, where the verdict is `undecided`. */
  undecided: OpenRegion | null;
  /** Seconds it took. */
  seconds: number;
  /** Threads that were at work. */
  threads: number;
  /** The certificate; null unless certified. */
  certificate: Certificate | null;
}

/**
 * How a part is cut into cells. Of each cut, what is at most `at` along an axis keeps the cell's number, and what is at least `at` is the next
 * cell. Of a cell that holds no input, `hints` has a direction that shows it, by the axes.
 */
export type PartCuts = [
  axes: number[][],
  cuts: [cell: number, axis: number, at: number][],
  hints: Record<number, number[]>,
];

/** What a certificate claims of one step. */
export interface CertificateStep {
  /** Which token of the answer. */
  step: number;
  /** No margin is smaller. */
  margin: number;
  /** An input whose margin, in real arithmetic, is hardly larger. Not part of the proof. */
  worst: Input;
  /** The parts that are cut, by the token that asks, the group's number, and the digits a_i and a_(i - 1) as far as they are fixed. */
  cuts: Record<string, PartCuts>;
}

/** A proof that can be checked. */
export interface Certificate {
  /** Marks the file. */
  format: "tiny-adder certificate";
  /** The version of the format. */
  version: 3;
  /** The variant of the model. */
  model: ModelName;
  /** SHA-256 of the WASM modules that the proof is about. */
  modules: DecodingModules;
  /** SHA-256 of the weights: float32, little-endian, in the order of the flat vector. */
  weights: string;
  /** How many pairs of operands are covered. */
  inputs: "100000000000000000000";
  /** The least of the steps' margins. */
  worstMargin: number;
  /** One entry a step, 0 … 11. */
  steps: CertificateStep[];
  /** SHA-256 of the certificate as JSON without this member, against damage. */
  digest: string;
}
