import type { CertifyProgress } from "../src/certify/types.ts";
import { formatInteger } from "../src/common/format_value.ts";
import { digitEmbeddings } from "../src/inspection/embeddings.ts";
import { moments, type Plane } from "../src/inspection/plane.ts";
import { SUM_DIGITS } from "../src/model/vocabulary.ts";
import type { ProgressEvent, TrainResult } from "../src/training/types.ts";
import { planeFor, planeOf } from "./arc.ts";
import { Curve } from "./curve.ts";
import {
  type LabWorker,
  type Machinery,
  startWorker,
  type TrainNews,
  type TrainOrder,
  type TrainRequest,
  type Weights,
} from "./protocol.ts";

/** The page shows up to two runs, drawn in the same charts. */
export type Slot = "A" | "B";

type RunStatus =
  | "starting"
  | "training"
  | "proving"
  | "pausing"
  | "paused"
  | "stopping"
  | "done"
  | "stopped"
  | "failed";

/** One training run: its worker, and its results so far. */
export class LabRun {
  readonly loss = new Curve();
  readonly learningRate = new Curve();
  readonly exactMatch = new Curve();
  /** The share of correct digits at each position of the sum, ones first. */
  readonly digits: readonly Curve[] = Array.from({ length: SUM_DIGITS }, () => new Curve());

  status: RunStatus = "starting";
  machinery: Machinery | undefined;
  totalSteps = 0;
  latest: Extract<ProgressEvent, { type: "step" }> | undefined;
  proved: CertifyProgress | undefined;
  /** Restarts and hardening rounds as sentences, in order. */
  readonly remarks: string[] = [];
  weights: Weights | undefined;
  /** Weights of this attempt to return to, from step 0 on, in the order of steps. */
  readonly snapshots: Weights[] = [];
  result: TrainResult | undefined;
  failure: string | undefined;

  readonly #worker: LabWorker<TrainOrder>;
  /** Whether the plane is that of the final weights. */
  #isPlaneFinal: boolean;
  /** The running average of the second moments of the digits' embeddings. */
  #moments: Float64Array[] | undefined;

  /** @param plane That in which the digits are drawn: of the final weights where an earlier run has found them, otherwise of a running average */
  constructor(
    readonly slot: Slot,
    readonly request: TrainRequest,
    public plane: Plane | undefined,
    private readonly onChange: (run: LabRun) => void,
  ) {
    this.#isPlaneFinal = plane !== undefined;
    this.#worker = startWorker<TrainOrder, TrainNews>("train", (news) => {
      this.#hear(news);
      onChange(this);
    });
    this.#worker.postMessage({ type: "train", request });
  }

  /** Whether it runs or can be continued. */
  get isOpen(): boolean {
    return !["done", "stopped", "failed"].includes(this.status);
  }

  /** Interrupts it. A run that is continued ends with the same bytes as one without a pause. */
  pause(): void {
    this.#worker.postMessage({ type: "pause" });
    this.#become("pausing");
  }

  continue(): void {
    this.#worker.postMessage({ type: "continue" });
    this.#become("starting");
  }

  /** Ends it and keeps its current weights. */
  stop(): void {
    if (this.status === "paused") return this.#end();
    this.#worker.postMessage({ type: "pause" });
    this.#become("stopping");
    setTimeout(() => this.status === "stopping" && this.#end(), 2000); // a worker that hangs; its last weights stay
  }

  #end(): void {
    this.#worker.terminate();
    this.#become("stopped");
  }

  /** @param share The weight of the snapshot in the running average that the digits' plane is fitted to */
  #addSnapshot(weights: Weights, share: number): void {
    if (weights.step === 0) this.snapshots.length = 0; // a new attempt
    if (weights.step === this.snapshots.at(-1)?.step) this.snapshots.pop(); // a proof may have hardened them
    this.snapshots.push(weights);
    this.weights = weights;
    if (this.#isPlaneFinal) return;
    const model = { model: this.request.model, parameters: weights.parameters };
    const newest = moments(digitEmbeddings(model));
    this.#moments = this.#moments?.map((row, i) => row.map((old, k) => old + share * (newest[i][k] - old))) ?? newest;
    this.plane = planeOf(this.#moments, this.plane ?? planeFor(model));
  }

  #become(status: RunStatus): void {
    this.status = status;
    this.onChange(this);
  }

  #hear(news: TrainNews): void {
    switch (news.type) {
      case "machinery":
        this.machinery = news;
        break;
      case "losses":
        news.losses.forEach((loss, i) => this.loss.add(news.firstStep + i, loss));
        break;
      case "snapshot":
        this.#addSnapshot(news, 0.2);
        break;
      case "paused":
        this.weights = news.weights ?? this.weights;
        if (this.status === "stopping") this.#end();
        else this.status = "paused";
        break;
      case "done":
        this.status = "done";
        this.result = news.result;
        this.#addSnapshot({ step: news.result.report.steps, parameters: news.result.parameters }, 1);
        this.#worker.terminate();
        break;
      case "failed":
        this.status = "failed";
        this.failure = news.failure;
        this.#worker.terminate();
        break;
      case "step":
        // the first step has the learning rate 0, which a logarithmic axis cannot show
        if (news.learningRate > 0) this.learningRate.add(news.step, news.learningRate);
        this.latest = news;
        if (this.status === "starting") this.status = "training";
        break;
      case "start":
        this.totalSteps = news.totalSteps;
        break;
      case "evaluation":
        this.exactMatch.add(news.step, news.exactMatch);
        news.digitAccuracy.forEach((share, i) => this.digits[i].add(news.step, share));
        break;
      case "restart":
        this.remarks.push(
          `Attempt ${news.attempt} ended at step ${formatInteger(news.step)}: its loss, ${news.loss.toFixed(3)}, ` +
            `is above the limit for this step, ${news.gate}. Training starts again from new random weights.`,
        );
        for (const curve of [this.loss, this.learningRate, this.exactMatch, ...this.digits]) curve.clear();
        break;
      case "certification":
        if (this.status !== "pausing" && this.status !== "stopping") this.status = "proving";
        this.proved = news;
        break;
      case "hardening":
        this.remarks.push(
          `Hardening, round ${news.round}: ${news.proved} of 12 tokens are proved. ` +
            `Training on ${formatInteger(news.pool)} pairs that the proof failed on or found close.`,
        );
    }
  }
}
