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
 *
 * @module
 */
import { fromFileUrl, join, resolve } from "@std/path";
import { oneOf, SEED_FLAG, text, wholeNumber } from "../../src/cli/flags.ts";
import { RECIPES, trainRecipe } from "../../src/training/recipes.ts";
import { machineLine, median, runBench } from "../measure.ts";
import { resultOf } from "./protocol.ts";
import { inFolder, setUp, WORK } from "./setup.ts";

const PROJECT = fromFileUrl(new URL("../../", import.meta.url));

/** One process from start to end. */
async function timed(command: string[], folder: string, env: Record<string, string>) {
  const begin = performance.now();
  const { exactMatch } = await resultOf<{ exactMatch: number }>(command, { folder, env, timeout: 1800 });
  const seconds = (performance.now() - begin) / 1e3;
  return { seconds, text: `${seconds.toFixed(2)} s to ${(100 * exactMatch).toFixed(3)}%` };
}

await runBench({
  name: "bench:recipe",
  flags: {
    recipe: oneOf(RECIPES, "recipe of both"),
    rounds: wholeNumber("N", "rounds, each with the next seed", { least: 1, most: 1000 }),
    seed: SEED_FLAG,
    work: text("DIR", "folder of PyTorch's program"),
  },
  async run({ flags: { recipe = "fast", rounds = 3, seed: first = 1, work = WORK } }) {
    const folder = resolve(work);
    const missing = (await setUp(folder, new Set(["python"]), true)).get("python");
    if (missing !== undefined) throw new Error(`Cannot compare as PyTorch could not be installed: ${missing}`);
    await Deno.writeTextFile(join(folder, "recipe.json"), JSON.stringify(trainRecipe(recipe)));
    const cores = String(navigator.hardwareConcurrency);
    const out = join(folder, "recipe-run");
    const program = ["run", "--no-prompt", `--allow-read=${out}`, `--allow-write=${out}`, "cli.ts", "train"];
    const oursOnce = async (seed: string) => {
      await Deno.remove(out, { recursive: true }).catch(() => {});
      const flags = ["--recipe", recipe, "--seed", seed, "--no-certify", "--json", "--out", out];
      return await timed([Deno.execPath(), ...program, ...flags], PROJECT, { OMP_NUM_THREADS: cores });
    };
    const env = { TORCHINDUCTOR_CACHE_DIR: join(folder, "inductor"), OMP_NUM_THREADS: cores };
    const command = inFolder(folder, ["venv/bin/python", "pytorch_recipe.py", "recipe.json"]);
    const theirsOnce = (seed: string) => timed([...command, seed, cores], folder, env);
    await theirsOnce(String(first));
    const ratios: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const seed = String(first + round);
      const [ours, theirs] = [await oursOnce(seed), await theirsOnce(seed)];
      ratios.push(theirs.seconds / ours.seconds);
      console.log(`seed ${seed}: ours ${ours.text}, PyTorch ${theirs.text}: ${ratios.at(-1)!.toFixed(1)} x`);
    }
    console.log(`recipe ${recipe}, median ${median(ratios).toFixed(1)} x. ${machineLine()}`);
    return 0;
  },
});
