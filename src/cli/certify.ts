import { certificateText, marginText } from "../certify/certificate.ts";
import { certify } from "../certify/certify.ts";
import type { CertifyOptions, CertifyResult } from "../certify/types.ts";
import type { Checkpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { formatInteger } from "../common/format_value.ts";
import { createEngine } from "../engine/mod.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import { defineCommand, type Input } from "./command.ts";
import { checkOutput, modelFrom, writeOutput } from "./files.ts";
import * as flag from "./flags.ts";
import { plural, printJson, printResult, sumLine } from "./format.ts";
import type { SeriesLine } from "./series.ts";
import { mendingCommand, PATIENT_SECONDS, type Proof, provingCommand } from "./next_command.ts";
import { watched } from "./progress.ts";

/** Pairs that show whether a refuted model has learned to add at all. */
const ACCURACY_PAIRS = 2000;

const FLAGS = {
  from: flag.FROM_FLAG,
  series: flag.text("DIR", "examine every checkpoint that train --keep wrote into DIR, such as run/steps"),
  out: flag.outputFile(
    "FILE",
    "JSON file to write the certificate to, with --series FILE.jsonl or FILE.svg; -: standard output",
  ),
  overwrite: flag.OVERWRITE_FLAG,
  seconds: flag.wholeNumber("S", "stop after S seconds, for each checkpoint (default: 60)", [1, 1e6]),
  cuts: flag.wholeNumber(
    "N",
    "give up on a group of inputs after N cuts, on every machine alike (default: 100,000)",
    [1, 1e9],
  ),
  threads: flag.threadsFlag("all cores"),
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
  async run(input) {
    const { flags: { from, series, out, overwrite, seconds, cuts, threads }, json } = input;
    await checkOutput(out, overwrite);
    if (series !== undefined) return await runSeries(series, input);
    const { checkpoint, name } = await modelFrom(from);
    const { certificate, ...result } = await watched("certify", (display, signal) => {
      const onProgress: CertifyOptions["onProgress"] = ({ proved, seconds }) =>
        display.update(proved, 1, `proved so far, ${seconds.toFixed(0)} s`);
      return certify(checkpoint, { seconds, cuts, threads, signal, onProgress });
    });
    if (certificate !== null && out !== undefined) await writeOutput(out, certificateText(certificate));
    const next = await nextCommand(checkpoint, result, { file: from, certificate: out, seconds, threads });
    const report = { ...result, checkpoint: name, certificate: certificate === null ? null : out ?? null };
    const text = [verdictLine(result), ...result.steps.map(stepLine), ...next === undefined ? [] : [next]].join("\n");
    if (json && next !== undefined) console.error(next);
    return printResult(report, text, { json, output: out, ok: result.certified });
  },
});

async function runSeries(series: string, { flags, json, fail }: Input<typeof FLAGS>): Promise<number> {
  const { from, out, seconds, cuts, threads } = flags;
  if (from !== undefined) throw fail("it takes --from or --series: found both");
  const { certifySeries, readSeries, seriesSvg } = await import("./series.ts");
  const print = json || out === "-" ? console.error : console.log;
  const lines = series.endsWith(".jsonl") ? await readSeries(series) : await watched("certify", async (_, signal) => {
    const found: SeriesLine[] = [];
    for await (const line of certifySeries(series, { seconds, cuts, threads, signal })) {
      found.push(line);
      const { step, proved, worstMargin, counterexample } = line;
      const wrong = counterexample === null ? "" : `, not right: ${counterexampleText(counterexample)}`;
      print(`step ${formatInteger(step)}: ${proved} of 12 proved, smallest margin ${worstMargin.toFixed(2)}${wrong}`);
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
    const refuted = { model, seed: Number(metadata.seed) || 0, exactMatch, hardened: false, file: proof.file };
    return `To get a model that is proved right:\n${mendingCommand(refuted)}`;
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
  const cutting = cuts === 0 ? "" : `, ${formatInteger(cuts)} cuts`;
  return `  step ${step}: at least ${marginText(margin, 3)}; ${known}${cutting}`;
}
