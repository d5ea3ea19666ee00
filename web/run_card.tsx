import { parameterCount, variantOf } from "../src/model/variant.ts";
import { marginText } from "../src/certify/certificate.ts";
import type { TrainReport } from "../src/training/types.ts";
import { formatInteger } from "../src/common/format_value.ts";
import { useState } from "preact/hooks";
import { plural } from "../src/cli/format.ts";
import { percent, short } from "./format.ts";
import type { LabRun } from "./lab_run.ts";
import { linkText } from "./link.ts";
import { isReplayable } from "./runs.ts";
import { sum } from "./sum.ts";
import { Pair } from "./sum_section.tsx";

export function RunCard({ run }: { run: LabRun }) {
  const { slot, request, status, remark } = run;
  const canPause = !["pausing", "stopping"].includes(status) && (status !== "starting" || run.latest !== undefined);
  const pause = status === "paused" ? "Continue" : "Pause";
  const toggle = () => canPause && run.toggle();
  const shared = { type: "button", hidden: !run.isOpen } as const;
  const wrong = run.result?.report.counterexample;
  return (
    <article id={`run-${slot}`} class={`stack run run-${slot}`} data-status={status} aria-label={`Run ${slot}`}>
      <header class="flow">
        <h3>{slot}: {request.recipe}, seed {request.seed}</h3>
        <div class="flow">
          {/* not `disabled`, which would drop the focus */}
          <button {...shared} aria-label={`${pause} run ${slot}`} aria-disabled={!canPause} onClick={toggle}>
            {pause}
          </button>
          <button {...shared} aria-label={`Stop run ${slot}`} onClick={() => run.stop()}>Stop</button>
          {isReplayable(request) && <CopyLink run={run} />}
        </div>
      </header>
      <progress value={shareDone(run)} aria-label={`Run ${slot}`} />
      <p class="state">{stateLine(run)}</p>
      {wrong && (
        <p>
          Refuted by <Pair {...wrong} />
        </p>
      )}
      <p class={status === "failed" ? "problem" : "note"} role="status">{remark}</p>
      <p class="note">{machineryLine(run)}</p>
    </article>
  );
}

function CopyLink({ run }: { run: LabRun }) {
  const [text, setText] = useState("Copy link");
  const copy = async () => {
    const link = linkText({ run: run.request, step: run.rewound, sum: [sum.a, sum.b] });
    const { href } = new URL(`#${link}`, new URL("./", location.href));
    try {
      await navigator.clipboard.writeText(href);
      setText("Copied");
    } catch {
      history.replaceState(null, "", href);
      setText("The address of the page is the link");
    }
  };
  return <button type="button" class="copy" onClick={copy} onBlur={() => setText("Copy link")}>{text}</button>;
}

export function provedText(progress?: { provedSteps: number }): string {
  return `${progress?.provedSteps ?? 0} of 12 positions proved`;
}

function shareDone({ status, latest, totalSteps, proved }: LabRun): number {
  if (status === "done") return 1;
  if (status === "proving") return proved?.proved ?? 0;
  return latest === undefined ? 0 : latest.step / totalSteps;
}

function machineryLine({ request, machinery }: LabRun): string {
  const parameters = `${parameterCount(variantOf(request.model))} parameters`;
  if (machinery === undefined) return `${parameters}, ${request.backend} requested`;
  const { backend, threads, arithmetic, adapter } = machinery;
  const gpu = adapter === undefined ? "" : ` (${adapter.name}${adapter.software ? ", in software" : ""})`;
  const fewer = backend === "wasm" && threads < request.threads
    ? ` (${request.threads} requested, but this page cannot share memory)`
    : "";
  return `${parameters} on ${backend}${gpu}, ${plural(threads, "thread")}${fewer}, ${arithmetic} arithmetic`;
}

function stateLine({ status, latest, totalSteps, curves, result, proved }: LabRun): string {
  if (status === "failed") return "failed";
  if (status === "done") return resultLine(result!.report);
  if (latest === undefined) return "starting";
  const at = `step ${formatInteger(latest.step)} of ${formatInteger(totalSteps)}`;
  const doing = { training: `stage ${latest.stage}`, proving: `proving, ${provedText(proved)}` };
  const share = curves.exactMatch.values.at(-1);
  const right = share === undefined ? "" : `, ${percent(share)} of held-out sums right`;
  const speed = status === "training" ? `\n${formatInteger(latest.examplesPerSecond)} examples/s` : "";
  return `${doing[status as "training"] ?? status}, ${at}\nloss ${short(latest.loss)}${right}${speed}`;
}

function resultLine({ exactMatch, evaluated, seconds, certified, worstMargin, counterexample }: TrainReport): string {
  const right = `${percent(exactMatch)} of ${formatInteger(evaluated)} held-out sums right`;
  const took = `${seconds.toFixed(1)} s`;
  if (certified === null) return `trained in ${took}\n${right}`;
  if (certified) {
    return `proved right on all 10²⁰ pairs\nsmallest margin ${marginText(worstMargin!)}, ${took}\n${right}`;
  }
  return `${counterexample === null ? "not proved" : "not right on all pairs"}\n${right}, ${took}`;
}
