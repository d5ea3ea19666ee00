import { marginText } from "../certify/certificate.ts";
import { CERTIFICATE_FILE } from "../checkpoint/safetensors/store.ts";
import { formatInteger } from "../common/format_value.ts";
import { KeptRunError } from "../training/error.ts";
import { parseRecipes } from "../training/recipe_form.ts";
import type { Recipe } from "../training/recipes.ts";
import { continueTraining, train } from "../training/train.ts";
import type { Keep, ProgressEvent, RunOptions, TrainReport, TrainResult } from "../training/types.ts";
import { defineCommand, type Input } from "./command.ts";
import { modelFrom, nameOf, readText, STANDARD } from "./files.ts";
import * as flag from "./flags.ts";
import { backendName, counterexampleText, machinery, plural, printResult, share } from "./format.ts";
import { commandLine, mendingCommand, provingCommand } from "./next_command.ts";
import { type ProgressDisplay, watched } from "./progress.ts";

/** The command line of a training run, as far as its messages depend on it. */
type TrainingInput = Pick<Input<flag.Flags>, "name" | "args" | "json"> & {
  readonly flags: { readonly out?: string; readonly from?: string; readonly attempts?: number };
};

/** The folder of suggested commands where none was named. */
const FOLDER = "run";

const trainingFlags = (defaultRecipe: string) => ({
  out: flag.text("DIR", "folder to save the run in (default: nothing is saved)"),
  resume: { help: "go on with the unfinished run in DIR" },
  overwrite: { help: "replace the run in DIR, with its weights and its proof" },
  recipe: flag.recipeFlag(
    `how to train, or a JSON file with a recipe of your own; -: standard input (default: ${defaultRecipe})`,
  ),
  seed: flag.SEED_FLAG,
  steps: flag.wholeNumber("N", "stop after N steps of the recipe (default: all)", [1, 1e9]),
  "eval-every": flag.wholeNumber("N", "evaluate every N steps; 0: only at the end (default: the recipe's)", [0, 1e9]),
  "save-every": flag.wholeNumber("S", "save the state every S seconds (default: 10)", [0, 1e9]),
  keep: flag.checked<Keep>(
    "log|N,N,…",
    "keep the weights of these steps in DIR/steps; log: 0, 1, 2, 4 … 512, then every 1,000",
    "log, or steps such as 0,100,200",
    (text) => text === "log" ? text : /^\d{1,9}(,\d{1,9})*$/.test(text) ? text.split(",").map(Number) : undefined,
  ),
  certify: { help: "end without a proof", onByDefault: true },
  harden: { help: "if the proof fails, train on the failing pairs and prove again, up to six times" },
  ...flag.ENGINE_FLAGS,
});

type TrainingValues = flag.FlagValues<ReturnType<typeof trainingFlags>> & Pick<RunOptions, "attempts" | "model">;

async function trainingOptions(
  { recipe, "eval-every": evalEvery, "save-every": saveEvery, harden, threads, ...flags }: TrainingValues,
): Promise<RunOptions> {
  const refusal = (reason: string) => new flag.UsageError(`Cannot ${reason}`);
  if (flags.out === STANDARD) throw refusal("train as --out must be a folder: current value is -");
  if (flags.resume && flags.out === undefined) {
    throw refusal("resume a run as --out is missing: add --out DIR, the folder of the run");
  }
  const [chosen, ...more] = recipe === undefined ? [] : await recipesFrom(recipe);
  if (more.length > 0) throw refusal(`train as ${nameOf(recipe!)} must hold one recipe: it holds ${more.length + 1}`);
  const started = { recipe: chosen, harden: harden || undefined, threads: threads ?? flag.defaultThreads() };
  return { ...flags, ...started, evalEvery, saveEvery };
}

/** The names that a {@linkcode recipeFlag} gives, or the recipes in its file. */
export async function recipesFrom(value: string): Promise<(string | Recipe)[]> {
  if (value !== STANDARD && !value.endsWith(".json")) return value.split(",");
  return parseRecipes(await readText(value, "a JSON file"), nameOf(value));
}

export const trainCommand = defineCommand({
  description: "Trains a model from random weights, measures it, and proves that it adds every pair correctly.\n" +
    "Recipe sure trains on the pairs where the proof fails, and proves again, up to six times.",
  flags: {
    ...trainingFlags("sure"),
    model: flag.modelFlag("number of parameters, or width and hidden width, such as 5x10 (default: 763)"),
    attempts: flag.wholeNumber("K", "train K attempts in parallel, one per core; the result is the same", [1, 64]),
  },
  permissions: "none; --allow-read=DIR --allow-write=DIR with --out, --allow-read=FILE.json with a recipe of your own",
  example: "deno run --allow-read=run --allow-write=run cli.ts train --recipe sure --seed 3 --out run",
  async run(input) {
    const { flags, fail } = input;
    if (flags.attempts !== undefined && flags.resume) throw fail("--attempts belongs to a new run: found --resume");
    return await runTraining(train, await trainingOptions(flags), input);
  },
});

export const continueCommand = defineCommand({
  description: "Trains a saved model further with a new optimizer state, measures it, and tries to prove it.",
  flags: {
    from: flag.inputFile("CKPT", "checkpoint to start from; -: standard input; needed unless --resume is given"),
    ...trainingFlags("fast"),
  },
  permissions: "--allow-read=CKPT,DIR --allow-write=DIR; --allow-read=FILE.json with a recipe of your own",
  example:
    "deno run --allow-read=run --allow-write=run/more cli.ts continue --from run/model.safetensors --out run/more",
  async run(input) {
    const { flags: { from: path, ...flags }, fail } = input;
    if (path === undefined && !flags.resume) throw fail("there must be a checkpoint to start from: add --from CKPT");
    const options = await trainingOptions(flags);
    const from = path === undefined ? undefined : (await modelFrom(path)).checkpoint;
    return await runTraining(continueTraining, { ...options, from }, input);
  },
});

async function runTraining(
  start: (options: RunOptions) => Promise<TrainResult>,
  options: RunOptions,
  input: TrainingInput,
): Promise<number> {
  const { name, flags: { out, attempts }, json } = input;
  const isResumable = out !== undefined && attempts === undefined;
  const advice = isResumable ? `: to go on:\n${again(input, ["--resume"], out)}` : ": nothing of the run is saved";
  const run = (display: ProgressDisplay, signal: AbortSignal) => {
    const interimProblems = display.terminal ? 256 : 0; // for the bar: a millisecond of work for the WASM engine
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
        const { recipe, model, seed, resumedAt } = event;
        ({ totalSteps } = event);
        const from = resumedAt > 0 ? `, from step ${formatInteger(resumedAt)} on` : "";
        const steps = `${formatInteger(totalSteps)} steps`;
        return display.log(`${recipe}: model ${model}, ${steps}, seed ${seed}, ${backendName(event)}${from}`);
      }
      case "step": {
        const rate = `${formatInteger(event.examplesPerSecond / 1000)}k examples/s`;
        const at = `${event.stage}, step ${step} of ${formatInteger(totalSteps)}`;
        return display.update(event.step, totalSteps, `loss ${event.loss.toFixed(4)}${right}, ${rate}, ${at}`);
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

function resultLines(report: TrainReport): string[] {
  const { exactMatch, evaluated, checkpoint, certified } = report;
  const right = share({ correct: Math.round(exactMatch * evaluated), total: evaluated });
  const after = `after ${report.trainSeconds.toFixed(1)} s of training`;
  const proof = certified && checkpoint !== null ? `, proof: ${certificateOf(checkpoint)}` : "";
  return [
    `${right} of ${formatInteger(evaluated)} sums of new 10-digit numbers are right, ${after}`,
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

export function nextLines(input: TrainingInput, report: TrainReport): string[] {
  const { args, flags: { out, from } } = input;
  const { certified, counterexample, checkpoint, finished } = report;
  const prove = (from: string) => provingCommand({ from, out: certificateOf(from) });
  const add = (folder: string) => commandLine([42, 7, "--from", folder], { read: [folder] });

  if (certified === false && counterexample === null) {
    const first = checkpoint === null ? `${again(input, args)} && ` : "";
    return ["To give the proof more time:", first + prove(checkpoint ?? `${FOLDER}/model.safetensors`)];
  }
  if (certified === false && !finished) {
    const anew = [...without(args, "steps").filter((arg) => arg !== "--harden"), "--harden"];
    const command = out === undefined ? again(input, anew) : again(input, ["--resume", "--harden"], out);
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

function again({ name, flags }: TrainingInput, args: readonly string[], folder = FOLDER): string {
  const recipe = args.map((arg) => /^(?:--recipe=)?(.*\.json)$/s.exec(arg)?.[1]);
  const read = [flags.from, ...recipe, folder];
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
