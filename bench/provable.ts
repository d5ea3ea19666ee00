/**
 * When does each digit become provable? The tables and figures of docs/grokking.md and docs/how-it-adds.md, from recorded lines of `certify --series`.
 *
 * ```sh
 * deno run --quiet --config bench/deno.json --allow-read --allow-write=docs bench/provable.ts docs/data/provable.jsonl
 * ```
 */
import { readSeries, type SeriesLine, seriesMaps } from "../src/cli/certify.ts";
import { heatMapsSvg } from "../src/svg/heat_map.ts";
import { table } from "./measure.ts";
import { groupsBy } from "./statistics.ts";

/** A line of a series, with its run. */
type ProvableLine = SeriesLine & { recipe: string; phase: 1 | 2; seed: number };

const DIGITS = Array.from({ length: 11 }, (_, digit) => digit);

const lines = await readSeries(Deno.args[0]) as ProvableLine[];
const runs = Map.groupBy(
  lines,
  ({ recipe, phase, seed }) => recipe === "sure" ? "recipe sure" : `recipe paper, seed ${seed}, phase ${phase}`,
);
for (const [name, some] of runs) {
  // for each kept step, how many runs have a proof of each step of the answer, and of all
  const rows = groupsBy(some, ({ step }) => step).map(([step, group]) => {
    const count = (holds: (run: ProvableLine) => boolean) => group.filter(holds).length;
    const proved = [...DIGITS, 11].map((query) => count(({ provedSteps }) => provedSteps.includes(query)));
    const certified = count(({ verdict }) => verdict === "certified");
    return [step, ...proved, certified, count(({ counterexample }) => counterexample !== null)];
  });
  console.log(`${name}\n\n${table(["step", ...DIGITS.map(String), "end", "all", "wrong sum known"], rows)}\n`);
}
const phases = [1, 2].flatMap((phase) =>
  seriesMaps(runs.get(`recipe paper, seed 2, phase ${phase}`)!, `Phase ${phase}: `)
);
await Deno.writeTextFile("docs/provable_paper.svg", heatMapsSvg("Recipe paper, seed 2", phases));
const sure = seriesMaps(runs.get("recipe sure")!);
await Deno.writeTextFile("docs/provable_sure.svg", heatMapsSvg("Recipe sure, seeds 1 to 8", sure));
