import type { Certificate, CertifyResult } from "../src/certify/types.ts";
import { coresHere } from "./capabilities.tsx";
import { Changes } from "./hooks.ts";
import type { LabModel } from "./models.ts";
import type { Failure, ProofNews, ProofOrder } from "./protocol.ts";

export type ProofOutcome = CertifyResult | { readonly certificate: Certificate } | { readonly failure: Failure };

/** The prover: what it proves now, and its last result. */
export class Proof extends Changes {
  /** The model that is being proved, or that the result is about. */
  subject: LabModel | undefined;
  /** The share of all pairs that is proved, 0 … 1. */
  progress = 0;
  /** Undefined while there is none. */
  outcome: ProofOutcome | undefined;
  #worker: Worker | undefined;

  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  /** Shows the proof that a run ended with. */
  show(model: LabModel, certificate: Certificate): void {
    if (this.isRunning) return;
    this.subject = model;
    this.#end({ certificate });
  }

  start(subject: LabModel): void {
    this.subject = subject;
    this.progress = 0;
    this.outcome = undefined;
    const worker = new Worker(new URL("./proof_worker.js", import.meta.url), { type: "module", name: "prover" });
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<ProofNews>) => {
      if (data.type === "done") return this.#end(data.result);
      if (data.type === "failed") return this.#end(data);
      this.progress = data.progress.proved;
      this.changed();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      const message = event.message || "Cannot prove as the worker script must load: reload the page";
      this.#end({ failure: { name: "Error", message } });
    };
    const { model, parameters } = subject;
    worker.postMessage({ model, parameters, threads: coresHere() } satisfies ProofOrder);
    this.changed();
  }

  stop(): void {
    this.#end(undefined);
  }

  #end(outcome: ProofOutcome | undefined): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.outcome = outcome;
    this.changed();
  }
}
