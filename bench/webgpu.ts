/**
 * `deno task bench:webgpu`: the training step on a GPU compared with that of jax-js on the same GPU, and the dispatches, submissions and bytes read
 * back of a thousand steps.
 *
 * ```sh
 * deno task bench:webgpu                # five rounds
 * deno task bench:webgpu --rounds 1     # a quick look
 * deno task bench:webgpu --json
 * ```
 *
 * First jax-js must compute the loss that PyTorch computed for the same weights. Then, in each round, jax-js and this library train at batch 512 one
 * right after the other in alternating order, each in a process of its own. CPU time is compared, because machines are shared; on a software adapter it
 * includes the GPU's work.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { resolve } from "@std/path";
import { createEngine } from "../src/engine/mod.ts";
import type { AdapterDescription } from "../src/engine/interface/types.ts";
import { type GpuCounts, sharedGpu } from "../src/engine/webgpu/device.ts";
import { describeMachine, formatRate, machineLine, measure, median, type Rates, trainRunOf } from "./measure.ts";
import { runCommand } from "./peers/command.ts";
import { compare, type Output, runProgram } from "./peers/protocol.ts";
import { setUp, WORK } from "./peers/setup.ts";

const BATCH = 512;
/** Batches whose thousand steps are counted: one that a single workgroup trains, and one that many share. */
const COUNTED = [32, BATCH];

interface Ours {
  adapter: AdapterDescription;
  rates: Rates;
  counts: Record<number, GpuCounts>;
}

/** Steps of one timed request, so many that its 11 ms of waiting hardly count. */
const STEPS = 40;

/** Measures this library in this process. */
async function runOurs(withCounts: boolean): Promise<Ours> {
  const engine = await createEngine({ backend: "webgpu" });
  let firstSample = 0;
  const train = async () => {
    await engine.trainRun(trainRunOf(BATCH, STEPS, firstSample));
    firstSample += STEPS;
    return STEPS * BATCH;
  };
  const rates = await measure(train, { seconds: 1, repeats: 3, warmup: 0.1 });
  const { counts } = await sharedGpu();
  const perThousand: Record<number, GpuCounts> = {};
  for (const batch of withCounts ? COUNTED : []) {
    const before = { ...counts };
    await engine.trainRun(trainRunOf(batch, 1000));
    perThousand[batch] = {
      submissions: counts.submissions - before.submissions,
      dispatches: counts.dispatches - before.dispatches,
      bytesRead: counts.bytesRead - before.bytesRead,
    };
  }
  await engine.dispose();
  return { adapter: engine.adapter, rates, counts: perThousand } as Ours;
}

/** Examples per second of CPU time and of elapsed time. */
interface Rate {
  cpu: number;
  wall: number;
}

async function measureOurs(withCounts: boolean): Promise<Ours> {
  const self = [
    Deno.execPath(),
    "run",
    "--no-prompt",
    "bench/webgpu.ts",
    "--ours",
    ...(withCounts ? ["--counts"] : []),
  ];
  const { stdout } = await runCommand(self, { folder: ".", timeout: 600 });
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

async function jaxJs<T = Output>(folder: string, ...args: string[]): Promise<T> {
  const permissions = ["--allow-read=.", "--allow-env", "--allow-sys"];
  const command = [Deno.execPath(), "run", "--no-prompt", ...permissions, "jaxjs.mjs", "webgpu", ...args];
  return await runProgram<T>(command, folder);
}

async function main(): Promise<number> {
  const flags = parseArgs(Deno.args, {
    string: ["rounds", "work"],
    boolean: ["json", "ours", "counts"],
    default: { rounds: "5", work: WORK },
  });
  if (flags.ours) {
    console.log(JSON.stringify(await runOurs(flags.counts)));
    return 0;
  }
  const rounds = Number(flags.rounds);
  const folder = resolve(flags.work);
  const missing = (await setUp(folder, new Set(["npm"]), true)).get("npm");
  if (missing !== undefined) {
    console.error(`Cannot compare as jax-js must be installed: ${missing}`);
    return 1;
  }
  const { same, text } = await compare(await jaxJs(folder, "check", "golden.bin"));
  console.error(`jax-js on WebGPU: ${text}`);
  if (!same) {
    console.error("Cannot compare as jax-js must compute the same losses");
    return 1;
  }

  const theirs: Rate[] = [];
  const ours: Rate[] = [];
  let evidence: Ours | undefined;
  for (let round = 0; round < rounds; round++) {
    const sides = [
      async () => {
        const { cpu, wall } = await jaxJs<Rates>(folder, "train", String(BATCH), "1", "3");
        theirs.push({ cpu: median(cpu), wall: median(wall) });
      },
      async () => {
        const result = await measureOurs(round === 0);
        evidence ??= result;
        ours.push({ cpu: median(result.rates.cpu), wall: median(result.rates.wall) });
      },
    ];
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) await side();
    console.error(
      `round ${round + 1} of ${rounds}: ${formatRate(theirs[round].cpu)} and ${formatRate(ours[round].cpu)}`,
    );
  }
  const ratios = (clock: keyof Rate) => ours.map((rate, i) => rate[clock] / theirs[i][clock]);
  const { adapter, counts } = evidence!;
  if (flags.json) {
    console.log(JSON.stringify({ machine: describeMachine(), adapter, batch: BATCH, theirs, ours, counts }));
    return 0;
  }
  const row = (name: string, clock: keyof Rate) => {
    const all = ratios(clock).toSorted((a, b) => a - b);
    const middle = (rates: Rate[]) => formatRate(median(rates.map((rate) => rate[clock])));
    const spread = `${all[0].toFixed(1)} - ${all.at(-1)!.toFixed(1)}`;
    return `| ${name} | ${middle(theirs)} | ${middle(ours)} | ${median(all).toFixed(1)} (${spread}) |`;
  };
  console.log([
    machineLine(describeMachine()),
    `${adapter.name}${adapter.software ? ", a software adapter" : ""}`,
    "",
    `| training step, batch ${BATCH}, examples a second | jax-js WebGPU | ours | ratio |`,
    "| --- | --- | --- | --- |",
    row("of CPU time", "cpu"),
    row("of time", "wall"),
    "",
    "| 1,000 steps at batch | submissions | dispatches | bytes read back |",
    "| --- | --- | --- | --- |",
    ...Object.entries(counts).map(([batch, { submissions, dispatches, bytesRead }]) =>
      `| ${batch} | ${submissions} | ${dispatches} | ${bytesRead} |`
    ),
  ].join("\n"));
  return 0;
}

if (import.meta.main) Deno.exit(await main());
