import { certificateText, marginText } from "../certify/certificate.ts";
import { certify } from "../certify/certify.ts";
import type { CertifyOptions, CertifyResult } from "../certify/types.ts";
import type { Checkpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { formatInteger } from "../common/format_integer.ts";
import { createEngine } from "../engine/mod.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import { defineCommand } from "./command.ts";
import { checkOutput, modelFrom, writeOutput } from "./files.ts";
import { FROM_FLAG, outputFile, OVERWRITE_FLAG, threadsFlag, wholeNumber } from "./flags.ts";
import { plural, printResult, sumLine } from "./format.ts";
import { interruptible } from "./interruption.ts";
import { mendingCommand, PATIENT_SECONDS, provingCommand } from "./next_command.ts";
import { ProgressDisplay } from "./progress.ts";

/** Pairs that show whether a refuted model has learned to add at all. */
const ACCURACY_PAIRS = 2000;

export const certifyCommand = defineCommand({
  name: "certify",
  description:
    "Proves that a model adds all 10^20 pairs of operands correctly, or finds a pair that it adds wrongly.\n" +
    "The exit code is 1 unless the model is proved.",
  flags: {
    from: FROM_FLAG,
    out: outputFile("FILE", "JSON file to write the certificate to; -: standard output (default: it is not saved)"),
    overwrite: OVERWRITE_FLAG,
    seconds: wholeNumber("S", "stop after S seconds (default: 60)", { least: 1, most: 1e6 }),
    threads: threadsFlag("all cores"),
  },
  permissions: "none; --allow-read=CKPT with --from, --allow-write=FILE with --out",
  example:
    "deno run --allow-read=run --allow-write=run cli.ts certify --from run/model.safetensors --out run/proof.json",
  async run({ flags: { from, out, overwrite, seconds, threads }, json }) {
    await checkOutput(out, overwrite);
    const { checkpoint, name } = await modelFrom(from);
    const display = new ProgressDisplay("certify");
    const onProgress: CertifyOptions["onProgress"] = ({ proved, seconds }) =>
      display.update(proved, 1, `proved so far, ${seconds.toFixed(0)} s`);
    const { certificate, ...result } = await interruptible((signal) =>
      certify(checkpoint, { seconds, threads, signal, onProgress })
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

/** A pair that a model adds wrongly, with what it answers. */
export function counterexampleText({ a, b, got, step }: NonNullable<CertifyResult["counterexample"]>): string {
  return step === 11 ? `${a} + ${b} is not ended after its sum` : sumLine({ a, b, got });
}

/** The command that makes up for a proof that failed, with a line that says so; undefined where there is one. */
export async function nextCommand(
  { model, parameters, metadata }: Checkpoint,
  { certified, counterexample }: Pick<CertifyResult, "certified" | "counterexample">,
  proof: { file?: string; certificate?: string; seconds?: number; threads?: number },
): Promise<string | undefined> {
  if (certified) return undefined;
  if (counterexample === null) {
    const seconds = Math.max(PATIENT_SECONDS, 10 * (proof.seconds ?? 60));
    return `To give the proof more time:\n${provingCommand({ ...proof, seconds })}`;
  }
  const engine = await createEngine({ backend: "wasm", model });
  try {
    engine.setParameters(parameters);
    const held = engine.sample({ seed: 1, stream: "evaluation", count: ACCURACY_PAIRS });
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
