import { certificateText, marginText } from "../certify/certificate.ts";
import { certify } from "../certify/certify.ts";
import type { CertifyOptions, CertifyResult } from "../certify/types.ts";
import type { Checkpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { formatInteger } from "../common/format_value.ts";
import { createEngine } from "../engine/mod.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import { defineCommand } from "./command.ts";
import { checkOutput, modelFrom, writeOutput } from "./files.ts";
import { type FlagValues, FROM_FLAG, outputFile, OVERWRITE_FLAG, text, threadsFlag, wholeNumber } from "./flags.ts";
import { plural, printJson, printResult, sumLine } from "./format.ts";
import type { SeriesLine } from "./series.ts";
import { interruptible } from "./interruption.ts";
import { mendingCommand, PATIENT_SECONDS, type Proof, provingCommand } from "./next_command.ts";
import { ProgressDisplay } from "./progress.ts";
import { UsageError } from "./usage_error.ts";

/** Pairs that show whether a refuted model has learned to add at all. */
const ACCURACY_PAIRS = 2000;

const FLAGS = {
  from: FROM_FLAG,
  series: text("DIR", "examine every checkpoint that train --keep wrote into DIR, such as run/steps"),
  out: outputFile(
    "FILE",
    "JSON file to write the certificate to, with --series FILE.jsonl or FILE.svg; -: standard output",
  ),
  overwrite: OVERWRITE_FLAG,
  seconds: wholeNumber("S", "stop after S seconds, for each checkpoint (default: 60)", { least: 1, most: 1e6 }),
  cuts: wholeNumber("N", "give up on a group of inputs after N cuts, on every machine alike (default: 100,000)", {
    least: 1,
    most: 1e9,
  }),
  threads: threadsFlag("all cores"),
};

export const certifyCommand = defineCommand({
  name: "certify",
  description:
    "Proves that a model adds all 10^20 pairs of operands correctly, or finds a pair that it adds wrongly.\n" +
    "The exit code is 1 unless the model is proved.\n" +
    "With --series: how many of the answer's 12 steps are proved at each checkpoint of a run, and the smallest margins.",
  flags: FLAGS,
  permissions: "none; --allow-read=CKPT with --from, --allow-read=DIR with --series, --allow-write=FILE with --out",
  example:
    "deno run --allow-read=run --allow-write=run cli.ts certify --from run/model.safetensors --out run/proof.json",
  async run({ flags, json }) {
    const { from, series, out, overwrite, seconds, cuts, threads } = flags;
    await checkOutput(out, overwrite);
    if (series !== undefined) return await runSeries(series, flags, json);
    const { checkpoint, name } = await modelFrom(from);
    const display = new ProgressDisplay("certify");
    const onProgress: CertifyOptions["onProgress"] = ({ proved, seconds }) =>
      display.update(proved, 1, `proved so far, ${seconds.toFixed(0)} s`);
    const { certificate, ...result } = await interruptible((signal) =>
      certify(checkpoint, { seconds, cuts, threads, signal, onProgress })
    ).finally(() => display.end());
    if (certificate !== null && out !== undefined) await writeOutput(out, certificateText(certificate));
    const next = await nextCommand(checkpoint, result, { file: from, certificate: out, seconds, threads });
    const report = { ...result, checkpoint: name, certificate: certificate === null ? null : out ?? null };
    const text = [verdictLine(result), ...result.steps.map(stepLine), ...next === undefined ? [] : [next]].join("\n");
    printResult(report, text, { json, output: out });
    if (json && next !== undefined) console.error(next);
    return result.certified ? 0 : 1;
  },
});

/** Examines a series, or reads one from a file of JSON lines. @returns The exit code */
async function runSeries(
  series: string,
  { from, out, seconds, cuts, threads }: FlagValues<typeof FLAGS>,
  json: boolean,
): Promise<number> {
  if (from !== undefined) throw new UsageError("Cannot run certify as it takes --from or --series: found both");
  const { certifySeries, readSeries, seriesSvg } = await import("./series.ts");
  const print = json || out === "-" ? console.error : console.log;
  const lines = series.endsWith(".jsonl") ? await readSeries(series) : await interruptible(async (signal) => {
    const found: SeriesLine[] = [];
    for await (const line of certifySeries(series, { seconds, cuts, threads, signal })) {
      found.push(line);
      print(seriesText(line));
    }
    return found;
  });
  if (out !== undefined) {
    const isDrawn = out.toLowerCase().endsWith(".svg");
    await writeOutput(out, isDrawn ? seriesSvg(lines) : lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  }
  if (json) printJson({ series: lines });
  return 0;
}

function seriesText({ step, proved, worstMargin, counterexample }: SeriesLine): string {
  const wrong = counterexample === null ? "" : `, not right: ${counterexampleText(counterexample)}`;
  return `step ${formatInteger(step)}: ${proved} of 12 proved, smallest margin ${worstMargin.toFixed(2)}${wrong}`;
}

/** A pair that a model adds wrongly, with what it answers. */
export function counterexampleText({ a, b, got, step }: NonNullable<CertifyResult["counterexample"]>): string {
  return step === 11 ? `${a} + ${b} is not ended after its sum` : sumLine({ a, b, got });
}

/** The command that makes up for a proof that failed, with a line that says so; undefined where there is one. */
export async function nextCommand(
  { model, parameters, metadata }: Checkpoint,
  { certified, counterexample }: Pick<CertifyResult, "certified" | "counterexample">,
  proof: Proof,
): Promise<string | undefined> {
  if (certified) return undefined;
  if (counterexample === null) {
    const seconds = Math.max(PATIENT_SECONDS, 10 * (proof.seconds ?? 60));
    return `To give the proof more time:\n${provingCommand({ ...proof, seconds })}`;
  }
  const engine = await createEngine({ backend: "wasm", model });
  try {
    engine.setParameters(parameters);
    const held = { seed: 1, stream: "evaluation", count: ACCURACY_PAIRS } as const;
    const { exactMatch } = await evaluate(engine, held, { maxErrors: 0 });
    const seed = Number(metadata.seed) || 0;
    return `To get a model that is proved right:\n${
      mendingCommand({ model, seed, exactMatch, hardened: false, file: proof.file })
    }`;
  } finally {
    await engine.dispose();
  }
}

function verdictLine(
  { verdict, worstMargin, counterexample, undecided, seconds, threads }: Omit<CertifyResult, "certificate">,
): string {
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
  return `  step ${step}: at least ${marginText(margin, 3)}; ${known}${
    cuts === 0 ? "" : `, ${formatInteger(cuts)} cuts`
  }`;
}
