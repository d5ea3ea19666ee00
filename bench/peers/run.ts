/**
 * `deno task bench:peers`: the rivals of ../shared/peers side by side with us, on one thread.
 *
 * ```sh
 * deno task bench:peers                                     # everything: a quarter of an hour, and the installation the first time
 * deno task bench:peers --only native-128,jax --rounds 3    # some rivals
 * deno task bench:peers --quick                             # one short round: does it all run?
 * deno task bench:peers --json
 * ```
 *
 * First every rival has to compute the loss that we compute, from the same weights and tokens. Then, in each round, a rival and we
 * are run one right after the other, in alternating order: machines are shared, and what disturbs one disturbs the other. A rival that
 * cannot be installed or run has its line in the table, with the reason.
 *
 * The exit code is 0, also where rivals are missing; 1 if a rival computes another loss, which makes its times worthless; 2 on bad usage.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { join, resolve } from "@std/path";
import { describeMachine, median } from "../measure.ts";
import { CommandError, runCommand } from "./command.ts";
import type { Measurement } from "./ours.ts";
import { type Bout, type Report, type Row, toJson, toMarkdown } from "./report.ts";
import { type Rival, type RivalRun, RIVALS } from "./rivals.ts";
import { openWorkshop, PEERS, WORK, type Workshop } from "./workshop.ts";

/** Our own side did not run: no reason to blame a rival. */
class OurError extends Error {}

/** Runs our side as the readings of a rival want it, in a process of its own. */
async function runOurs({ readings }: RivalRun, { ours }: Workshop, effort: number): Promise<Omit<Bout, "theirs">[]> {
  const batches = (task: string) =>
    readings.filter((reading) => reading.task === task).map(({ batch }) => batch).join();
  const flags = ["train", "decode"].flatMap((task) => batches(task) === "" ? [] : [`--${task}`, batches(task)]);
  const duration = ["--repeats", "3", "--seconds", String(0.3 * effort)];
  const command = [Deno.execPath(), "run", "--no-prompt", "bench/peers/ours.ts", ...flags, ...duration];
  const { stdout } = await runCommand(command, { folder: ours }).catch((error) => {
    throw new OurError(error.message);
  });
  const measurements: Measurement[] = stdout.trim().split("\n").map((line) => JSON.parse(line));
  return readings.map(({ task, batch, clock, statistic }) => {
    const rate = (arithmetic: "exact" | "fast") => {
      const found = measurements.find((one) =>
        one.arithmetic === arithmetic && one.task === task && one.batch === batch
      );
      if (found === undefined) return undefined;
      return statistic === "best" ? Math.max(...found.rates[clock]) : median(found.rates[clock]);
    };
    return { exact: rate("exact")!, fast: rate("fast") };
  });
}

async function runRival(run: RivalRun, workshop: Workshop, effort: number): Promise<number[]> {
  const folder = join(workshop.folder, run.folder ?? ".");
  const { stdout } = await runCommand(run.command(workshop, effort), { folder, env: workshop.env });
  return run.readings.map(({ read }) => {
    const rate = read(stdout);
    if (!(rate > 0)) throw new CommandError(`no rate in its output: ${stdout.trim().slice(0, 80)}`);
    return rate;
  });
}

/** Does something for a rival; where it cannot be done, all its rows say why. */
async function attempt<T>(rows: readonly Row[], action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    for (const row of rows) row.missing = error.message;
    return undefined;
  }
}

/** Checks the rivals' losses, then runs all rounds. */
async function compete(rivals: readonly Rival[], workshop: Workshop, rounds: number, effort: number): Promise<Row[]> {
  const rowsOf = new Map<RivalRun, Row[]>();
  const present: Rival[] = [];
  for (const rival of rivals) {
    const missing = rival.needs.map((part) => workshop.missing.get(part)).find((reason) => reason !== undefined);
    for (const run of rival.runs) {
      rowsOf.set(run, run.readings.map((reading) => ({ rival, reading, bouts: [], missing })));
    }
    if (missing !== undefined) continue;
    present.push(rival);
    const rows = rival.runs.flatMap((run) => rowsOf.get(run)!);
    const check = await attempt(rows, () => rival.check(workshop));
    for (const row of rows) row.check = check;
    console.error(`${rival.name}: ${check?.text ?? rows[0].missing}`);
  }
  for (let round = 0; round < rounds; round++) {
    for (const rival of present) {
      for (const run of rival.runs) {
        const rows = rowsOf.get(run)!;
        for (let bout = 0; bout < (run.bouts ?? 1) && rows[0].missing === undefined; bout++) {
          const theirsFirst = (round + bout) % 2 === 0;
          await attempt(rows, async () => {
            const early = theirsFirst ? await runRival(run, workshop, effort) : undefined;
            const ours = await runOurs(run, workshop, effort);
            const theirs = early ?? await runRival(run, workshop, effort);
            for (const [i, row] of rows.entries()) row.bouts.push({ theirs: theirs[i], ...ours[i] });
          });
        }
      }
      console.error(`round ${round + 1} of ${rounds}: ${rival.name}`);
    }
  }
  return [...rowsOf.values()].flat();
}

/** The pinned versions of the rivals' packages, and what this machine has of compilers and runtimes. */
async function versions({ folder }: Workshop): Promise<string[]> {
  const installed = async (...command: string[]) => {
    const version = await runCommand(command, { folder }).then(({ stdout }) => stdout.trim(), () => "missing");
    return `${command[0]} ${version}`;
  };
  const { dependencies } = JSON.parse(await Deno.readTextFile(join(folder, "package.json")));
  const requirements = (await Deno.readTextFile(join(folder, "requirements.txt"))).match(/^\w.*$/gm) ?? [];
  return [
    await installed("gcc", "-dumpfullversion"),
    await installed("node", "-p", "typeof Deno === 'undefined' ? process.versions.node : 'missing'"),
    ...requirements.map((line) => line.replace("==", " ")),
    ...Object.entries(dependencies).map(([name, version]) => `${name} ${version}`),
  ];
}

class UsageError extends Error {}

function readFlags(args: string[]) {
  const flags = parseArgs(args, {
    string: ["peers", "work", "rounds", "only"],
    boolean: ["quick", "json"],
    default: { peers: PEERS, work: WORK },
    unknown: (arg) => {
      throw new UsageError(
        `Cannot compare as the flags are --peers DIR, --work DIR, --rounds N, --only NAMES, --quick, --json: found ${arg}`,
      );
    },
  });
  const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 5));
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new UsageError(`Cannot compare as --rounds must be a whole number from 1: current value is ${flags.rounds}`);
  }
  const names: string[] = flags.only?.split(",") ?? RIVALS.map(({ name }) => name);
  for (const name of names) {
    if (!RIVALS.some((rival) => rival.name === name)) {
      throw new UsageError(
        `Cannot compare as --only must be some of ${RIVALS.map(({ name }) => name).join(",")}: found ${name}`,
      );
    }
  }
  return {
    peers: resolve(flags.peers),
    work: resolve(flags.work),
    rounds,
    effort: flags.quick ? 0.3 : 1,
    json: flags.json,
    rivals: RIVALS.filter(({ name }) => names.includes(name)),
  };
}

async function main(): Promise<number> {
  const { peers, work, rounds, effort, json, rivals } = readFlags(Deno.args);
  const workshop = await openWorkshop(peers, work, rivals.flatMap(({ needs }) => needs));
  const rows = await compete(rivals, workshop, rounds, effort);
  const report: Report = { machine: describeMachine(), versions: await versions(workshop), rounds, rows };
  console.log(json ? JSON.stringify(toJson(report)) : toMarkdown(report));
  console.error(`The rivals and their packages are kept in ${work}; remove it when you are done.`);
  return rows.some(({ check }) => check?.same === false) ? 1 : 0;
}

if (import.meta.main) {
  try {
    Deno.exit(await main());
  } catch (error) {
    if (error instanceof OurError) {
      console.error(`Cannot compare as our own side does not run: ${error.message}`);
      Deno.exit(1);
    }
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    Deno.exit(2);
  }
}
