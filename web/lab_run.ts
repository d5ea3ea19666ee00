import type { CertifyProgress } from "../src/certify/types.ts";
import { formatInteger } from "../src/common/format_value.ts";
import { digitEmbeddings } from "../src/inspection/embeddings.ts";
import { moments, type Plane } from "../src/inspection/plane.ts";
import { SUM_DIGITS } from "../src/model/vocabulary.ts";
import { totalSteps, trainRecipe } from "../src/training/recipes.ts";
import type { ProgressEvent, TrainResult } from "../src/training/types.ts";
import { planeFor, planeOf } from "./look_inside.ts";
import { Curve } from "./curve.ts";
import { type LabWorker, type News, startWorker, type TrainRequest, type Weights } from "./protocol.ts";

/** The page shows up to two runs, drawn in the same charts. */
export type Slot = "A" | "B";

type Status = "starting" | "training" | "proving" | "pausing" | "paused" | "stopping" | "done" | "stopped" | "failed";

/** What the charts show of an attempt. `digits`: the share of correct ones at each position of the sum, ones first. */
function emptyCurves() {
  const digits = Array.from({ length: SUM_DIGITS }, () => new Curve());
  return { loss: new Curve(), learningRate: new Curve(), exactMatch: new Curve(), digits };
}

export class LabRun {
  curves: ReturnType<typeof emptyCurves> = emptyCurves();
  status: Status = "starting";
  machinery: Extract<News, { type: "machinery" }> | undefined;
  latest: Extract<ProgressEvent, { type: "step" }> | undefined;
  proved: CertifyProgress | undefined;
  /** A sentence on the last restart or round of hardening, or on why the run failed. */
  remark = "";
  /** Weights of this attempt to return to, from step 0 on, in the order of steps; the last are the current ones. */
  readonly snapshots: Weights[] = [];
  /** The step of the snapshot that the page shows; undefined: the latest weights. */
  rewound: number | undefined;
  result: TrainResult | undefined;

  readonly totalSteps: number;
  readonly #worker: LabWorker;
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
    this.totalSteps = totalSteps(trainRecipe(request.recipe, { model: request.model }));
    this.#isPlaneFinal = plane !== undefined;
    this.#worker = startWorker({ type: "train", request }, (news) => {
      this.#hear(news);
      onChange(this);
    });
  }

  /** Whether it runs or can be continued. */
  get isOpen(): boolean {
    return !["done", "stopped", "failed"].includes(this.status);
  }

  /** Pauses it, or continues it if it is paused. A run that is continued ends with the same bytes as one without a pause. */
  toggle(): void {
    if (this.status === "paused") this.#order("continue", "starting");
    else this.#order("pause", "pausing");
  }

  /** Ends it and keeps its current weights. */
  stop(): void {
    if (this.status === "paused") return this.#end("stopped");
    this.#order("pause", "stopping");
    setTimeout(() => this.status === "stopping" && this.#end("stopped"), 2000); // a worker that hangs; its last weights stay
  }

  #order(type: "pause" | "continue", status: Status): void {
    this.#worker.postMessage({ type });
    this.status = status;
    this.onChange(this);
  }

  #end(status: Status): void {
    this.#worker.terminate();
    this.status = status;
    this.onChange(this);
  }

  /** @param share The weight of the snapshot in the running average that the digits' plane is fitted to */
  #addSnapshot(weights: Weights, share: number): void {
    if (weights.step === 0) this.snapshots.length = 0; // a new attempt
    if (weights.step === this.snapshots.at(-1)?.step) this.snapshots.pop(); // a proof may have hardened them, a pause repeats them
    this.snapshots.push(weights);
    if (this.#isPlaneFinal) return;
    const model = { model: this.request.model, parameters: weights.parameters };
    const newest = moments(digitEmbeddings(model));
    this.#moments = this.#moments?.map((row, i) => row.map((old, k) => old + share * (newest[i][k] - old))) ?? newest;
    this.plane = planeOf(this.#moments, this.plane ?? planeFor(model));
  }

  #hear(news: News): void {
    if (news.type === "machinery") this.machinery = news;
    if (news.type === "losses") news.losses.forEach((loss, i) => this.curves.loss.add(news.firstStep + i, loss));
    if (news.type === "snapshot") this.#addSnapshot(news, 0.2);
    if (news.type === "step") {
      // the first step has the learning rate 0, which a logarithmic axis cannot show
      if (news.learningRate > 0) this.curves.learningRate.add(news.step, news.learningRate);
      this.latest = news;
      if (this.status === "starting") this.status = "training";
    }
    if (news.type === "evaluation") {
      this.curves.exactMatch.add(news.step, news.exactMatch);
      news.digitAccuracy.forEach((share, i) => this.curves.digits[i].add(news.step, share));
    }
    if (news.type === "restart") {
      this.remark =
        `Attempt ${news.attempt} ended at step ${formatInteger(news.step)}: its loss, ${news.loss.toFixed(3)}, ` +
        `is above the limit for this step, ${news.gate}. Training starts again from new random weights.`;
      this.curves = emptyCurves();
    }
    if (news.type === "certification") {
      if (this.status !== "pausing" && this.status !== "stopping") this.status = "proving";
      this.proved = news;
    }
    if (news.type === "hardening") {
      this.remark = `Hardening, round ${news.round}: ${news.proved} of 12 tokens are proved. ` +
        `Training on ${formatInteger(news.pool)} pairs that the proof failed on or found close.`;
    }
    if (news.type === "paused") {
      if (news.weights) this.#addSnapshot(news.weights, 0);
      if (this.status === "stopping") this.#end("stopped");
      else this.status = "paused";
    }
    if (news.type === "trained") {
      this.result = news.result;
      this.#addSnapshot({ step: news.result.report.steps, parameters: news.result.parameters }, 1);
      this.#end("done");
    }
    if (news.type === "failed") {
      this.remark = news.failure;
      this.#end("failed");
    }
  }
}
