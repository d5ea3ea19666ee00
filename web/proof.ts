import type { CertifyProgress, CertifyResult, Input, StepResult } from "../src/certify/types.ts";
import { coresHere } from "./capabilities.tsx";
import { Changes } from "./changes.ts";
import type { LabModel, Models } from "./models.ts";
import { type LabWorker, type ProofNews, type ProofOrder, startWorker } from "./protocol.ts";

/** A result of the prover, which ran in the page or at the end of a training run. */
export type ProofResult =
  & Pick<CertifyResult, "certificate" | "counterexample" | "undecided">
  & { readonly steps: readonly (Pick<StepResult, "step" | "margin"> & { readonly worst: Input })[] }
  & Partial<Pick<CertifyResult, "seconds" | "threads">>;

/** The prover: what it proves now, and its last result. It can harden a model: train it on the pairs that the proof fails on, until it succeeds. */
export class Proof extends Changes {
  /** The model that is being proved, or that the result is about. */
  subject: LabModel | undefined;
  progress: CertifyProgress | undefined;
  round: Extract<ProofNews, { type: "round" }> | undefined;
  result: ProofResult | undefined;
  failure: string | undefined;
  isHardening = false;
  #worker: LabWorker<ProofOrder> | undefined;

  constructor(private readonly models: Models) {
    super();
  }

  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  /** The pair with the smallest margin that a proof of this model has found. */
  hardest({ parameters }: LabModel): readonly [a: number, b: number] | undefined {
    if (this.subject?.parameters !== parameters || !this.result) return undefined;
    const { counterexample, steps } = this.result;
    const worst = counterexample ?? steps.toSorted((x, y) => x.margin - y.margin)[0]?.worst;
    return worst && [worst.a, worst.b];
  }

  hasProved({ parameters }: LabModel): boolean {
    return this.subject?.parameters === parameters && (this.result?.certificate ?? null) !== null;
  }

  /** Shows the result that a run ended with. */
  show(model: LabModel, result: ProofResult): void {
    if (this.isRunning) return;
    this.subject = model;
    this.stop(result);
  }

  start(subject: LabModel, { harden = false } = {}): void {
    Object.assign(this, { subject, result: undefined, failure: undefined, progress: undefined, round: undefined });
    this.isHardening = harden;
    this.#worker = startWorker<ProofOrder, ProofNews>("proof", (news) => {
      if (news.type === "failed") return this.stop(undefined, news.failure);
      if (news.type === "done") {
        if (harden) this.#putHardened(subject, news.parameters);
        return this.stop(news.result);
      }
      if (news.type === "round") this.round = news;
      else this.progress = news.progress;
      this.changed();
    });
    const { model, parameters } = subject;
    this.#worker.postMessage({ model, parameters, threads: coresHere(), harden });
    this.changed();
  }

  #putHardened(subject: LabModel, parameters: Float32Array): void {
    const { label, note, metadata } = subject;
    this.subject = {
      ...{ ...subject, id: "hardened", label: `${label}, hardened`, note: `${note}, then hardened`, parameters },
      metadata: { ...metadata, hardening_rounds: String(this.round?.round ?? 0) },
    };
    this.models.keep(this.subject);
    this.models.put(this.subject);
    this.models.select("hardened");
  }

  stop(result?: ProofResult, failure?: string): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    Object.assign(this, { result, failure, isHardening: false });
    this.changed();
  }
}
