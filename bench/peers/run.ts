/**
 * `deno task bench:peers`: rivals side by side with us, on one thread, by CPU time and by the clock.
 *
 * ```sh
 * deno task bench:peers                                     # everything: minutes, and the installation the first time
 * deno task bench:peers --only native-128,jax --rounds 3    # some rivals
 * ```
 *
 * Every rival first computes what PyTorch computed in float64 of the same weights and problems: ten training steps' losses, or decoded
 * tokens. Then it and we run one right after the other, round by round, in alternating order. A rival that cannot be installed or run has its
 * line in the table, with the reason.
 * The exit code is 1 if a program computes something else.
 */
import { join, resolve } from "@std/path";
import { oneOf, several, text, wholeNumber } from "../../src/cli/flags.ts";
import { formatRate, inTurns, machineLine, median, runBench, table } from "../measure.ts";
import { compare, ProgramError, type Rate, resultOf } from "./protocol.ts";
import { ours, RIVALS, setUp, WORK } from "./rivals.ts";

interface Row {
  rival: string;
  label: string;
  command: string[];
  task: string;
  batch: number;
  check?: { same: boolean; text: string };
  missing?: string;
  /** A median for each round. */
  theirs: Rate[];
  /** By form, such as `exact`. */
  ours: Record<string, Rate[]>;
}

const NAMES = RIVALS.map(({ name }) => name);

function toMarkdown(rows: readonly Row[], rounds: number): string {
  const digits = (x: number) => x >= 100 ? x.toFixed(0) : x.toPrecision(x >= 1 ? 3 : 2);
  const lines = rows.flatMap(({ label, task, batch, check, missing, theirs, ours }) => {
    const rate = theirs.length === 0 ? "" : formatRate(median(theirs.map(({ cpu }) => cpu)));
    return Object.entries(ours).map(([form, rates]) => [
      ...[`${task}, batch ${batch}`, label, missing ? `missing: ${missing.replaceAll("|", "\\|")}` : rate, form],
      ...(["cpu", "wall"] as const).map((clock) => {
        const ratios = rates.map((rate, i) => rate[clock] / theirs[i][clock]);
        const [least, most] = [Math.min(...ratios), Math.max(...ratios)].map(digits);
        return ratios.length === 0 ? "" : `${digits(median(ratios))} (${least} – ${most})`;
      }),
      check?.text ?? "not checked",
    ]);
  });
  const clocks = ["ours / theirs, CPU time", "by the clock"];
  return [
    table(["what", "rival", "theirs, 1/s", "ours", ...clocks, "check against PyTorch, float64"], lines),
    "",
    "Examples trained on, or sums decoded, a second of CPU time. " +
    `Ratios: median (least – greatest) of ${rounds} rounds, a rival and we one right after the other.`,
    machineLine(),
  ].join("\n");
}

await runBench({
  name: "bench:peers",
  flags: {
    work: text("DIR", "folder of the rivals' programs"),
    rounds: wholeNumber("N", "rounds of measurements", [1, 1000]),
    only: several(oneOf(NAMES, "some of the rivals")),
    quick: { help: "one short round" },
    check: { help: "only compare what the programs compute" },
    install: { help: "leave out what is not installed", onByDefault: true },
  },
  async run({ flags: { work = WORK, only = NAMES, quick, check, rounds: most = quick ? 1 : 5, install }, json }) {
    const rounds = check ? 0 : most;
    const folder = resolve(work);
    const options = { folder, env: { TORCHINDUCTOR_CACHE_DIR: join(folder, "inductor") } };
    const rivals = RIVALS.filter(({ name }) => only.includes(name));
    const missing = await setUp(folder, rivals.flatMap(({ part }) => part ?? []), install);
    const timing = quick ? ["0.05", "1"] : ["0.4", "3"];
    const rows: Row[] = [];
    for (const { name: rival, label, part, command, tasks, ours: forms = ["exact", "fast"] } of rivals) {
      for (const [task, batch] of Object.entries(tasks)) {
        const side = (program: string[]) => async (): Promise<Rate> => {
          const rates = await resultOf<Rate[]>([...program, task, String(batch), ...timing], options);
          return { cpu: median(rates.map(({ cpu }) => cpu)), wall: median(rates.map(({ wall }) => wall)) };
        };
        const row: Row = { rival, label, task, batch, theirs: [], command, ours: {} };
        rows.push(row);
        let results: Rate[][] = [];
        try {
          const reason = part && missing.get(part);
          if (reason !== undefined) throw new ProgramError(reason);
          row.check = await compare(await resultOf([...command, "check"], options));
          results = await inTurns(rounds, [command, ...forms.map(ours)].map(side));
        } catch (error) {
          if (!(error instanceof ProgramError)) throw error;
          row.missing = error.message;
        }
        row.theirs = results[0] ?? [];
        forms.forEach((form, i) => row.ours[form] = results[1 + i] ?? []);
        console.error(`${rival}, ${task}: ${row.missing === undefined ? row.check?.text : `missing: ${row.missing}`}`);
      }
    }
    console.log(json ? JSON.stringify({ machine: machineLine(), rounds, rows }) : toMarkdown(rows, rounds));
    if (rows.some(({ check }) => check?.same === false)) Deno.exitCode = 1;
  },
});
