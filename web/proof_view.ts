/**
 * The section `Prove`: starts the prover on the model in hand, and tells what it finds.
 *
 * @module
 */
import { certificateText } from "../src/certify/certificate.ts";
import type { Certificate, CertifyResult, Input } from "../src/certify/types.ts";
import { byId, element } from "./dom.ts";
import { download } from "./files.ts";
import { count, short } from "./format.ts";
import type { LabModel } from "./models.ts";
import { STEP_NAMES } from "./names.ts";
import type { Failure, ProofNews, ProofOrder } from "./protocol.ts";

/** What is shown of a step. */
interface StepLine {
  readonly step: number;
  readonly margin: number;
  readonly worst: Input & { margin: number };
}

/** The section's elements, and the worker while it proves. */
export class ProofView {
  readonly #prove = byId("prove", HTMLButtonElement);
  readonly #stop = byId("prove-stop", HTMLButtonElement);
  readonly #save = byId("save-certificate", HTMLButtonElement);
  readonly #progress = byId("proof-progress", HTMLProgressElement);
  readonly #verdict = byId("proof-verdict", HTMLParagraphElement);
  readonly #detail = byId("proof-detail", HTMLParagraphElement);
  readonly #steps = byId("proof-steps", HTMLDivElement);
  readonly #threads: number;
  #worker: Worker | undefined;
  /** The weights that what is shown belongs to. */
  #subject: Float32Array | undefined;
  #certificate: Certificate | undefined;

  /**
   * @param model Gives the model in hand
   * @param threads Threads of the prover
   */
  constructor(model: () => LabModel, threads: number) {
    this.#threads = threads;
    this.#prove.onclick = () => this.#start(model());
    this.#stop.onclick = () => {
      this.#end();
      this.#say("Stopped: nothing is known.");
    };
    this.#save.onclick = () => {
      if (this.#certificate) download("certificate.json", certificateText(this.#certificate), "application/json");
    };
  }

  /** Forgets what was found of other weights. What is being proved is proved to its end. */
  showModel({ parameters }: LabModel): void {
    if (this.#worker !== undefined || this.#subject === undefined || this.#subject === parameters) return;
    this.#clear();
  }

  /** Shows the proof that a run ended with. */
  showCertificate({ label, parameters }: LabModel, certificate: Certificate): void {
    if (this.#worker !== undefined) return;
    this.#clear();
    this.#subject = parameters;
    this.#showProof(label, certificate);
  }

  #clear(): void {
    this.#subject = undefined;
    this.#certificate = undefined;
    this.#save.hidden = true;
    this.#steps.replaceChildren();
    this.#say("");
  }

  #start({ label, model, parameters }: LabModel): void {
    this.#clear();
    this.#subject = parameters;
    const worker = new Worker(new URL("./proof_worker.js", import.meta.url), { type: "module", name: "prover" });
    this.#worker = worker;
    this.#stop.hidden = this.#progress.hidden = false;
    if (document.activeElement === this.#prove) this.#stop.focus(); // a button that is disabled has no focus
    this.#prove.disabled = true;
    this.#progress.value = 0;
    this.#say("Proving …", label);
    worker.onmessage = ({ data }: MessageEvent<ProofNews>) => {
      if (data.type === "progress") return void (this.#progress.value = data.progress.proved);
      this.#end();
      if (data.type === "failed") this.#showFailure(data.failure);
      else this.#showResult(label, data.result);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#end();
      this.#showFailure({ name: "Error", message: event.message || "The prover cannot be loaded" });
    };
    worker.postMessage({ model, parameters, threads: this.#threads } satisfies ProofOrder);
  }

  #end(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#prove.disabled = false;
    if (document.activeElement === this.#stop) this.#prove.focus();
    this.#stop.hidden = this.#progress.hidden = true;
  }

  #showFailure({ message }: Failure): void {
    this.#say("Nothing is known.", message, "wrong");
  }

  #showResult(label: string, result: CertifyResult): void {
    const { certificate, counterexample, undecided, steps, seconds, threads } = result;
    const took = `${seconds.toFixed(1)} s on ${threads} ${threads === 1 ? "thread" : "threads"}`;
    if (certificate !== null) return this.#showProof(label, certificate, took);
    if (counterexample !== null) {
      const { a, b, expected, got, step } = counterexample;
      const said = step === 11
        ? "is not ended after its sum"
        : `gives ${got === null ? "no number" : count(got)} instead of ${count(expected)}`;
      this.#say(`Refuted: ${count(a)} + ${count(b)} ${said}.`, `${label}; ${took}.`, "wrong");
    } else {
      const left = undecided === null
        ? ""
        : `; the margin of the ${STEP_NAMES[undecided.step]} may be ${short(undecided.bound)}`;
      this.#say("Not decided in the time given.", `${label}${left}; ${took}.`);
    }
    this.#showSteps(steps);
  }

  #showProof(label: string, certificate: Certificate, took?: string): void {
    this.#certificate = certificate;
    this.#save.hidden = false;
    const { worstMargin, steps, arithmetic } = certificate;
    const error = `rounding was measured to move it by at most ${short(arithmetic.largestError)}`;
    const detail = `${label}. Worst margin ${worstMargin.toFixed(2)} logits; ${error}.${
      took === undefined ? "" : ` ${took}.`
    }`;
    this.#say("Proved right on all 10²⁰ pairs.", detail, "right");
    this.#showSteps(steps);
  }

  #say(verdict: string, detail = "", kind: "right" | "wrong" | "open" = "open"): void {
    this.#verdict.textContent = verdict;
    this.#verdict.dataset.right = { right: "true", wrong: "false", open: "" }[kind];
    this.#detail.textContent = detail;
  }

  #showSteps(steps: readonly StepLine[]): void {
    if (steps.length === 0) return;
    const widest = Math.max(...steps.filter(({ step }) => step < 11).map(({ margin }) => margin));
    const rows = steps.map(({ step, margin, worst }) => {
      const bar = element("span", { className: "bar" });
      bar.style.setProperty("--share", Math.min(1, margin / widest).toFixed(3));
      return element(
        "tr",
        {},
        element("th", { scope: "row" }, STEP_NAMES[step]),
        element("td", {}, element("span", { className: "margin" }, margin.toFixed(2)), bar),
        element("td", {}, `${worst.a} + ${worst.b}`),
      );
    });
    const head = ["Token", "Margin, at least", "Narrowest pair met"].map((text) =>
      element("th", { scope: "col" }, text)
    );
    this.#steps.replaceChildren(
      element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows)),
    );
  }
}
