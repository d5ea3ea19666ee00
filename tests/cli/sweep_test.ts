/** The command `sweep`, killed, cut into shards, and spread by schedulers. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";
import { parse as parseYaml } from "yaml";
import { commandOf, testIn } from "../runtimes/program.ts";
import { readSweep } from "../../src/sweep/file.ts";
import type { SweepLine } from "../../src/sweep/line.ts";
import type { Recipe } from "../../src/training/recipes.ts";
import { assertRefused, outcome, startTinyAdder, temporaryFolder, tinyAdder } from "./tiny_adder.ts";

const PROJECT = fromFileUrl(new URL("../../", import.meta.url));
const SCHEDULERS = join(PROJECT, "examples/schedulers");

/** A recipe that takes some 20 ms and learns nothing. */
const SHORT: Recipe = {
  name: "short",
  description: "a few steps",
  stages: [{
    ...{ name: "only", steps: 40, batch: 8, learningRate: 0.01, warmupSteps: 4, floor: 0.1, weightDecay: 0 },
    ...{ clipNorm: 1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8 },
    curriculum: [{ fromStep: 0, minDigits: 1, maxDigits: 3 }],
  }],
  maxAttempts: 1,
  evaluation: { every: 0, problems: 8 },
};

const SEEDS = "0..39";

/** A folder with the short recipe, and the arguments of a sweep that is over in seconds. */
async function shortSweep() {
  const folder = await temporaryFolder();
  const recipe = join(folder.path, "short.json");
  await Deno.writeTextFile(recipe, JSON.stringify(SHORT));
  const args = ["--recipe", recipe, "--model", "763,777", "--seeds", SEEDS, "--pairs", "64", "--hard", "32"];
  return { folder, args, file: (name: string) => join(folder.path, name) };
}

/** The lines of files without their times, in a fixed order. */
async function sorted(...files: string[]): Promise<string[]> {
  const lines: SweepLine[] = [];
  for (const file of files) lines.push(...await readSweep(file));
  return lines.map((line) => JSON.stringify({ ...line, trainSeconds: 0, seconds: 0 })).sort();
}

Deno.test("a sweep that is killed 20 times ends with exactly the lines of an undisturbed one", async () => {
  const { folder, args, file } = await shortSweep();
  await using _ = folder;
  const begin = performance.now();
  const straight = await tinyAdder(["sweep", ...args, "--threads", "2", "--out", file("a.jsonl")], folder.allow);
  assertEquals(straight.code, 0, straight.stderr);
  assertEquals(straight.stdout, `80 runs done, 0 were already in ${file("a.jsonl")}\n`);

  const whole = performance.now() - begin;

  // as many kills as it takes to be done, more or less, on a machine of any speed
  let random = 20;
  for (let kill = 0; kill < 20; kill++) {
    random = (random * 48_271) % 2_147_483_647;
    const process = startTinyAdder(["sweep", ...args, "--threads", "2", "--out", file("b.jsonl")], folder.allow);
    await new Promise((resolve) => setTimeout(resolve, whole * (0.1 + 0.2 * random / 2_147_483_647)));
    try {
      process.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it had ended by itself: all runs are done
    }
    await outcome(process);
  }
  const last = await tinyAdder(["sweep", ...args, "--out", file("b.jsonl"), "--json"], folder.allow);
  assertEquals(last.code, 0, last.stderr);
  const { done, known, runs } = JSON.parse(last.stdout);
  assertEquals([runs, done + known], [80, 80]);
  assert(known > 0, "no run was finished before a kill: the test shows nothing");
  assertEquals(await sorted(file("b.jsonl")), await sorted(file("a.jsonl")));
});

Deno.test("four shards together give the lines and the table of one run", async () => {
  const { folder, args, file } = await shortSweep();
  await using _ = folder;
  await tinyAdder(["sweep", ...args, "--out", file("all.jsonl")], folder.allow);
  const shards = [0, 1, 2, 3].map((i) => file(`${i}.jsonl`));
  await Promise.all(
    shards.map((out, i) =>
      tinyAdder(["sweep", ...args, "--threads", "1", "--shard", `${i}/4`, "--out", out], folder.allow)
    ),
  );
  assertEquals(await sorted(...shards), await sorted(file("all.jsonl")));
  const table = async (...files: string[]) => {
    const { stdout } = await tinyAdder(["sweep", "summarize", ...files, "--json"], folder.allow);
    return JSON.parse(stdout).map((summary: Record<string, unknown>) => ({ ...summary, medianSeconds: 0 }));
  };
  assertEquals(await table(...shards), await table(file("all.jsonl")));
  const { stdout } = await tinyAdder(["sweep", "summarize", ...shards, "--svg", file("plot.svg")], folder.allow);
  assertMatch(stdout, /\| short \| 763 \| 40 \| 0 \(0-9%\)/);
  assertMatch(await Deno.readTextFile(file("plot.svg")), /^<svg [\s\S]*short, 777: 40 seeds[\s\S]*<\/svg>\n$/);
});

Deno.test("a sweep that is interrupted says how to go on", async () => {
  const { folder, args, file } = await shortSweep();
  await using _ = folder;
  const process = startTinyAdder(["sweep", ...args, "--out", file("a.jsonl")], folder.allow);
  while ((await readSweep(file("a.jsonl"))).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  process.kill("SIGINT");
  const { code, stderr } = await outcome(process);
  assertEquals(code, 130, stderr);
  assertMatch(
    stderr,
    /Stopped by SIGINT: the finished runs are in .*a\.jsonl, run the same command again to resume\n$/,
  );
});

/** The path, with the Deno of this test before any other, and a home for what schedulers keep there. */
function environment(home: string): Record<string, string> {
  return { PATH: `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}`, NO_COLOR: "1", HOME: home };
}

async function run(command: string[], env: Record<string, string>): Promise<string> {
  const [program, ...rest] = command;
  const options = { args: rest, cwd: PROJECT, env, clearEnv: true, stdin: "null" } as const;
  const { code, stdout, stderr } = await new Deno.Command(program, options).output();
  const text = new TextDecoder().decode(stderr);
  assertEquals(code, 0, text);
  return new TextDecoder().decode(stdout);
}

testIn(["parallel", "bash"], "GNU parallel spreads a sweep over the shards", async () => {
  const { folder, args, file } = await shortSweep();
  await using _ = folder;
  const env = { ...environment(folder.path), SHARDS: "3", JOBS: "2", FOLDER: folder.path };
  const stdout = await run([...commandOf("bash"), join(SCHEDULERS, "parallel.sh"), ...args], env);
  assertMatch(stdout, /\| short \| 777 \| 40 \|/);
  const shards = [0, 1, 2].map((i) => file(`${i}.jsonl`));
  await tinyAdder(["sweep", ...args, "--out", file("all.whole")], folder.allow);
  assertEquals(await sorted(...shards), await sorted(file("all.whole")));
});

testIn("bash", "the Slurm script does the shard of its task", async () => {
  const { folder, args, file } = await shortSweep();
  await using _ = folder;
  await tinyAdder(["sweep", ...args, "--out", file("all.jsonl")], folder.allow);
  // what Slurm sets for sbatch --array=3-4
  for (const task of ["3", "4"]) {
    await run([...commandOf("bash"), join(SCHEDULERS, "slurm.sbatch"), ...args], {
      ...environment(folder.path),
      ...{
        SLURM_ARRAY_TASK_ID: task,
        SLURM_ARRAY_TASK_MIN: "3",
        SLURM_ARRAY_TASK_COUNT: "2",
        SLURM_CPUS_PER_TASK: "2",
      },
      ...{ SLURM_SUBMIT_DIR: PROJECT, FOLDER: folder.path },
    });
  }
  assertEquals(await sorted(file("0.jsonl"), file("1.jsonl")), await sorted(file("all.jsonl")));
});

testIn("sh", "the Kubernetes job does the shard of its completion index", async () => {
  const { folder, args, file } = await shortSweep();
  await using _ = folder;
  const job = parseYaml(await Deno.readTextFile(join(SCHEDULERS, "kubernetes.yaml")));
  assertEquals([job.apiVersion, job.kind, job.spec.completionMode], ["batch/v1", "Job", "Indexed"]);
  const [container] = job.spec.template.spec.containers;
  const { SHARDS } = Object.fromEntries(
    container.env.map(({ name, value }: { name: string; value: string }) => [name, value]),
  );
  assertEquals(SHARDS, String(job.spec.completions));
  const mounts = container.volumeMounts.map(({ name }: { name: string }) => name);
  assertEquals(mounts, job.spec.template.spec.volumes.map(({ name }: { name: string }) => name));

  await tinyAdder(["sweep", "--recipe", args[1], "--seeds", "0..3", "--out", file("all.jsonl")], folder.allow);
  for (const index of ["0", "1"]) {
    await run([...container.command, ...container.args], {
      ...environment(folder.path),
      ...{ FOLDER: folder.path, SHARDS: "2", RECIPE: args[1], SEEDS: "0..3", JOB_COMPLETION_INDEX: index },
    });
  }
  assertEquals(await sorted(file("0.jsonl"), file("1.jsonl")), await sorted(file("all.jsonl")));
});

const REFUSED: readonly (readonly [args: readonly string[], asked: string, found: string])[] = [
  [["--seeds", "5..3"], "--seeds as it must be seeds from 0 to 4294967295", "5..3"],
  [["--shard", "4/4"], "--shard", "4/4"],
  [["--model", "764"], "--model", "764, did you mean 763?"],
  [["--recipe", "fsat", "--out", "x.jsonl"], "--recipe", "fsat, did you mean fast?"],
  [[], "sweep as --out is missing", "--out FILE.jsonl"],
  [["merge"], "sweep", "merge"],
  [["--backend", "webgpu", "--arithmetic", "exact", "--out", "x"], "--arithmetic", "exact"],
  [["summarize"], "summarize", "name one or more"],
  [["summarize", "a", "--seeds", "1"], "--seeds", "--svg"],
];

for (const [args, ...line] of REFUSED) {
  Deno.test(`sweep ${args.join(" ")} is refused`, () => assertRefused(["sweep", ...args], line));
}
