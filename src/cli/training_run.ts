import { marginText } from "../certify/certificate.ts";
import { CERTIFICATE_FILE } from "../checkpoint/safetensors/store.ts";
import { formatInteger } from "../common/format_value.ts";
import { KeptRunError } from "../training/error.ts";
import type { RunOptions } from "../training/options.ts";
import type { ProgressEvent, TrainReport, TrainResult } from "../training/types.ts";
import { counterexampleText } from "./certify.ts";
import type { Input } from "./command.ts";
import type { Flags } from "./flags.ts";
import { adapterName, machinery, plural, printResult, share } from "./format.ts";
import { commandLine, mendingCommand, provingCommand } from "./next_command.ts";
import { type ProgressDisplay, watched } from "./progress.ts";

/** The command line of a training run, as far as its messages depend on it. */
type TrainingInput = Pick<Input<Flags>, "name" | "args" | "json"> & {
  readonly flags: { readonly out?: string; readonly from?: string; readonly attempts?: number };
};

/** Sums of an interim evaluation for the progress bar: a millisecond of work for the WASM engine. */
const INTERIM_PROBLEMS = 256;
/** The folder of suggested commands where none was named. */
const FOLDER = "run";

/** Trains, with progress on stderr and the result on stdout. @returns The exit code */
export async function runTraining(
  start: (options: RunOptions) => Promise<TrainResult>,
  options: RunOptions,
  input: TrainingInput,
): Promise<number> {
  const { name, flags: { out, attempts }, json } = input;
  const isResumable = out !== undefined && attempts === undefined;
  const advice = isResumable ? `: to go on:\n${again(input, ["--resume"], out)}` : ": nothing of the run is saved";
  const run = (display: ProgressDisplay, signal: AbortSignal) => {
    const interimProblems = display.terminal ? INTERIM_PROBLEMS : 0;
    return start({ ...options, signal, onProgress: progressListener(display), interimProblems });
  };
  let report: TrainReport;
  try {
    ({ report } = await watched(name, run, advice));
  } catch (error) {
    if (!(error instanceof KeptRunError)) throw error;
    console.error([error.message, ...waysAround(input, error)].join("\n"));
    return 2;
  }
  const [steps, examples] = [report.steps, report.examples].map(formatInteger);
  console.error(
    `${report.recipe}, seed ${report.seed}: ${steps} steps, ${examples} examples, ` +
      `${report.seconds.toFixed(1)} s in all (${machinery(report)}), ${plural(report.restarts.length, "restart")}`,
  );
  const next = nextLines(input, report);
  if (json && report.certified === false) console.error(next.join("\n"));
  return printResult(report, [...resultLines(report), "", ...next].join("\n"), { json });
}

function progressListener(display: ProgressDisplay): (event: ProgressEvent) => void {
  let totalSteps = 0;
  let right = ""; // of the last evaluation
  return (event) => {
    const step = "step" in event ? formatInteger(event.step) : "";
    switch (event.type) {
      case "start": {
        const { recipe, model, seed, adapter, backend, resumedAt } = event;
        ({ totalSteps } = event);
        const engine = adapter === null ? backend : `${backend} on ${adapterName(adapter)}`;
        const from = resumedAt > 0 ? `, from step ${formatInteger(resumedAt)} on` : "";
        return display.log(
          `${recipe}: model ${model}, ${formatInteger(totalSteps)} steps, seed ${seed}, ${engine}${from}`,
        );
      }
      case "step": {
        const rate = `${formatInteger(event.examplesPerSecond / 1000)}k examples/s`;
        const note = `loss ${event.loss.toFixed(4)}${right}, ${rate}, ${event.stage}, step ${step} of ${
          formatInteger(totalSteps)
        }`;
        return display.update(event.step, totalSteps, note);
      }
      case "interim":
      case "evaluation":
        // a tenth of a per cent is precise enough for a progress bar, and short
        right = `, ${Math.floor(1000 * event.correct / event.total) / 10}% right`;
        if (event.type === "interim" || event.step === totalSteps) return; // the result reports it
        return display.log(`step ${step}: ${share(event)} of ${formatInteger(event.total)} sums are right`);
      case "restart":
        right = "";
        return display.log(
          `step ${step}: the loss of ${event.loss.toFixed(3)} in stage ${event.stage} is above ${event.gate}, ` +
            `so attempt ${event.attempt + 1} starts from new weights`,
        );
      case "certification":
        return display.update(event.proved, 1, `proving, ${event.seconds.toFixed(0)} s`);
      case "hardening":
        return display.log(
          `a sum has a margin of ${event.margin.toFixed(2)}: training on ${event.pool} such sums, round ${event.round}`,
        );
    }
  };
}

/** How right the model is, how it is proved, where it is saved. */
function resultLines(report: TrainReport): [right: string, proof: string, saved: string] {
  const { exactMatch, evaluated, trainSeconds, checkpoint, certified } = report;
  const right = share({ correct: Math.round(exactMatch * evaluated), total: evaluated });
  const sums = `${formatInteger(evaluated)} sums of new 10-digit numbers`;
  const proof = certified ? `, proof: ${certificateOf(checkpoint ?? "")}` : "";
  return [
    `${right} of ${sums} are right, after ${trainSeconds.toFixed(1)} s of training`,
    proofLine(report),
    checkpoint === null ? "not saved: this run was in memory alone" : `weights: ${checkpoint}${proof}`,
  ];
}

function proofLine({ certified, hardeningRounds, worstMargin, counterexample }: TrainReport): string {
  if (certified === null) return "not proved: no proof was requested";
  if (certified) {
    const after = hardeningRounds ? `, after ${plural(hardeningRounds, "round")} of hardening` : "";
    return `proved right on all 10^20 pairs, worst margin ${marginText(worstMargin!, 1)}${after}`;
  }
  return counterexample === null
    ? "not known whether right on all 10^20 pairs: the proof was not finished"
    : `not right on all 10^20 pairs: ${counterexampleText(counterexample)}`;
}

/** A line that says what comes next, and the commands for it. */
export function nextLines(input: TrainingInput, report: TrainReport): string[] {
  const { args, flags: { out, from } } = input;
  const { certified, counterexample, checkpoint, finished } = report;
  const prove = (file: string) => provingCommand({ file, certificate: certificateOf(file) });
  const add = (folder: string) => commandLine([42, 7, "--from", folder], { read: [folder] });

  if (certified === false && counterexample === null) {
    const first = checkpoint === null ? `${again(input, args)} && ` : "";
    return ["To give the proof more time:", first + prove(checkpoint ?? `${FOLDER}/model.safetensors`)];
  }
  if (certified === false && !finished) {
    const command = out === undefined
      ? again(input, [...without(args, "steps"), "--harden"])
      : again(input, ["--resume", "--harden"], out);
    return ["The recipe was not finished. To finish it, and to train on until the proof succeeds:", command];
  }
  if (certified === false) {
    const refuted = { ...report, hardened: report.hardeningRounds !== null, file: checkpoint ?? from };
    return ["To get a model that is proved right:", mendingCommand(refuted)];
  }
  if (out === undefined) return ["To keep the model, and to add with it:", again(input, args), add(FOLDER)];
  if (certified === null) return ["To add with the model, and to prove it:", add(out), prove(checkpoint!)];
  const certificate = certificateOf(checkpoint!);
  const check = commandLine(["check", "--certificate", certificate, "--from", out], { read: [out] });
  return ["To add with the model, and to check its proof:", add(out), check];
}

function certificateOf(modelFile: string): string {
  return modelFile.replace(/[^/\\]*$/, CERTIFICATE_FILE);
}

/** The arguments without a flag that takes a value. */
function without(args: readonly string[], flag: string): string[] {
  return args.filter((arg, i) => arg !== `--${flag}` && !arg.startsWith(`--${flag}=`) && args[i - 1] !== `--${flag}`);
}

/** A run of the same kind, in a folder. */
function again({ name, flags }: TrainingInput, args: readonly string[], folder = FOLDER): string {
  const recipe = args.flatMap((arg) => /^(?:--recipe=)?(.*\.json)$/s.exec(arg)?.[1] ?? []);
  const read = [...[flags.from ?? []].flat(), ...recipe, folder];
  return commandLine([name, ...args, "--out", folder], { read, write: [folder] });
}

/** The commands for a run whose folder holds another one. */
function waysAround(input: TrainingInput, { unfinished }: KeptRunError): string[] {
  const { args, flags: { out } } = input;
  const rest = without(args, "out");
  const [, name, number = "1"] = /^(.*?)[/\\]*?(?:-(\d{1,4}))?[/\\]*$/.exec(out!)!;
  return [
    ...(unfinished ? ["To go on with it:", again(input, ["--resume"], out)] : []),
    "To replace it:",
    again(input, [...rest, "--overwrite"], out),
    "To keep it, and to use another folder:",
    again(input, rest, `${name}-${Number(number) + 1}`),
  ];
}
