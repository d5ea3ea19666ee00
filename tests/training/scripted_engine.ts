/**
 * An engine that computes nothing: its losses and answers are written in advance, and it remembers what it was asked.
 *
 * @module
 */
import type {
  DecodedSample,
  Engine,
  OptimizerState,
  SampleRequest,
  TrainRun,
  TrainRunReport,
} from "../../src/engine/interface/types.ts";
import { QUERIES } from "../../src/model/vocabulary.ts";

/** What a {@linkcode ScriptedEngine} says. */
export interface Script {
  /** The loss of a step of an attempt. @default {0} */
  loss?: (step: number, attempt: number) => number;
  /** How many problems of a sample it answers rightly after so many steps. @default {0} */
  correct?: (step: number) => number;
}

/** Its weights are all the number of steps that it has taken since it was initialized. */
export class ScriptedEngine implements Engine {
  readonly backend = "reference";
  readonly model = 763;
  readonly threads = 1;
  readonly arithmetic = "exact";
  /** Every stretch that it was asked to train. */
  readonly runs: TrainRun[] = [];
  /** Every seed and attempt that it was initialized with. */
  readonly initialized: [seed: number, attempt: number][] = [];
  /** Every request for problems. */
  readonly sampled: SampleRequest[] = [];
  #steps = 0;

  /** Makes an engine that follows a script. */
  constructor(readonly script: Script = {}) {}

  initialize(seed: number, attempt = 0): void {
    this.initialized.push([seed, attempt]);
    this.#steps = 0;
  }

  setParameters([steps]: Float32Array): void {
    this.#steps = steps;
  }

  parameters(): Float32Array {
    return new Float32Array(this.model).fill(this.#steps);
  }

  optimizerState(): OptimizerState {
    return { step: this.#steps, firstMoment: new Float32Array(this.model), secondMoment: new Float32Array(this.model) };
  }

  trainRun(run: TrainRun): Promise<TrainRunReport> {
    const { loss = () => 0 } = this.script;
    this.runs.push(run);
    this.#steps += run.steps;
    const losses = Float32Array.from({ length: run.steps }, (_, k) => loss(run.firstSample + k, run.attempt));
    return Promise.resolve({ losses, gradientNorms: new Float32Array(run.steps) });
  }

  /** The problem 0 + 0, over and over. */
  sample({ count }: SampleRequest): Float64Array {
    return new Float64Array(2 * count);
  }

  /** Zeros where it is right, which is at first, `<EOS>` elsewhere. A sample is asked for in pieces, and counts once. */
  decodeSample(request: SampleRequest): Promise<DecodedSample> {
    const { first = 0, count } = request;
    if (first === 0) this.sampled.push(request);
    const right = Math.min(count, Math.max(0, (this.script.correct?.(this.#steps) ?? 0) - first));
    const tokens = new Uint8Array(QUERIES * count).fill(13, QUERIES * right);
    return Promise.resolve({ tokens, wrong: count - right });
  }

  decode = unexpected;
  setOptimizerState = unexpected;
  lossAndGradient = unexpected;
  logits = unexpected;
  trainStep = unexpected;
  predict = unexpected;
  dispose = () => Promise.resolve();
}

function unexpected(): never {
  throw new Error("a run needs this from an engine only now: the script must learn it");
}
