/**
 * A run in words: what it is, how far it is, what really runs, and its buttons.
 *
 * @module
 */
import { marginText } from "../src/certify/margin.ts";
import { count } from "../src/count.ts";
import { element } from "./dom.ts";
import { percent, short } from "./format.ts";
import type { LabRun } from "./lab_run.ts";

/** The card of one slot. Its elements stay, so that the focus does. */
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

  /** Fills the root. */
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

  /** Shows a run as it is. */
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
    this.#pause.ariaDisabled = String(!canPause(run)); // not `disabled`, which would take the focus away
    this.#pause.hidden = this.#stop.hidden = !run.isOpen;
  }
}

/** Whether a run can be paused now, or continued. */
function canPause({ status, latest }: LabRun): boolean {
  return status !== "pausing" && status !== "stopping" && !(status === "starting" && latest === undefined);
}

/** Changes a text only where it is another: a live region would read it again. */
function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

function shareDone({ status, latest, totalSteps, proved }: LabRun): number {
  if (status === "done") return 1;
  if (status === "proving") return proved;
  return latest === undefined || totalSteps === 0 ? 0 : latest.step / totalSteps;
}

function machineryLine({ request, machinery }: LabRun): string {
  if (machinery === undefined) return `${request.model} parameters, ${request.backend} asked for`;
  const { backend, threads, arithmetic, adapter } = machinery;
  const gpu = adapter === undefined ? "" : ` (${adapter.name}${adapter.software ? ", a program on the CPU" : ""})`;
  const asked = backend === "wasm" && threads < request.threads
    ? ` (${request.threads} asked for: the page is not isolated)`
    : "";
  return `${request.model} parameters on ${backend}${gpu}, ${threads} ${
    threads === 1 ? "thread" : "threads"
  }${asked}, ${arithmetic}`;
}

function stateLine(run: LabRun): string {
  const { status, latest, totalSteps, evaluation, result, proved } = run;
  if (status === "failed") return "failed";
  if (status === "done") return resultLine(result!.report);
  if (latest === undefined) return "starting";
  const at = `step ${count(latest.step)} of ${count(totalSteps)}`;
  const doing = { training: latest.stage, proving: `proving, ${percent(proved)}` }[status as string] ?? status;
  const right = evaluation === undefined ? "" : `, ${percent(evaluation.exactMatch)} of sums right`;
  const speed = status === "training" ? `\n${count(latest.examplesPerSecond)} examples/s` : "";
  return `${doing}, ${at}\nloss ${short(latest.loss)}${right}${speed}`;
}

type Report = NonNullable<LabRun["result"]>["report"];

function resultLine({ exactMatch, evaluated, seconds, certified, worstMargin, counterexample }: Report): string {
  const right = `${percent(exactMatch)} of ${count(evaluated)} new sums right`;
  const took = `${seconds.toFixed(1)} s`;
  if (certified === null) return `trained in ${took}\n${right}`;
  if (certified) return `proved right on all 10²⁰ pairs\nworst margin ${marginText(worstMargin!)}, ${took}\n${right}`;
  const why = counterexample === null ? "not proved" : `wrong at ${counterexample.a} + ${counterexample.b}`;
  return `${why}\n${right}, ${took}`;
}
