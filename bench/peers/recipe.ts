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
import { parseArgs } from "@std/cli";
import { fromFileUrl, join, resolve } from "@std/path";
import { trainRecipe } from "../../src/training/recipes.ts";
import { describeMachine, machineLine, median } from "../measure.ts";
import { CommandError, runCommand } from "./command.ts";
import { setUp, WORK } from "./setup.ts";

/** One process from start to end. */
interface Run {
  seconds: number;
  exactMatch: number;
}

async function timed(command: string[], folder: string, env: Record<string, string>): Promise<Run> {
  const begin = performance.now();
  const { stdout } = await runCommand(command, { folder, env, timeout: 1800 });
  return {
    seconds: (performance.now() - begin) / 1e3,
    exactMatch: Number(JSON.parse(stdout.trim().split("\n").at(-1)!).exactMatch),
  };
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, {
    string: ["recipe", "rounds", "seed", "work"],
    default: { recipe: "fast", rounds: "3", seed: "1", work: WORK },
  });
  const folder = resolve(flags.work);
  const missing = (await setUp(folder, new Set(["python"]), true)).get("python");
  if (missing !== undefined) {
    console.error(`Cannot compare as PyTorch could not be installed: ${missing}`);
    Deno.exit(1);
  }
  const project = fromFileUrl(new URL("../../", import.meta.url));
  const python = join(folder, "venv/bin/python");
  const env = { TORCHINDUCTOR_CACHE_DIR: join(folder, "inductor") };
  const recipeFile = join(folder, "recipe.json");
  await Deno.writeTextFile(recipeFile, JSON.stringify(trainRecipe(flags.recipe)));
  const cores = String(navigator.hardwareConcurrency);
  const out = join(folder, "recipe-run");
  const seed = (round: number) => String(Number(flags.seed) + round);
  const oursOnce = async (round: number) => {
    await Deno.remove(out, { recursive: true }).catch(() => {});
    const permissions = [`--allow-read=${out}`, `--allow-write=${out}`];
    const run = ["--recipe", flags.recipe, "--seed", seed(round), "--no-certify", "--json", "--out", out];
    return await timed([Deno.execPath(), "run", "--no-prompt", ...permissions, "cli.ts", "train", ...run], project, {});
  };
  const theirsOnce = (round: number) =>
    timed([python, "pytorch_recipe.py", recipeFile, seed(round), cores], folder, { ...env, OMP_NUM_THREADS: cores });
  const show = ({ seconds, exactMatch }: Run) => `${seconds.toFixed(2)} s to ${(100 * exactMatch).toFixed(3)}%`;
  try {
    await theirsOnce(0);
    const ratios: number[] = [];
    for (let round = 0; round < Number(flags.rounds); round++) {
      const ours = await oursOnce(round);
      const theirs = await theirsOnce(round);
      ratios.push(theirs.seconds / ours.seconds);
      console.log(`seed ${seed(round)}: ours ${show(ours)}, PyTorch ${show(theirs)}: ${ratios.at(-1)!.toFixed(1)} x`);
    }
    console.log(`recipe ${flags.recipe}, median ${median(ratios).toFixed(1)} x. ${machineLine(describeMachine())}`);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    console.error(`Cannot compare as a run failed: ${error.message}`);
    Deno.exit(1);
  }
}
