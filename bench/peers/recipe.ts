/**
 * `deno task bench:recipe`: from scratch to a model that adds, ours against the same recipe in PyTorch 2, compiled. Whole processes, all cores,
 * by the clock on the wall, one right after the other.
 *
 * ```sh
 * deno task bench:recipe                                    # recipe fast, three rounds: some minutes, and the installation the first time
 * deno task bench:recipe --recipe sure --rounds 1 --seed 7
 * ```
 *
 * PyTorch's compiled code is kept from round to round, and one run before the first round is not counted.
 */
import { fromFileUrl, join, resolve } from "@std/path";
import { recipeFlag, SEED_FLAG, text, wholeNumber } from "../../src/cli/flags.ts";
import { recipesFrom } from "../../src/cli/train.ts";
import { trainRecipe } from "../../src/training/recipes.ts";
import { inTurns, machineLine, median, runBench } from "../measure.ts";
import { resultOf } from "./protocol.ts";
import { inFolder, setUp, WORK } from "./setup.ts";

const PROJECT = fromFileUrl(new URL("../../", import.meta.url));

await runBench({
  name: "bench:recipe",
  flags: {
    recipe: recipeFlag("recipe of both, or a JSON file with one"),
    rounds: wholeNumber("N", "rounds, each with the next seed", { least: 1, most: 1000 }),
    seed: SEED_FLAG,
    work: text("DIR", "folder of PyTorch's program"),
  },
  async run({ flags: { recipe = "fast", rounds = 3, seed: first = 1, work = WORK } }) {
    const folder = resolve(work);
    const missing = (await setUp(folder, new Set(["python"]), true)).get("python");
    if (missing !== undefined) throw new Error(`Cannot compare as PyTorch could not be installed: ${missing}`);
    const data = join(folder, "recipe.json");
    const [found] = await recipesFrom(recipe);
    await Deno.writeTextFile(data, JSON.stringify(typeof found === "string" ? trainRecipe(found) : found));
    const cores = String(navigator.hardwareConcurrency);
    const out = join(folder, "recipe-run");
    const env = { TORCHINDUCTOR_CACHE_DIR: join(folder, "inductor"), OMP_NUM_THREADS: cores };
    /** Seconds of one process from start to end. */
    const side = (name: string, cwd: string, command: (seed: string) => string[]) => async (round: number) => {
      const seed = String(first + round);
      await Deno.remove(out, { recursive: true }).catch(() => {});
      const begin = performance.now();
      const options = { folder: cwd, env, timeout: 1800 };
      const { exactMatch } = await resultOf<{ exactMatch: number }>(command(seed), options);
      const seconds = (performance.now() - begin) / 1e3;
      console.log(`seed ${seed}: ${name}, ${seconds.toFixed(2)} s to ${(100 * exactMatch).toFixed(3)}%`);
      return seconds;
    };
    const allowed = [`--allow-read=${out},${data}`, `--allow-write=${out}`];
    const run = [Deno.execPath(), "run", "--no-prompt", ...allowed, "cli.ts"];
    const flags = ["--recipe", data, "--no-certify", "--json", "--out", out];
    const python = inFolder(folder, ["venv/bin/python", "pytorch_recipe.py", "recipe.json"]);
    const oursOnce = side("ours", PROJECT, (seed) => [...run, "train", ...flags, "--seed", seed]);
    const theirsOnce = side("PyTorch", folder, (seed) => [...python, seed, cores]);
    console.log("The first run of PyTorch compiles, and is not counted:");
    await theirsOnce(0);
    const [ours, theirs] = await inTurns(rounds, [oursOnce, theirsOnce]);
    const ratios = theirs.map((seconds, round) => seconds / ours[round]);
    const range = `${Math.min(...ratios).toFixed(1)} – ${Math.max(...ratios).toFixed(1)}`;
    console.log(`recipe ${recipe}, PyTorch / ours: median ${median(ratios).toFixed(1)} x (${range}). ${machineLine()}`);
    return 0;
  },
});
