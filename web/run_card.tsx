import { parameterCount, variantOf } from "../src/model/variant.ts";
import type { CertifyProgress } from "../src/certify/types.ts";
import { marginText } from "../src/certify/certificate.ts";
import { formatInteger } from "../src/common/format_value.ts";
import { useState } from "preact/hooks";
import { threadsText } from "./capabilities.tsx";
import { percent, short } from "./format.ts";
import type { LabRun } from "./lab_run.ts";
import { linkText } from "./link.ts";
import { Pair } from "./pair.tsx";
import type { TrainRequest } from "./protocol.ts";
import type { Sum } from "./sum.ts";

/** The state of a run in words, and its buttons. */
export function RunCard({ run, step, sum }: {
  readonly run: LabRun;
  /** The step that the page has returned to. */
  readonly step: number | undefined;
  readonly sum: Sum;
}) {
  const { slot, request, status, failure, remarks } = run;
  const canPause = !["pausing", "stopping"].includes(status) && (status !== "starting" || run.latest !== undefined);
  const pause = status === "paused" ? "Continue" : "Pause";
  const remark = failure ?? remarks.at(-1) ?? "";
  const wrong = run.result?.report.counterexample;
  return (
    <article id={`run-${slot}`} class="stack run" data-slot={slot} data-status={status} aria-label={`Run ${slot}`}>
      <header class="flow">
        <h3>{slot}: {request.recipe}, seed {request.seed}</h3>
        <div class="flow">
          {/* not `disabled`, which would drop the focus */}
          <button
            type="button"
            hidden={!run.isOpen}
            aria-label={`${pause} run ${slot}`}
            aria-disabled={!canPause}
            onClick={() => canPause && (status === "paused" ? run.continue() : run.pause())}
          >
            {pause}
          </button>
          <button
            type="button"
            hidden={!run.isOpen}
            aria-label={`Stop run ${slot}`}
            onClick={() => run.stop()}
          >
            Stop
          </button>
          {isReplayable(run) && <CopyLink run={request} step={step} sum={sum} />}
        </div>
      </header>
      <progress max={1} value={shareDone(run)} aria-label={`Run ${slot}`} />
      <p class="state">{stateLine(run)}</p>
      {wrong && (
        <p>
          Refuted by <Pair sum={sum} a={wrong.a} b={wrong.b} />
        </p>
      )}
      <p class={failure ? "problem" : "note"} role="status" hidden={remark === ""}>{remark}</p>
      <p class="note">{machineryLine(run)}</p>
    </article>
  );
}

/** Whether the same request gives the same bytes everywhere. */
function isReplayable({ machinery }: LabRun): boolean {
  return machinery?.backend === "wasm" && machinery.arithmetic === "exact";
}

interface CopyLinkProps {
  readonly run: TrainRequest;
  readonly step: number | undefined;
  readonly sum: Sum;
}

function CopyLink({ run, step, sum: { a, b } }: CopyLinkProps) {
  const [text, setText] = useState("Copy link");
  const copy = async () => {
    const link = new URL(`#${linkText({ run, step, sum: [a, b] })}`, new URL("./", location.href)).href;
    try {
      await navigator.clipboard.writeText(link);
      setText("Copied");
    } catch {
      history.replaceState(null, "", link);
      setText("The address of the page is the link");
    }
  };
  return <button type="button" class="copy" onClick={copy} onBlur={() => setText("Copy link")}>{text}</button>;
}

export function provedText(progress: CertifyProgress | undefined): string {
  return `${progress?.provedSteps ?? 0} of 12 positions proved`;
}

function shareDone({ status, latest, totalSteps, proved }: LabRun): number {
  if (status === "done") return 1;
  if (status === "proving") return proved?.proved ?? 0;
  return latest === undefined || totalSteps === 0 ? 0 : latest.step / totalSteps;
}

function machineryLine({ request, machinery }: LabRun): string {
  const parameters = `${parameterCount(variantOf(request.model))} parameters`;
  if (machinery === undefined) return `${parameters}, ${request.backend} requested`;
  const { backend, threads, arithmetic, adapter } = machinery;
  const gpu = adapter === undefined ? "" : ` (${adapter.name}${adapter.software ? ", in software" : ""})`;
  const fewer = backend === "wasm" && threads < request.threads
    ? ` (${request.threads} requested, but this page cannot share memory)`
    : "";
  return `${parameters} on ${backend}${gpu}, ${threadsText(threads)}${fewer}, ${arithmetic} arithmetic`;
}

function stateLine({ status, latest, totalSteps, evaluation, result, proved }: LabRun): string {
  if (status === "failed") return "failed";
  if (status === "done") return resultLine(result!.report);
  if (latest === undefined) return "starting";
  const at = `step ${formatInteger(latest.step)} of ${formatInteger(totalSteps)}`;
  const doing = { training: `stage ${latest.stage}`, proving: `proving, ${provedText(proved)}` }[status as string] ??
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
  return `${counterexample === null ? "not proved" : "not right on all pairs"}\n${right}, ${took}`;
}
