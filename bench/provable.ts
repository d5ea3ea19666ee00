/**
 * When does each digit become provable? The tables and figures of docs/grokking.md and docs/how-it-adds.md, from recorded lines of `certify --series`.
 *
 * ```sh
 * deno run --quiet --config bench/deno.json --allow-read --allow-write=docs bench/provable.ts docs/data/provable.jsonl
 * ```
 */
import { readSeries, type SeriesLine, seriesMaps } from "../src/cli/series.ts";
import { heatMapsSvg } from "../src/svg/heat_map.ts";
import { table } from "./measure.ts";

/** A line of a series, with its run. */
type ProvableLine = SeriesLine & { recipe: string; phase: 1 | 2; seed: number };

/** For each kept step, how many runs have a proof of each step of the answer, and of all. */
function provedTable(lines: readonly ProvableLine[]): string {
  const rows = [...Map.groupBy(lines, ({ step }) => step)].sort(([x], [y]) => x - y).map(([step, runs]) => {
    const proved = Array.from(
      { length: 12 },
      (_, query) => runs.filter(({ provedSteps }) => provedSteps.includes(query)).length,
    );
    const wrong = runs.filter(({ counterexample }) => counterexample !== null).length;
    return [step, ...proved, runs.filter(({ verdict }) => verdict === "certified").length, wrong];
  });
  return table(
    ["step", ...Array.from({ length: 11 }, (_, digit) => String(digit)), "end", "all", "wrong sum known"],
    rows,
  );
}

/** The seed of recipe `paper` that is drawn. */
const DRAWN = 2;

if (import.meta.main) {
  const lines = await readSeries(Deno.args[0]) as ProvableLine[];
  const runs = Map.groupBy(
    lines,
    ({ recipe, phase, seed }) => recipe === "sure" ? "recipe sure" : `recipe paper, seed ${seed}, phase ${phase}`,
  );
  for (const [name, some] of runs) console.log(`${name}\n\n${provedTable(some)}\n`);
  const phases = [1, 2].map((phase) =>
    seriesMaps(runs.get(`recipe paper, seed ${DRAWN}, phase ${phase}`)!, `Phase ${phase}: `)
  );
  await Deno.writeTextFile("docs/provable_paper.svg", heatMapsSvg(`Recipe paper, seed ${DRAWN}`, phases.flat()));
  const sure = seriesMaps(runs.get("recipe sure")!);
  await Deno.writeTextFile("docs/provable_sure.svg", heatMapsSvg("Recipe sure, seeds 1 to 8", sure));
}
