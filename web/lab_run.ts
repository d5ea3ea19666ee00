/**
 * One run of the page: the worker that trains it, and all that came of it so far.
 *
 * @module
 */
import { SUM_DIGITS } from "../src/model/vocabulary.ts";
import type { ProgressEvent, TrainResult } from "../src/training/types.ts";
import { Curve } from "./curve.ts";
import type { Failure, Machinery, StepEvent, TrainNews, TrainOrder, TrainRequest, Weights } from "./protocol.ts";

/** The two places for runs, which are drawn one over the other. */
export type Slot = "A" | "B";

/** What a run is doing. */
export type RunStatus =
  | "starting"
  | "training"
  | "proving"
  | "pausing"
  | "paused"
  | "stopping"
  | "done"
  | "stopped"
  | "failed";

/** A worker that has not stopped after so many milliseconds is ended with the weights that it told last. */
const STOP_MS = 2000;

/** A run and its curves. */
export class LabRun {
  readonly slot: Slot;
  readonly request: TrainRequest;
  readonly loss = new Curve();
  readonly learningRate = new Curve();
  readonly exactMatch = new Curve();
  /** The share of right digits at each place of the sum, ones first. */
  readonly digits: readonly Curve[] = Array.from({ length: SUM_DIGITS }, () => new Curve());

  status: RunStatus = "starting";
  /** What really runs; undefined until it is known. */
  machinery: Machinery | undefined;
  totalSteps = 0;
  latest: StepEvent | undefined;
  evaluation: Extract<ProgressEvent, { type: "evaluation" }> | undefined;
  /** How far a proof at its end is, 0 … 1. */
  proved = 0;
  /** What happened beside the steps, in order. */
  readonly remarks: string[] = [];
  /** The newest weights that are known. */
  weights: Weights | undefined;
  result: TrainResult | undefined;
  failure: Failure | undefined;

  readonly #worker: Worker;
  readonly #onChange: (run: LabRun) => void;

  /** Starts to train. */
  constructor(slot: Slot, request: TrainRequest, onChange: (run: LabRun) => void) {
    this.slot = slot;
    this.request = request;
    this.#onChange = onChange;
    this.#worker = new Worker(new URL("./train_worker.js", import.meta.url), { type: "module", name: `run ${slot}` });
    this.#worker.onmessage = ({ data }: MessageEvent<TrainNews>) => this.#hear(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#hear({
        type: "failed",
        failure: { name: "Error", message: event.message || "The worker cannot be loaded" },
      });
    };
    this.#order({ type: "train", request });
  }

  /** Whether it works or may go on. */
  get isOpen(): boolean {
    return !["done", "stopped", "failed"].includes(this.status);
  }

  /** Interrupts it; it goes on with the same bytes. */
  pause(): void {
    this.#order({ type: "pause" });
    this.#become("pausing");
  }

  /** Goes on. */
  continue(): void {
    this.#order({ type: "continue" });
    this.#become("starting");
  }

  /** Ends it, with the weights that it has then. */
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

  /** Ends its worker: it makes room for another run. */
  dismiss(): void {
    this.#worker.terminate();
  }

  #order(order: TrainOrder): void {
    this.#worker.postMessage(order);
  }

  #become(status: RunStatus): void {
    this.status = status;
    this.#onChange(this);
  }

  #hear(news: TrainNews): void {
    switch (news.type) {
      case "machinery":
        this.machinery = news;
        break;
      case "steps":
        this.#addSteps(news);
        break;
      case "event":
        this.#addEvent(news.event);
        break;
      case "weights":
        this.weights = news;
        break;
      case "paused":
        this.weights = news.weights ?? this.weights;
        if (this.status === "stopping") return this.#end();
        this.status = "paused";
        break;
      case "done":
        this.status = "done";
        this.result = news.result;
        this.weights = { step: news.result.report.steps, parameters: news.result.parameters };
        this.#worker.terminate();
        break;
      case "failed":
        this.status = "failed";
        this.failure = news.failure;
        this.#worker.terminate();
    }
    this.#onChange(this);
  }

  #addSteps({ firstStep, losses, event }: Extract<TrainNews, { type: "steps" }>): void {
    losses.forEach((loss, i) => this.loss.add(firstStep + i, loss));
    // the very first step has the learning rate 0, which a logarithmic axis has no place for
    if (event.learningRate > 0) this.learningRate.add(event.step, event.learningRate);
    this.latest = event;
    if (this.status === "starting") this.status = "training";
  }

  #addEvent(event: Exclude<ProgressEvent, { type: "step" }>): void {
    switch (event.type) {
      case "start":
        this.totalSteps = event.totalSteps;
        break;
      case "evaluation":
        this.#addEvaluation(event);
        break;
      case "restart":
        this.remarks.push(
          `Attempt ${event.attempt} ended at step ${event.step}: a loss of ${
            event.loss.toFixed(3)
          } is above the gate, ` +
            `${event.gate}. New weights.`,
        );
        for (const curve of [this.loss, this.learningRate, this.exactMatch, ...this.digits]) curve.clear();
        break;
      case "certification":
        if (this.status !== "pausing" && this.status !== "stopping") this.status = "proving";
        this.proved = event.proved;
        break;
      case "hardening":
        this.remarks.push(
          `Hardening, round ${event.round}: ${event.proved} of 12 tokens are proved, training on ${event.pool} narrow sums.`,
        );
    }
  }

  #addEvaluation(event: Extract<ProgressEvent, { type: "evaluation" }>): void {
    this.evaluation = event;
    this.exactMatch.add(event.step, event.exactMatch);
    event.digitAccuracy.forEach((share, place) => this.digits[place].add(event.step, share));
  }
}
