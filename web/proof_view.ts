import { certificateText, marginText } from "../src/certify/certificate.ts";
import type { Certificate, CertifyResult, Input } from "../src/certify/types.ts";
import { formatInteger } from "../src/common/format_integer.ts";
import { byId, element } from "./dom.ts";
import { download } from "./files.ts";
import { short } from "./format.ts";
import type { LabModel } from "./models.ts";
import { STEP_NAMES } from "./names.ts";
import type { Failure, ProofNews, ProofOrder } from "./protocol.ts";

interface StepLine {
  readonly step: number;
  readonly margin: number;
  readonly worst: Input;
}

/** The section `Prove`: runs the prover on the current model and shows its result. */
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
  readonly #elsewhere = byId("proof-elsewhere", HTMLParagraphElement);
  readonly #inHand: () => LabModel;
  /** The model that the result shown is about. */
  #subject: LabModel | undefined;
  #certificate: Certificate | undefined;

  constructor(inHand: () => LabModel, threads: number) {
    this.#inHand = inHand;
    this.#threads = threads;
    this.#prove.onclick = () => this.#start(inHand());
    this.#stop.onclick = () => {
      this.#end();
      this.#say("Stopped before there was a result.");
    };
    this.#save.onclick = () => {
      if (this.#certificate) download("certificate.json", certificateText(this.#certificate), "application/json");
    };
  }

  /** Says whether the result shown is about the current weights, which may have changed. */
  compare(): void {
    const isElsewhere = this.#subject !== undefined && this.#subject.parameters !== this.#inHand().parameters;
    this.#elsewhere.hidden = !isElsewhere;
    this.#verdict.dataset.elsewhere = String(isElsewhere);
  }

  /** Shows the proof that a run ended with. */
  showCertificate(model: LabModel, certificate: Certificate): void {
    if (this.#worker !== undefined) return;
    this.#clear();
    this.#subject = model;
    this.#showProof(certificate);
  }

  #clear(): void {
    this.#subject = undefined;
    this.#certificate = undefined;
    this.#save.hidden = true;
    this.#steps.replaceChildren();
    this.#say("");
  }

  #start(subject: LabModel): void {
    this.#clear();
    this.#subject = subject;
    const worker = new Worker(new URL("./proof_worker.js", import.meta.url), { type: "module", name: "prover" });
    this.#worker = worker;
    this.#stop.hidden = this.#progress.hidden = false;
    if (document.activeElement === this.#prove) this.#stop.focus(); // disabling a button drops the focus
    this.#prove.disabled = true;
    this.#progress.value = 0;
    this.#say("Proving …");
    worker.onmessage = ({ data }: MessageEvent<ProofNews>) => {
      if (data.type === "progress") return void (this.#progress.value = data.progress.proved);
      this.#end();
      if (data.type === "failed") this.#showFailure(data.failure);
      else this.#showResult(data.result);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#end();
      this.#showFailure({
        name: "Error",
        message: event.message || "Cannot prove as the worker script must load: reload the page",
      });
    };
    const { model, parameters } = subject;
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
    this.#say("The prover failed.", message, "wrong");
  }

  #showResult(result: CertifyResult): void {
    const { certificate, counterexample, undecided, steps, seconds, threads } = result;
    const took = `${seconds.toFixed(1)} s on ${threads} ${threads === 1 ? "thread" : "threads"}`;
    if (certificate !== null) return this.#showProof(certificate, took);
    if (counterexample !== null) {
      const { a, b, expected, got, step } = counterexample;
      const said = step === 11
        ? "gives the right digits, but does not end after them"
        : `gives ${got === null ? "no number" : formatInteger(got)} instead of ${formatInteger(expected)}`;
      this.#say(`Refuted: ${formatInteger(a)} + ${formatInteger(b)} ${said}.`, `${took}.`, "wrong");
    } else {
      const left = undecided === null
        ? ""
        : `The margin of the token "${STEP_NAMES[undecided.step]}" may be as low as ${short(undecided.bound)}. `;
      this.#say("Undecided: the time ran out.", `${left}${took}.`);
    }
    this.#showSteps(steps);
  }

  #showProof(certificate: Certificate, took?: string): void {
    this.#certificate = certificate;
    this.#save.hidden = false;
    const { worstMargin, steps } = certificate;
    const detail = `Smallest margin ${marginText(worstMargin)} logits, with float32 rounding.${
      took === undefined ? "" : ` ${took}.`
    }`;
    this.#say("Proved right on all 10²⁰ pairs.", detail, "right");
    this.#showSteps(steps);
  }

  /** Shows a verdict and the model that it is about. */
  #say(verdict: string, detail = "", kind: "right" | "wrong" | "open" = "open"): void {
    this.#verdict.textContent = verdict;
    this.#verdict.dataset.right = { right: "true", wrong: "false", open: "" }[kind];
    this.#detail.textContent = this.#subject === undefined
      ? ""
      : `${this.#subject.label}, ${this.#subject.note}. ${detail}`;
    this.compare();
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
        element("td", {}, element("span", { className: "margin" }, marginText(margin)), bar),
        element("td", {}, `${worst.a} + ${worst.b}`),
      );
    });
    const head = ["Token", "Margin, at least", "Closest pair found"].map((text) =>
      element("th", { scope: "col" }, text)
    );
    this.#steps.replaceChildren(
      element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows)),
    );
  }
}
