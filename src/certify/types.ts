/**
 * What the prover is asked, tells and gives.
 *
 * @module
 */
import type { ModelName } from "../model/variant.ts";

/** The weights in question. */
export interface CertifyCheckpoint {
  /** The variant of the model. */
  readonly model: ModelName;
  /** The weights in the order of the flat parameter vector. */
  readonly parameters: Float32Array;
}

/** Options of {@linkcode certify}. */
export interface CertifyOptions {
  /** Gives up after that many seconds. @default {60} */
  seconds?: number;
  /** Gives up a step after that many cuts: other than `seconds`, this gives the same answer on every machine. @default {Infinity} */
  cuts?: number;
  /** Threads, 1 … 64; the result is the same with any number. Where there are no workers it is 1. @default {all cores} */
  threads?: number;
  /** Ends the search early: the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Is told now and then how far the proof is. */
  onProgress?: (progress: CertifyProgress) => void;
}

/** What {@linkcode CertifyOptions.onProgress} is told. */
export interface CertifyProgress {
  /** Share of the regions settled, 0 … 1. */
  proved: number;
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

/** What is proved of one token of the answer. */
export interface StepResult {
  /** Which token: 0 … 10 are the digits of the sum, ones first; 11 ends the sequence. */
  step: number;
  /** No input has a smaller margin here, in logits. */
  margin: number;
  /** The input with the smallest margin met. */
  worst: Input & { margin: number };
  /** Regions that the inputs are divided into. */
  regions: number;
  /** Cuts of regions that the proof took. */
  splits: number;
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

/** What {@linkcode certify} finds. */
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
  /** The float32 engine against float64, measured on this model. */
  arithmetic: ArithmeticReport | null;
  /** Seconds that it took. */
  seconds: number;
  /** Threads that were at work. */
  threads: number;
  /** The certificate; null unless certified. */
  certificate: Certificate | null;
}

/** How far float32 is from float64. */
export interface ArithmeticReport {
  /** Logits compared. */
  logits: number;
  /** The largest difference of two logits' difference. */
  largestError: number;
  /** Every margin must be at least this. */
  demanded: number;
}

/**
 * A cut of a region; 0 where it is not cut. At a position, these digits as bits to the first part, the others to the second. Where `position` is
 * negative, along axis -1 - position: what is at most `at` there to the first part, what is at least `at` to the second.
 */
export type Split = 0 | [position: number, at: number, Split, Split];

/** What a certificate says of one step. */
export interface CertificateStep {
  /** Which token of the answer. */
  step: number;
  /** Every leaf's bound is at least this. */
  margin: number;
  /** An input whose margin is hardly larger. */
  worst: Input & { margin: number };
  /** Where regions are cut along axes: the token that asks, and its axes, directions of the attention's output. */
  axes: [token: number, axes: number[][]][];
  /** The regions that are cut: the token that asks, the region's number among those of that token, and how. */
  splits: [token: number, region: number, Split][];
}

/** A proof that can be checked. */
export interface Certificate {
  /** What the file is. */
  format: "tiny-adder certificate";
  /** The version of the format. */
  version: 2;
  /** The variant of the model. */
  model: ModelName;
  /** SHA-256 of the weights: float32, little-endian, in the order of the flat vector. */
  weights: string;
  /** How many pairs of operands are covered. */
  inputs: "100000000000000000000";
  /** The least of the steps' margins. */
  worstMargin: number;
  /** The float32 engine against float64. */
  arithmetic: ArithmeticReport;
  /** One entry a step, 0 … 11. */
  steps: CertificateStep[];
  /** SHA-256 of the certificate as JSON without this member, against damage. */
  digest: string;
}
