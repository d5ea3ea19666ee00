import { certificateText, marginText } from "../certify/certificate.ts";
import { certify, examine } from "../certify/certify.ts";
import type { CertifyOptions, CertifyProgress, CertifyResult } from "../certify/types.ts";
import { type Checkpoint, readCheckpointFileSync } from "../checkpoint/safetensors/checkpoint.ts";
import { keptSteps } from "../checkpoint/safetensors/store.ts";
import { formatInteger } from "../common/format_value.ts";
import { parseJson } from "../common/text.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import { look } from "../inspection/look.ts";
import { marginOf } from "../inspection/sum.ts";
import { QUERIES, targetTokens } from "../model/vocabulary.ts";
import { type HeatMap, heatMapsSvg } from "../svg/heat_map.ts";
import { defineCommand, type Input } from "./command.ts";
import { checkOutput, modelFrom, nameOf, readText, writeOutput } from "./files.ts";
import { FROM_FLAG, outputFile, OVERWRITE_FLAG, text, threadsFlag, UsageError, wholeNumber } from "./flags.ts";
import { counterexampleText, plural, printResult } from "./format.ts";
import { mendingCommand, PATIENT_SECONDS, type Proof, provingCommand } from "./next_command.ts";
import { watched } from "./progress.ts";

const FLAGS = {
  from: FROM_FLAG,
  series: text("DIR", "examine every checkpoint that train --keep wrote into DIR, such as run/steps"),
  out: outputFile(
    "FILE",
    "JSON file to write the certificate to, with --series FILE.jsonl or FILE.svg; -: standard output",
  ),
  overwrite: OVERWRITE_FLAG,
  seconds: wholeNumber("S", "stop after S seconds, for each checkpoint (default: 60)", [1, 1e6]),
  cuts: wholeNumber(
    "N",
    "give up on a group of inputs after N cuts, on every machine alike (default: 100,000)",
    [1, 1e9],
  ),
  threads: threadsFlag("all cores"),
};

export const certifyCommand = defineCommand({
  description:
    "Proves that a model adds all 10^20 pairs of operands correctly, or finds a pair that it adds wrongly.\n" +
    "The exit code is 1 unless the model is proved.\n" +
    "With --series: how many of the answer's 12 steps are proved at each checkpoint of a run, and the smallest margins.",
  flags: FLAGS,
  permissions: "none; --allow-read=CKPT with --from, --allow-read=DIR with --series, --allow-write=FILE with --out",
  example:
    "deno run --allow-read=run --allow-write=run cli.ts certify --from run/model.safetensors --out run/proof.json",
  async run(input) {
    const { flags: { from, series, out, overwrite, seconds, cuts, threads }, json } = input;
    await checkOutput(out, overwrite);
    if (series !== undefined) return await runSeries(series, input);
    const { checkpoint, name } = await modelFrom(from);
    const { certificate, ...result } = await watched("certify", (display, signal) => {
      const onProgress = ({ proved, seconds }: CertifyProgress) =>
        display.update(proved, 1, `proved so far, ${seconds.toFixed(0)} s`);
      return certify(checkpoint, { seconds, cuts, threads, signal, onProgress });
    });
    if (certificate !== null && out !== undefined) await writeOutput(out, certificateText(certificate));
    const next = await nextCommand(checkpoint, result, { from, out, seconds, threads });
    const report = { ...result, checkpoint: name, certificate: certificate === null ? null : out ?? null };
    const text = [verdictLine(result), ...result.steps.map(stepLine), next ?? []].flat().join("\n");
    if (json && next !== undefined) console.error(next);
    return printResult(report, text, { json, output: out, ok: result.certified });
  },
});

async function runSeries(series: string, { flags, json, fail }: Input<typeof FLAGS>): Promise<number> {
  const { from, out, seconds, cuts, threads } = flags;
  if (from !== undefined) throw fail("it takes --from or --series: found both");
  const print = json || out === "-" ? console.error : console.log;
  const isRead = series.endsWith(".jsonl");
  const lines = isRead ? await readSeries(series) : [];
  const kept = isRead ? [] : await keptSteps(series);
  if (!isRead && kept.length === 0) {
    const must = "it must hold files such as 512.safetensors: it holds none";
    throw new UsageError(`Cannot certify the series ${nameOf(series)} as ${must}`);
  }
  await watched("certify", async (_, signal) => {
    for (const { step, path } of kept) {
      const line = await examineStep(step, readCheckpointFileSync(path), { seconds, cuts, threads, signal });
      lines.push(line);
      const { proved, worstMargin, counterexample } = line;
      const wrong = counterexample === null ? "" : `, not right: ${counterexampleText(counterexample)}`;
      print(`step ${formatInteger(step)}: ${proved} of 12 proved, smallest margin ${worstMargin.toFixed(2)}${wrong}`);
    }
  });
  if (out?.toLowerCase().endsWith(".svg")) {
    await writeOutput(out, heatMapsSvg("What is proved by step of training", seriesMaps(lines)));
  } else if (out !== undefined) {
    await writeOutput(out, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  }
  if (json) console.log(JSON.stringify({ series: lines }));
  return 0;
}

/** The command that makes up for a proof that failed, with a line that says so; undefined where there is one. */
export async function nextCommand(
  checkpoint: Checkpoint,
  { certified, counterexample }: Pick<CertifyResult, "certified" | "counterexample">,
  proof: Proof,
): Promise<string | undefined> {
  if (certified) return undefined;
  if (counterexample === null) {
    const seconds = Math.max(PATIENT_SECONDS, 10 * (proof.seconds ?? 60));
    return `To give the proof more time:\n${provingCommand({ ...proof, seconds })}`;
  }
  // as many as show whether it has learned to add at all
  const { exactMatch } = await evaluate(checkpoint, { seed: 1, stream: "evaluation", count: 2000 });
  const { model, metadata } = checkpoint;
  const refuted = { model, seed: Number(metadata.seed) || 0, exactMatch, hardened: false, file: proof.from };
  return `To get a model that is proved right:\n${mendingCommand(refuted)}`;
}

function verdictLine(result: Omit<CertifyResult, "certificate">): string {
  const { verdict, worstMargin, counterexample, undecided, seconds, threads } = result;
  const took = `(${seconds.toFixed(1)} s, ${plural(threads, "thread")})`;
  if (verdict === "certified") {
    return `proved right on all 10^20 pairs, worst margin ${marginText(worstMargin!)} ${took}`;
  }
  if (counterexample !== null) return `not right: ${counterexampleText(counterexample)} ${took}`;
  const left = undecided === null ? "" : `: step ${undecided.step} may have a margin of ${undecided.bound.toFixed(3)}`;
  return `not decided${left} ${took}`;
}

function stepLine({ step, margin, worst, cuts }: CertifyResult["steps"][number]): string {
  const known = `${worst.a} + ${worst.b} has ${worst.margin.toFixed(3)}`;
  const cutting = cuts === 0 ? "" : `, ${formatInteger(cuts)} cuts`;
  return `  step ${step}: at least ${marginText(margin, 3)}; ${known}${cutting}`;
}

const QUERY_NUMBERS = [...Array(QUERIES).keys()];

export interface SeriesLine extends Readonly<Pick<CertifyResult, "verdict" | "counterexample" | "seconds">> {
  readonly step: number;
  /** The number of the answer's twelve steps that are proved right for all inputs; and which: 0 to 10 are the digits, ones first, 11 is the end. */
  readonly proved: number;
  readonly provedSteps: readonly number[];
  /** The smallest margin that was met, in logits: negative where a sum is wrong; and that of each step of the answer. */
  readonly worstMargin: number;
  readonly margins: readonly number[];
}

async function examineStep(step: number, checkpoint: Checkpoint, options: CertifyOptions): Promise<SeriesLine> {
  const { result, narrow } = await examine(checkpoint, { ...options, exhaustive: true });
  const { logits } = look(checkpoint, narrow, { only: ["logits"] });
  const margins = QUERY_NUMBERS.map((query) =>
    Math.min(...narrow.map(({ a, b }, i) => marginOf(logits.row(i, query), targetTokens(a, b)[query])))
  );
  const { verdict, counterexample, seconds } = result;
  const provedSteps = result.steps.map(({ step }) => step);
  const worstMargin = Math.min(...margins);
  return { step, verdict, proved: provedSteps.length, provedSteps, worstMargin, margins, counterexample, seconds };
}

export async function readSeries(path: string): Promise<SeriesLine[]> {
  const lines = (await readText(path, "a series")).split("\n").filter((line) => line.trim() !== "");
  return lines.map((text, i) => {
    const fail = (reason: string) =>
      new UsageError(`Cannot read ${nameOf(path)} as line ${i + 1} must be that of a series: ${reason}`);
    const line = parseJson(text, fail);
    const isSeries = Number.isSafeInteger(line?.step) && Array.isArray(line.provedSteps) && Array.isArray(line.margins);
    if (isSeries) return line;
    throw fail("step, provedSteps or margins is missing");
  });
}

/** What is proved by step of training, as tables to draw; of several runs the share that is proved, and the mean of the margins. */
export function seriesMaps(lines: readonly SeriesLine[], name = ""): HeatMap[] {
  const columns = [...Map.groupBy(lines, ({ step }) => step)].sort(([x], [y]) => x - y);
  const most = Math.max(...columns.map(([, runs]) => runs.length));
  const map = (title: string, full: number, valueOf: (run: SeriesLine, query: number) => number): HeatMap => ({
    ...{ title: `${name}${title}`, full },
    rows: QUERY_NUMBERS.map((query) =>
      columns.map(([, runs]) => runs.reduce((sum, run) => sum + valueOf(run, query), 0) / runs.length)
    ),
    rowLabels: QUERY_NUMBERS.map((query) => query === QUERIES - 1 ? "end" : `digit ${query}`),
    columnLabels: columns.map(([step]) => shortNumber(step)),
  });
  const proved = most === 1 ? "proved right for all inputs" : `share of ${most} runs with a proof for all inputs`;
  return [
    map(proved, 1, ({ provedSteps }, query) => Number(provedSteps.includes(query))),
    map("smallest margin met, full at 10: blue right, orange wrong", 10, ({ margins }, query) => margins[query]),
  ];
}

/** At most three or four characters: 512, 8k, .1M. */
function shortNumber(value: number): string {
  if (value < 1000) return String(value);
  return value < 100_000 ? `${value / 1000}k` : `${value / 1e6}M`.replace(/^0/, "");
}
