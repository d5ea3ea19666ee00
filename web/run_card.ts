import { marginText } from "../src/certify/certificate.ts";
import { formatInteger } from "../src/common/format_integer.ts";
import { element } from "./dom.ts";
import { percent, short } from "./format.ts";
import type { LabRun } from "./lab_run.ts";

/** The card of one slot: the state of its run in words, and its buttons. Elements are kept, so that the focus is, too. */
export class RunCard {
  readonly #title = element("h3");
  readonly #machinery = element("p", { className: "note" });
  readonly #progress = element("progress", { max: 1 });
  readonly #state = element("p", { className: "state" });
  readonly #remark = element("p", { className: "note", role: "status" });
  readonly #pause = element("button", { type: "button" });
  readonly #stop = element("button", { type: "button" }, "Stop");
  readonly #root: HTMLElement;
  #run: LabRun | undefined;

  constructor(root: HTMLElement) {
    this.#root = root;
    const buttons = element("div", { className: "controls" }, this.#pause, this.#stop);
    root.append(
      element("header", {}, this.#title, buttons),
      this.#progress,
      this.#state,
      this.#remark,
      this.#machinery,
    );
    this.#pause.onclick = () => {
      if (this.#run === undefined || !canPause(this.#run)) return;
      if (this.#run.status === "paused") this.#run.continue();
      else this.#run.pause();
    };
    this.#stop.onclick = () => this.#run?.stop();
  }

  show(run: LabRun): void {
    this.#run = run;
    const { slot, request, status } = run;
    this.#root.hidden = false;
    this.#root.dataset.status = status;
    setText(this.#title, `${slot}: ${request.recipe}, seed ${request.seed}`);
    setText(this.#machinery, machineryLine(run));
    setText(this.#state, stateLine(run));
    const remark = run.failure?.message ?? run.remarks.at(-1) ?? "";
    setText(this.#remark, remark);
    this.#remark.hidden = remark === "";
    this.#progress.value = shareDone(run);
    this.#progress.setAttribute("aria-label", `Run ${slot}`);
    setText(this.#pause, status === "paused" ? "Continue" : "Pause");
    this.#pause.setAttribute("aria-label", `${this.#pause.textContent} run ${slot}`);
    this.#stop.setAttribute("aria-label", `Stop run ${slot}`);
    this.#pause.ariaDisabled = String(!canPause(run)); // not `disabled`, which would drop the focus
    this.#pause.hidden = this.#stop.hidden = !run.isOpen;
  }
}

function canPause({ status, latest }: LabRun): boolean {
  return status !== "pausing" && status !== "stopping" && !(status === "starting" && latest === undefined);
}

/** Changes a text only if it differs: otherwise screen readers would read a live region again. */
function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

function shareDone({ status, latest, totalSteps, proved }: LabRun): number {
  if (status === "done") return 1;
  if (status === "proving") return proved;
  return latest === undefined || totalSteps === 0 ? 0 : latest.step / totalSteps;
}

function machineryLine({ request, machinery }: LabRun): string {
  if (machinery === undefined) return `${request.model} parameters, ${request.backend} requested`;
  const { backend, threads, arithmetic, adapter } = machinery;
  const gpu = adapter === undefined ? "" : ` (${adapter.name}${adapter.software ? ", in software" : ""})`;
  const asked = backend === "wasm" && threads < request.threads
    ? ` (${request.threads} requested, but this page cannot share memory)`
    : "";
  return `${request.model} parameters on ${backend}${gpu}, ${threads} ${
    threads === 1 ? "thread" : "threads"
  }${asked}, ${arithmetic} arithmetic`;
}

function stateLine(run: LabRun): string {
  const { status, latest, totalSteps, evaluation, result, proved } = run;
  if (status === "failed") return "failed";
  if (status === "done") return resultLine(result!.report);
  if (latest === undefined) return "starting";
  const at = `step ${formatInteger(latest.step)} of ${formatInteger(totalSteps)}`;
  const doing = { training: `stage ${latest.stage}`, proving: `proving, ${percent(proved)}` }[status as string] ??
    status;
  const right = evaluation === undefined ? "" : `, ${percent(evaluation.exactMatch)} of held-out sums right`;
  const speed = status === "training" ? `\n${formatInteger(latest.examplesPerSecond)} examples/s` : "";
  return `${doing}, ${at}\nloss ${short(latest.loss)}${right}${speed}`;
}

type Report = NonNullable<LabRun["result"]>["report"];

function resultLine({ exactMatch, evaluated, seconds, certified, worstMargin, counterexample }: Report): string {
  const right = `${percent(exactMatch)} of ${formatInteger(evaluated)} held-out sums right`;
  const took = `${seconds.toFixed(1)} s`;
  if (certified === null) return `trained in ${took}\n${right}`;
  if (certified) {
    return `proved right on all 10²⁰ pairs\nsmallest margin ${marginText(worstMargin!)}, ${took}\n${right}`;
  }
  const why = counterexample === null
    ? "not proved"
    : `wrong: ${formatInteger(counterexample.a)} + ${formatInteger(counterexample.b)}`;
  return `${why}\n${right}, ${took}`;
}
