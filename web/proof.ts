import type { CertificateStep, CertifyProgress, CertifyResult } from "../src/certify/types.ts";
import { coresHere } from "./capabilities.tsx";
import { Changes } from "./hooks.ts";
import { type LabModel, models } from "./models.ts";
import { type LabWorker, type News, startWorker } from "./protocol.ts";

/** A result of the prover, which ran in the page or at the end of a training run. */
export type ProofResult =
  & Pick<CertifyResult, "certificate" | "counterexample" | "undecided">
  & { readonly steps: readonly Pick<CertificateStep, "step" | "margin" | "worst">[] }
  & Partial<Pick<CertifyResult, "seconds" | "threads">>;

/** The prover: what it proves now, and its last result. It can harden a model: train it on the pairs that the proof fails on, until it succeeds. */
class Proof extends Changes {
  /** The model that is being proved, or that the result is about. */
  subject: LabModel | undefined;
  progress: CertifyProgress | undefined;
  round: Extract<News, { type: "round" }> | undefined;
  result: ProofResult | undefined;
  failure: string | undefined;
  isHardening = false;
  #worker: LabWorker | undefined;

  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  /** The result, if it is about this model. */
  resultOf({ parameters }: LabModel): ProofResult | undefined {
    return this.subject?.parameters === parameters ? this.result : undefined;
  }

  /** Shows the result that a run ended with. */
  show(model: LabModel, result: ProofResult): void {
    if (this.isRunning) return;
    this.subject = model;
    this.stop(result);
  }

  start(subject: LabModel, { hardens = false } = {}): void {
    Object.assign(this, { subject, result: undefined, failure: undefined, progress: undefined, round: undefined });
    this.isHardening = hardens;
    const order = { type: "prove", checkpoint: subject, threads: coresHere(), hardens } as const;
    this.#worker = startWorker(order, (news) => {
      if (news.type === "failed") this.stop(undefined, news.failure);
      if (news.type === "proved") {
        if (hardens) this.#putHardened(subject, news.parameters);
        this.stop(news.result);
      }
      if (news.type === "round") this.round = news;
      if (news.type === "progress") this.progress = news.progress;
      this.changed();
    });
    this.changed();
  }

  #putHardened(subject: LabModel, parameters: Float32Array): void {
    const { label, note, metadata } = subject;
    this.subject = {
      ...{ ...subject, id: "hardened", label: `${label}, hardened`, note: `${note}, then hardened`, parameters },
      metadata: { ...metadata, hardening_rounds: String(this.round?.round ?? 0) },
    };
    models.keep(this.subject);
    models.show(this.subject);
  }

  stop(result?: ProofResult, failure?: string): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    Object.assign(this, { result, failure, isHardening: false });
    this.changed();
  }
}

export const proof = new Proof();
