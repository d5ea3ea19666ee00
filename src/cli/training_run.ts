/**
 * What `train` and `continue` show while they run and when they are done.
 *
 * @module
 */
import { marginText } from "../certify/margin.ts";
import { count } from "../count.ts";
import { loadAdder } from "../load_adder.ts";
import type { ProgressEvent, TrainOptions, TrainReport, TrainResult } from "../training/types.ts";
import { adapterName, machinery, printJson, share, sumLine } from "./format.ts";
import { interruptible, Interruption } from "./interruption.ts";
import { ProgressDisplay } from "./progress.ts";

/** What a training run is, for its messages. */
export interface TrainingRun {
  /** The command's name. */
  command: "train" | "continue";
  /** The folder of the run. */
  out: string;
  /** Whether the report goes to stdout as JSON. */
  json: boolean;
  /** Whether a run that is stopped can go on. */
  saved: boolean;
}

/** Problems that a glance at the accuracy asks: a millisecond's work of the WASM engine. */
const GLANCE_PROBLEMS = 256;
/** The sum that new weights are shown with: every place carries. */
const DEMONSTRATION = { a: 1234567890, b: 9876543210 };

/** Trains, with progress on stderr and the result on stdout. @returns The exit code */
export async function runTraining(
  { command, out, json, saved }: TrainingRun,
  start: (watch: Pick<TrainOptions, "signal" | "onProgress" | "glanceProblems">) => Promise<TrainResult>,
): Promise<number> {
  const display = new ProgressDisplay(command);
  const onProgress = progressListener(display);
  let result: TrainResult;
  try {
    result = await interruptible((signal) =>
      start({ signal, onProgress, glanceProblems: display.terminal ? GLANCE_PROBLEMS : 0 })
    );
  } catch (error) {
    if (!(error instanceof Interruption)) throw error;
    const next = saved ? `go on with ${command} --resume --out ${out}` : "nothing is saved of attempts side by side";
    console.error(`${error.message}: ${next}`);
    return error.exitCode;
  } finally {
    display.end();
  }
  if (json) {
    printJson(result.report);
  } else {
    console.log(summary(result.report));
    const got = loadAdder(result.checkpoint).add(DEMONSTRATION.a, DEMONSTRATION.b);
    console.log(sumLine({ ...DEMONSTRATION, got }));
  }
  return 0;
}

function progressListener(display: ProgressDisplay): (event: ProgressEvent) => void {
  let totalSteps = 0;
  let right = ""; // of the last glance or evaluation
  return (event) => {
    switch (event.type) {
      case "start": {
        totalSteps = event.totalSteps;
        const from = event.resumedAt > 0 ? `, from step ${count(event.resumedAt)} on` : "";
        return display.log(
          `${event.recipe}: ${event.model} parameters, ${count(totalSteps)} steps, seed ${event.seed}, ${
            event.adapter === null ? event.backend : `${event.backend} on ${adapterName(event.adapter)}`
          }${from}`,
        );
      }
      case "step":
        return display.update(
          event.step,
          totalSteps,
          `loss ${event.loss.toFixed(4)}${right}, ${count(event.examplesPerSecond / 1000)}k examples/s, ` +
            `${event.stage}, step ${count(event.step)} of ${count(totalSteps)}`,
        );
      case "glance":
        right = rightShare(event);
        return;
      case "evaluation":
        right = rightShare(event);
        if (event.step === totalSteps) return; // the result says it
        return display.log(`step ${count(event.step)}: ${share(event)} of ${count(event.total)} sums are right`);
      case "restart":
        right = "";
        return display.log(
          `step ${count(event.step)}: a loss of ${event.loss.toFixed(3)} in ${event.stage} is above ${event.gate}, ` +
            `attempt ${event.attempt + 1} starts from new weights`,
        );
      case "certification":
        return display.update(event.proved, 1, `proving, ${event.seconds.toFixed(0)} s`);
      case "hardening":
        return display.log(
          `${event.proved} of 12 tokens are proved: training on ${event.pool} narrow sums, round ${event.round}`,
        );
      case "checkpoint":
      case "end":
        return;
    }
  };
}

/** A tenth of a per cent is enough to watch, and what the bar has room for. */
function rightShare({ correct, total }: { correct: number; total: number }): string {
  return `, ${Math.floor(1000 * correct / total) / 10}% right`;
}

function summary(report: TrainReport): string {
  const { exactMatch, evaluated } = report;
  const right = share({ correct: Math.round(exactMatch * evaluated), total: evaluated });
  return [
    `${right} of ${count(evaluated)} sums of new 10-digit numbers are right`,
    `${report.recipe}, seed ${report.seed}: ${count(report.steps)} steps, ${count(report.examples)} examples, ` +
    `${report.seconds.toFixed(1)} s (${machinery(report)}), ${report.restarts.length} restarts`,
    ...certificationLines(report),
    ...(report.checkpoint === null ? [] : [`weights: ${report.checkpoint}`]),
  ].join("\n");
}

function certificationLines({ certified, hardeningRounds, worstMargin, counterexample }: TrainReport): string[] {
  if (certified === null) return [];
  if (certified) {
    const after = hardeningRounds
      ? `, after ${hardeningRounds} round${hardeningRounds === 1 ? "" : "s"} of hardening`
      : "";
    return [`proved right on all 10^20 pairs, worst margin ${marginText(worstMargin!, 1)}${after}`];
  }
  return [
    counterexample === null
      ? "not known whether right on all 10^20 pairs: the time for a proof ran out, `certify --from` takes more"
      : `not right on all 10^20 pairs: ${counterexample.a} + ${counterexample.b} is not written rightly`,
  ];
}
