/**
 * `deno task bench:recipe`: from scratch to a model that adds, ours against the same recipe in PyTorch 2, compiled. Whole processes, all cores,
 * by the clock, one right after the other. PyTorch keeps its compiled code from round to round; one run before the first round is not counted.
 */
import { fromFileUrl, join } from "@std/path";
import { recipeFlag, wholeNumber } from "../../src/cli/flags.ts";
import { recipesFrom } from "../../src/cli/train.ts";
import { trainRecipe } from "../../src/training/recipes.ts";
import { inTurns, machineLine, median, runBench } from "../measure.ts";
import { resultOf } from "./protocol.ts";
import { PYTHON, setUp, WORK } from "./rivals.ts";

await runBench({
  name: "bench:recipe",
  flags: {
    recipe: recipeFlag("recipe of both, or a JSON file with one"),
    rounds: wholeNumber("N", "rounds, seed 1 first", [1, 1000]),
  },
  async run({ flags: { recipe = "fast", rounds = 3 } }) {
    const missing = (await setUp(WORK, [PYTHON], true)).get(PYTHON);
    if (missing !== undefined) throw new Error(`Cannot compare as PyTorch could not be installed: ${missing}`);
    const data = join(WORK, "recipe.json");
    const [found] = await recipesFrom(recipe);
    await Deno.writeTextFile(data, JSON.stringify(typeof found === "string" ? trainRecipe(found) : found));
    const cores = String(navigator.hardwareConcurrency);
    const out = join(WORK, "recipe-run");
    const env = { TORCHINDUCTOR_CACHE_DIR: join(WORK, "inductor"), OMP_NUM_THREADS: cores };
    /** Seconds of one process from start to end. */
    const side = (name: string, folder: string, command: (seed: string) => string[]) => async (round: number) => {
      const seed = String(1 + round);
      await Deno.remove(out, { recursive: true }).catch(() => {});
      const begin = performance.now();
      const { exactMatch } = await resultOf<{ exactMatch: number }>(command(seed), { folder, env, timeout: 1800 });
      const seconds = (performance.now() - begin) / 1e3;
      console.log(`seed ${seed}: ${name}, ${seconds.toFixed(2)} s to ${(100 * exactMatch).toFixed(3)}%`);
      return seconds;
    };
    const allowed = [`--allow-read=${out},${data}`, `--allow-write=${out}`];
    const run = [Deno.execPath(), "run", "--no-prompt", ...allowed, "cli.ts"];
    const flags = ["--recipe", data, "--no-certify", "--json", "--out", out];
    const python = ["./venv/bin/python", "pytorch_recipe.py", "recipe.json"];
    const project = fromFileUrl(new URL("../../", import.meta.url));
    const oursOnce = side("ours", project, (seed) => [...run, "train", ...flags, "--seed", seed]);
    const theirsOnce = side("PyTorch", WORK, (seed) => [...python, seed, cores]);
    console.log("The first run of PyTorch compiles, and is not counted:");
    await theirsOnce(0);
    const [ours, theirs] = await inTurns(rounds, [oursOnce, theirsOnce]);
    const ratios = theirs.map((seconds, round) => seconds / ours[round]);
    const range = `${Math.min(...ratios).toFixed(1)} – ${Math.max(...ratios).toFixed(1)}`;
    console.log(`recipe ${recipe}, PyTorch / ours: median ${median(ratios).toFixed(1)} x (${range}). ${machineLine()}`);
  },
});
