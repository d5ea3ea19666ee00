import type { Certificate, CertifyResult, Input, StepResult } from "../src/certify/types.ts";
import { coresHere } from "./capabilities.tsx";
import { Changes } from "./hooks.ts";
import type { LabModel } from "./models.ts";
import { type ProofNews, type ProofOrder, startWorker } from "./protocol.ts";

/** A result of the prover, which ran in the page or at the end of a training run. */
export type ProofResult =
  & Pick<CertifyResult, "certificate" | "counterexample" | "undecided">
  & { readonly steps: readonly (Pick<StepResult, "step" | "margin"> & { readonly worst: Input })[] }
  & Partial<Pick<CertifyResult, "seconds" | "threads">>;

/** The prover: what it proves now, and its last result. */
export class Proof extends Changes {
  /** The model that is being proved, or that the result is about. */
  subject: LabModel | undefined;
  /** The share of all pairs that is proved, 0 … 1. */
  progress = 0;
  /** Undefined while there is none. */
  result: ProofResult | undefined;
  /** Why the prover failed. */
  failure: string | undefined;
  #worker: Worker | undefined;

  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  /** Shows the proof that a run ended with. */
  show(model: LabModel, certificate: Certificate): void {
    if (this.isRunning) return;
    this.subject = model;
    this.#end({ certificate, counterexample: null, undecided: null, steps: certificate.steps });
  }

  start(subject: LabModel): void {
    this.subject = subject;
    this.progress = 0;
    this.result = undefined;
    this.#worker = startWorker<ProofNews>("proof", (news) => {
      if (news.type === "done") return this.#end(news.result);
      if (news.type === "failed") return this.#end(undefined, news.failure);
      this.progress = news.progress.proved;
      this.changed();
    });
    const { model, parameters } = subject;
    this.#worker.postMessage({ model, parameters, threads: coresHere() } satisfies ProofOrder);
    this.changed();
  }

  stop(): void {
    this.#end(undefined);
  }

  #end(result: ProofResult | undefined, failure?: string): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    Object.assign(this, { result, failure });
    this.changed();
  }
}
