import { inspectSum } from "../inspection/sum.ts";
import { surveyModel } from "../inspection/survey.ts";
import { sumSvg, surveySvg } from "../inspection/svg.ts";
import { type Emphasis, sumText, surveyText } from "../inspection/text.ts";
import { readOperands } from "./add.ts";
import { defineCommand } from "./command.ts";
import { checkOutput, modelFrom, writeOutput } from "./files.ts";
import { FROM_FLAG, outputFile, OVERWRITE_FLAG } from "./flags.ts";
import { printResult, sumLine } from "./format.ts";

/** Random sums of a survey; they take the reference engine a second. */
const SUMS = 1000;

export const inspectCommand = defineCommand({
  name: "inspect",
  description:
    "Shows how a model adds. With two numbers: the attention, the answer and the margin of each step of their sum.\n" +
    "Without: the mean attention of each step over 1,000 random sums, and the embeddings.",
  operands: "[A B]",
  flags: {
    from: FROM_FLAG,
    out: outputFile("FILE.svg", "also draw the tables as heat maps into an SVG file; -: standard output"),
    overwrite: OVERWRITE_FLAG,
  },
  permissions: "none; --allow-read=CKPT with --from, --allow-write=FILE.svg with --out",
  example: "deno run --allow-write=sum.svg cli.ts inspect 1234567890 987654321 --out sum.svg",
  async run({ operands, flags: { from, out, overwrite }, json }) {
    await checkOutput(out, overwrite);
    const pair = operands.length === 0 ? undefined : readOperands(operands, "inspect");
    const { checkpoint, name } = await modelFrom(from);
    const drawing = async (svg: () => string) => {
      if (out !== undefined) await writeOutput(out, svg());
    };
    if (pair === undefined) {
      const survey = await surveyModel(checkpoint, SUMS);
      await drawing(() => surveySvg(survey));
      printResult({ ...survey, checkpoint: name }, surveyText(survey), { json, output: out });
      return 0;
    }
    const [a, b] = pair;
    const inspection = inspectSum(checkpoint, a, b);
    await drawing(() => sumSvg(inspection));
    const correct = inspection.sum === a + b;
    const text = `${sumLine({ a, b, got: inspection.sum })}\n\n${sumText(inspection, emphasis())}`;
    printResult({ ...inspection, correct, checkpoint: name }, text, { json, output: out });
    return correct ? 0 : 1;
  },
});

/** Colours cells by their share on a terminal, unless NO_COLOR is set: grey, plain, green (ECMA-48). */
function emphasis(): Emphasis {
  if (Deno.noColor || !Deno.stdout.isTerminal()) return (cell) => cell;
  return (cell, share) => share < 0.05 ? `\x1b[90m${cell}\x1b[0m` : share < 0.2 ? cell : `\x1b[1;32m${cell}\x1b[0m`;
}
