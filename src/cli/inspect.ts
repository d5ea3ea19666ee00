import { type Emphasis, inspectSum, sumSvg, sumText } from "../inspection/sum.ts";
import { surveyModel, surveySvg, surveyText } from "../inspection/survey.ts";
import { readOperands } from "./add.ts";
import { ACTIVATIONS } from "../engine/reference/attention.ts";
import { parseCases } from "../evaluation/cases.ts";
import { encodeActivations, look } from "../inspection/look.ts";
import { defineCommand } from "./command.ts";
import { checkOutput, modelFrom, nameOf, readText, writeOutput } from "./files.ts";
import { FROM_FLAG, inputFile, oneOf, outputFile, OVERWRITE_FLAG, several } from "./flags.ts";
import { printResult, sumLine } from "./format.ts";

export const inspectCommand = defineCommand({
  description:
    "Shows how a model adds. With two numbers: the attention, the answer and the margin of each step of their sum.\n" +
    "Without: the mean attention of each step over 1,000 random sums, and the embeddings.\n" +
    "With --cases: every activation of every case, as arrays for Python and others.",
  operands: "[A B]",
  flags: {
    from: FROM_FLAG,
    cases: inputFile("FILE.csv", "write the activations of these cases, with columns a and b; -: standard input"),
    only: {
      ...several(oneOf(ACTIVATIONS, `keep these activations: ${ACTIVATIONS.join(", ")} (default: all)`)),
      placeholder: "NAME,NAME,…",
    },
    answer: oneOf(["right", "written"], "the digits that later steps read, with --cases (default: right)"),
    out: outputFile("FILE", "FILE.svg to draw heat maps into; with --cases FILE.safetensors; -: standard output"),
    overwrite: OVERWRITE_FLAG,
  },
  permissions: "none; --allow-read=CKPT with --from, --allow-read=FILE.csv with --cases, --allow-write=FILE with --out",
  example: "deno run --allow-write=sum.svg cli.ts inspect 1234567890 987654321 --out sum.svg",
  async run({ operands, flags: { from, cases, only, answer, out, overwrite }, json, fail }) {
    const isSum = cases === undefined;
    if (out !== undefined) outputFile(isSum ? "FILE.svg" : "FILE.safetensors", "").read(out, "out");
    if (isSum && (only || answer)) throw fail("--only and --answer belong to --cases: add --cases FILE.csv");
    await checkOutput(out, overwrite);
    if (!isSum && operands.length > 0) throw fail("it takes --cases or a sum: found both");
    if (!isSum && out === undefined) throw fail("--out is missing: add --out FILE.safetensors");
    const pair = operands.length === 0 ? undefined : readOperands(operands, "inspect");
    const { checkpoint, name } = await modelFrom(from);
    const print = (result: object, text: string, ok = true) =>
      printResult({ ...result, checkpoint: name }, text, { json, output: out, ok });
    if (cases !== undefined && out !== undefined) {
      const problems = parseCases(await readText(cases, "a CSV file"), nameOf(cases));
      const seen = look(checkpoint, problems, { only, answer });
      const bytes = await writeOutput(out, encodeActivations(seen));
      const correct = seen.sums.filter((sum, i) => sum === problems[2 * i] + problems[2 * i + 1]).length;
      const activations = ACTIVATIONS.filter((name) => name in seen);
      const report = { cases: seen.sums.length, correct, activations, answer: answer ?? "right", file: out, bytes };
      return print(report, `${correct} of ${report.cases} sums are right; activations: ${activations.join(", ")}`);
    }
    if (pair === undefined) {
      const survey = await surveyModel(checkpoint, 1000); // a second for the reference engine
      if (out !== undefined) await writeOutput(out, surveySvg(survey));
      return print(survey, surveyText(survey));
    }
    const [a, b] = pair;
    const inspection = inspectSum(checkpoint, a, b);
    if (out !== undefined) await writeOutput(out, sumSvg(inspection));
    const correct = inspection.sum === a + b;
    const text = `${sumLine({ a, b, got: inspection.sum })}\n\n${sumText(inspection, emphasis())}`;
    return print({ ...inspection, correct }, text, correct);
  },
});

/** Colours cells by their share on a terminal, unless NO_COLOR is set: grey, plain, green (ECMA-48). */
function emphasis(): Emphasis {
  if (Deno.noColor || !Deno.stdout.isTerminal()) return (cell) => cell;
  return (cell, share) => share < 0.05 ? `\x1b[90m${cell}\x1b[0m` : share < 0.2 ? cell : `\x1b[1;32m${cell}\x1b[0m`;
}
