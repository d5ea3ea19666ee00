/**
 * `deno task bench:peers`: rivals side by side with us, on one thread, by CPU time.
 *
 * ```sh
 * deno task bench:peers                                     # everything: minutes, and the installation the first time
 * deno task bench:peers --only native-128,jax --rounds 3    # some rivals
 * deno task bench:peers --check                             # only whether all compute the same
 * deno task bench:peers --quick --no-install --json         # one short round of what is installed
 * ```
 *
 * Every rival first computes what PyTorch computed in float64 of the same weights and problems: ten training steps' losses, or decoded
 * tokens. Then, in each round, a rival and we run one right after the other, in alternating order: machines are shared, and what
 * disturbs one disturbs the other. A rival that cannot be installed or run has its line in the table, with the reason.
 *
 * The exit code is 0, also where rivals are missing; 1 if a program computes something else; 2 on bad usage.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { fromFileUrl, join, resolve } from "@std/path";
import { describeMachine, formatRate, machineLine, median, type Rates } from "../measure.ts";
import { CommandError } from "./command.ts";
import { compare, runProgram } from "./protocol.ts";
import { type Rival, RIVALS } from "./rivals.ts";
import { type Part, setUp, WORK } from "./setup.ts";

class UsageError extends Error {}

/** One line of the table. */
interface Row {
  rival: string;
  label: string;
  task: "train" | "decode";
  batch: number;
  check?: { same: boolean; text: string };
  missing?: string;
  /** Medians of each round, a second of CPU time. */
  theirs: number[];
  exact: number[];
  fast: number[];
}

const OURS = fromFileUrl(new URL("./ours.ts", import.meta.url));
const CONFIG = fromFileUrl(new URL("../deno.json", import.meta.url));

function ours(arithmetic: string): string[] {
  return [Deno.execPath(), "run", "--quiet", "--no-prompt", "--allow-read", "--config", CONFIG, OURS, arithmetic];
}

function commandOf({ command, needs }: Rival, folder: string): string[] {
  if (needs === undefined) return ours("exact");
  // a program in the folder is named in full
  return [command[0].includes("/") ? join(folder, command[0]) : command[0], ...command.slice(1)];
}

function readFlags(args: string[]) {
  const flags = parseArgs(args, {
    string: ["work", "rounds", "only"],
    boolean: ["quick", "check", "no-install", "json"],
    default: { work: WORK },
    unknown: (arg) => {
      throw new UsageError(
        `Cannot compare as the flags are --work DIR, --rounds N, --only NAMES, --quick, --check, --no-install, --json: found ${arg}`,
      );
    },
  });
  const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 5));
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new UsageError(`Cannot compare as --rounds must be a whole number from 1: current value is ${flags.rounds}`);
  }
  const names = RIVALS.map(({ name }) => name);
  const only: string[] = flags.only?.split(",") ?? names;
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`Cannot compare as --only must be some of ${names}: found ${unknown}`);
  }
  const { work, quick, json } = flags;
  const install = !flags["no-install"];
  return {
    work,
    quick,
    install,
    json,
    rounds: flags.check ? 0 : rounds,
    rivals: RIVALS.filter(({ name }) => only.includes(name)),
  };
}

function ratio(ours: number[], theirs: number[]) {
  const ratios = ours.map((rate, i) => rate / theirs[i]);
  return ratios.length === 0
    ? undefined
    : { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}

function toMarkdown(rows: readonly Row[], rounds: number): string {
  const format = (value: ReturnType<typeof ratio>) => {
    if (value === undefined) return "";
    const digits = (x: number) => x >= 100 ? x.toFixed(0) : x.toPrecision(x >= 1 ? 3 : 2);
    return `${digits(value.median)} (${digits(value.min)} – ${digits(value.max)})`;
  };
  const lines = rows.map(({ label, task, batch, check, missing, theirs, exact, fast }) => [
    `${task}, batch ${batch}`,
    label,
    missing === undefined
      ? theirs.length === 0 ? "" : formatRate(median(theirs))
      : `missing: ${missing.replaceAll("|", "\\|")}`,
    format(ratio(exact, theirs)),
    format(ratio(fast, theirs)),
    check?.text ?? "not checked",
  ]);
  const heads = ["what", "rival", "theirs, 1/s", "exact / theirs", "fast / theirs", "check against PyTorch, float64"];
  return [
    ...[heads, heads.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`),
    "",
    "Examples trained on, or sums decoded, a second of CPU time. " +
    `Ratios: median (least – greatest) of ${rounds} rounds, a rival and we one right after the other.`,
    machineLine(describeMachine()),
  ].join("\n");
}

async function main(): Promise<number> {
  const { work, rounds, rivals, quick, install, json } = readFlags(Deno.args);
  const folder = resolve(work);
  const parts = new Set(rivals.flatMap(({ needs }): Part[] => needs === undefined ? [] : [needs]));
  const missing = await setUp(folder, parts, install);
  const env = { TORCHINDUCTOR_CACHE_DIR: join(folder, "inductor") };
  const contest = rivals.flatMap((rival) =>
    (["train", "decode"] as const).flatMap((task) => {
      const batch = rival.tasks[task];
      if (batch === undefined) return [];
      const reason = rival.needs && missing.get(rival.needs);
      const row: Row = {
        ...{ rival: rival.name, label: rival.label, task, batch, missing: reason },
        ...{ theirs: [], exact: [], fast: [] },
      };
      return [{ rival, row }];
    })
  );
  const attempt = async (row: Row, action: () => Promise<void>) => {
    if (row.missing !== undefined) return;
    await action().catch((error) => {
      if (!(error instanceof CommandError)) throw error;
      row.missing = error.message;
    });
  };
  for (const rival of rivals) {
    const rows = contest.filter((one) => one.rival === rival).map(({ row }) => row);
    await attempt(rows[0], async () => {
      const check = await compare(await runProgram([...commandOf(rival, folder), "check", "golden.bin"], folder, env));
      for (const row of rows) row.check = check;
    });
    for (const row of rows) row.missing = rows[0].missing;
    console.error(`${rival.name}: ${rows[0].check?.text ?? `missing: ${rows[0].missing}`}`);
  }
  const timing = quick ? ["0.05", "1"] : ["0.4", "3"];
  for (let round = 0; round < rounds; round++) {
    for (const { rival, row } of contest) {
      await attempt(row, async () => {
        const rate = async (command: string[]) =>
          median(
            (await runProgram<Rates>([...command, row.task, String(row.batch), ...timing], folder, env)).cpu,
          );
        const sides = [
          async () => row.theirs.push(await rate(commandOf(rival, folder))),
          async () => row.exact.push(await rate(ours("exact"))),
          async () => row.fast.push(await rate(ours("fast"))),
        ];
        for (const side of round % 2 === 0 ? sides : sides.toReversed()) await side();
      });
    }
    console.error(`round ${round + 1} of ${rounds}`);
  }
  const rows = contest.map(({ row }) => row);
  console.log(
    json ? JSON.stringify({ machine: describeMachine(), rounds, rows }) : toMarkdown(rows, rounds),
  );
  return rows.some(({ check }) => check?.same === false) ? 1 : 0;
}

if (import.meta.main) {
  try {
    Deno.exit(await main());
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    Deno.exit(2);
  }
}
