import { runDirectory } from "../checkpoint/safetensors/store.ts";
import { lossSvg } from "../logs/plot.ts";
import { parseLog, type RunLog, toCsv } from "../logs/run_log.ts";
import { toEventFile } from "../logs/tensorboard.ts";
import { defineCommand } from "./command.ts";
import { checkOutput, nameOf, readText, STANDARD, writeOutput } from "./files.ts";
import { outputFile, OVERWRITE_FLAG, text, UsageError } from "./flags.ts";

export const logCommand = defineCommand({
  description:
    "Writes the logs of runs as CSV, as a plot or for TensorBoard. Without a flag it prints how far each run is.\n" +
    "RUN is the folder of a run, a log.jsonl, or - for standard input.",
  operands: "RUN…",
  flags: {
    csv: { help: "print steps and evaluations as CSV on stdout" },
    out: outputFile("FILE.svg", "plot the loss of the runs into an SVG file; -: standard output"),
    tensorboard: text("DIR", "write event files for TensorBoard, one in DIR/RUN for each run"),
    overwrite: OVERWRITE_FLAG,
  },
  permissions: "--allow-read=RUN; --allow-write=FILE.svg with --out, --allow-write=DIR with --tensorboard",
  example: "deno run --allow-read=run --allow-write=run.svg cli.ts log run --out run.svg",
  async run({ operands, flags: { csv, out, tensorboard, overwrite }, json, fail }) {
    if (operands.length === 0) throw fail("it needs runs: name one or more");
    const printed = [csv, json, out === STANDARD].filter(Boolean);
    if (printed.length > 1) throw fail("one of --csv, --json and --out - must be given: found several");
    const logs = await Promise.all(operands.map(readLog));
    const files = tensorboard === undefined ? [] : eventFiles(tensorboard, logs, fail);
    for (const path of [out, ...files.map(({ path }) => path)]) await checkOutput(path, overwrite);
    if (out !== undefined) await writeOutput(out, lossSvg(logs));
    const seconds = Math.floor(Date.now() / 1000);
    for (const { folder, path, log } of files) {
      await Deno.mkdir(folder, { recursive: true });
      await writeOutput(path, toEventFile(log, seconds));
    }
    if (json) console.log(JSON.stringify(logs));
    else if (csv) await writeOutput(STANDARD, toCsv(logs));
    else if (out !== STANDARD) console.log(logs.map(progressOf).join("\n"));
    return 0;
  },
});

async function readLog(operand: string): Promise<RunLog> {
  const isFile = operand === STANDARD || operand.toLowerCase().endsWith(".jsonl");
  const path = isFile ? operand : runDirectory(operand).logFile;
  const fail = (reason: string) => new UsageError(`Cannot read ${nameOf(path)} as ${reason}`);
  return parseLog(operand, await readText(path, "the log of a run"), fail);
}

/** The event files of runs, each in a folder of its own, which TensorBoard takes for a run. */
function eventFiles(root: string, logs: readonly RunLog[], fail: (reason: string) => Error) {
  const folders = new Set<string>();
  return logs.map((log) => {
    const name = log.run.replace(/^[./\\]+|[/\\]+$/g, "").replace(/[^\w.-]+/g, "_") || "run";
    const folder = `${root}/${name}`;
    if (folders.has(folder)) throw fail(`each run must have a folder of its own: two would be in ${folder}`);
    folders.add(folder);
    return { log, folder, path: `${folder}/events.out.tfevents.0000000000.tiny-adder` };
  });
}

function progressOf({ run, lines }: RunLog): string {
  const last = lines.findLast(({ event }) => event === "step");
  const evaluation = lines.findLast(({ event }) => event === "evaluation");
  const parts = [
    last === undefined ? "no step yet" : `step ${last.step}, loss ${Number(last.loss).toPrecision(3)}`,
    evaluation && `${evaluation.correct} of ${evaluation.total} right`,
    lines.some(({ event }) => event === "end") && "ended",
  ].filter(Boolean);
  return `${run}: ${parts.join(", ")}`;
}
