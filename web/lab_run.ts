import type { CertifyProgress } from "../src/certify/types.ts";
import { formatInteger } from "../src/common/format_value.ts";
import { digitEmbeddings } from "../src/inspection/embeddings.ts";
import { moments, type Plane } from "../src/inspection/plane.ts";
import { SUM_DIGITS } from "../src/model/vocabulary.ts";
import type { ProgressEvent, TrainResult } from "../src/training/types.ts";
import { planeFor, planeOf } from "./arc.ts";
import { Curve } from "./curve.ts";
import {
  type Machinery,
  startWorker,
  type StepEvent,
  type TrainNews,
  type TrainOrder,
  type TrainRequest,
  type Weights,
} from "./protocol.ts";

/** The page shows up to two runs, drawn in the same charts. */
export type Slot = "A" | "B";

type RunStatus =
  | ("starting" | "training" | "proving")
  | ("pausing" | "paused" | "stopping")
  | ("done" | "stopped" | "failed");

/** A worker that has not stopped after this many milliseconds is terminated; the last weights that it sent are kept. */
const STOP_MS = 2000;

/** The weight of a new snapshot in the running average that the digits' plane is fitted to. */
const NEWEST = 0.2;

/** One training run: its worker, and its results so far. */
export class LabRun {
  readonly loss = new Curve();
  readonly learningRate = new Curve();
  readonly exactMatch = new Curve();
  /** The share of correct digits at each position of the sum, ones first. */
  readonly digits: readonly Curve[] = Array.from({ length: SUM_DIGITS }, () => new Curve());

  status: RunStatus = "starting";
  /** Undefined until the engine is created. */
  machinery: Machinery | undefined;
  totalSteps = 0;
  latest: StepEvent | undefined;
  evaluation: Extract<ProgressEvent, { type: "evaluation" }> | undefined;
  /** Progress of the proof at the end of the run. */
  proved: CertifyProgress | undefined;
  /** Restarts and hardening rounds as sentences, in order. */
  readonly remarks: string[] = [];
  weights: Weights | undefined;
  /** Weights of this attempt to return to, from step 0 on, in the order of steps. */
  readonly snapshots: Weights[] = [];
  result: TrainResult | undefined;
  failure: string | undefined;

  readonly #worker: Worker;
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
    this.#worker = startWorker<TrainNews>("train", (news) => this.#hear(news));
    this.#order({ type: "train", request });
  }

  /** Whether it runs or can be continued. */
  get isOpen(): boolean {
    return !["done", "stopped", "failed"].includes(this.status);
  }

  /** Interrupts it. A run that is continued ends with the same bytes as one without a pause. */
  pause(): void {
    this.#order({ type: "pause" });
    this.#become("pausing");
  }

  continue(): void {
    this.#order({ type: "continue" });
    this.#become("starting");
  }

  /** Ends it and keeps its current weights. */
  stop(): void {
    if (this.status === "paused") return this.#end();
    this.#order({ type: "pause" });
    this.#become("stopping");
    setTimeout(() => this.status === "stopping" && this.#end(), STOP_MS);
  }

  #end(): void {
    this.#worker.terminate();
    this.#become("stopped");
  }

  /** Terminates the worker, because another run takes this slot. */
  dismiss(): void {
    this.#worker.terminate();
  }

  #addSnapshot(weights: Weights): void {
    if (weights.step === 0) this.snapshots.length = 0; // a new attempt
    this.snapshots.push(weights);
    this.weights = weights;
    if (this.#isPlaneFinal) return;
    const model = { model: this.request.model, parameters: weights.parameters };
    const newest = moments(digitEmbeddings(model));
    this.#moments = this.#moments?.map((row, i) => row.map((old, k) => old + NEWEST * (newest[i][k] - old))) ?? newest;
    this.plane = planeOf(this.#moments, this.plane ?? planeFor(model));
  }

  #order(order: TrainOrder): void {
    this.#worker.postMessage(order);
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
      case "event":
        this.#addEvent(news.event);
        break;
      case "snapshot":
        this.#addSnapshot(news);
        break;
      case "paused":
        this.weights = news.weights ?? this.weights;
        if (this.status === "stopping") return this.#end();
        this.status = "paused";
        break;
      case "done":
        this.status = "done";
        this.result = news.result;
        this.#finish({ step: news.result.report.steps, parameters: news.result.parameters });
        this.#worker.terminate();
        break;
      case "failed":
        this.status = "failed";
        this.failure = news.failure;
        this.#worker.terminate();
    }
    this.onChange(this);
  }

  /** Ends with the final weights, which a proof may have hardened. The axes stay as near as they can to what they were. */
  #finish(final: Weights): void {
    this.weights = final;
    if (this.snapshots.at(-1)?.step === final.step) this.snapshots.pop();
    this.snapshots.push(final);
    if (this.#isPlaneFinal || this.plane === undefined) return;
    const { parameters } = final;
    this.plane = planeOf(moments(digitEmbeddings({ model: this.request.model, parameters })), this.plane);
  }

  #addEvent(event: ProgressEvent): void {
    switch (event.type) {
      case "step":
        // the first step has the learning rate 0, which a logarithmic axis cannot show
        if (event.learningRate > 0) this.learningRate.add(event.step, event.learningRate);
        this.latest = event;
        if (this.status === "starting") this.status = "training";
        break;
      case "start":
        this.totalSteps = event.totalSteps;
        break;
      case "evaluation":
        this.evaluation = event;
        this.exactMatch.add(event.step, event.exactMatch);
        event.digitAccuracy.forEach((share, i) => this.digits[i].add(event.step, share));
        break;
      case "restart":
        this.remarks.push(
          `Attempt ${event.attempt} ended at step ${formatInteger(event.step)}: its loss, ${
            event.loss.toFixed(3)
          }, is above ` +
            `the limit for this step, ${event.gate}. Training starts again from new random weights.`,
        );
        for (const curve of [this.loss, this.learningRate, this.exactMatch, ...this.digits]) curve.clear();
        break;
      case "certification":
        if (this.status !== "pausing" && this.status !== "stopping") this.status = "proving";
        this.proved = event;
        break;
      case "hardening":
        this.remarks.push(
          `Hardening, round ${event.round}: ${event.proved} of 12 tokens are proved. ` +
            `Training on ${formatInteger(event.pool)} pairs that the proof failed on or found close.`,
        );
    }
  }
}
