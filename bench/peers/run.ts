/**
 * `deno task bench:peers`: rivals side by side with us, on one thread, by CPU time and by the clock.
 *
 * ```sh
 * deno task bench:peers                                     # everything: minutes, and the installation the first time
 * deno task bench:peers --only native-128,jax --rounds 3    # some rivals
 * deno task bench:peers --check                             # only whether all compute the same
 * deno task bench:peers --quick --no-install --json         # one short round of what is installed
 * ```
 *
 * Every rival first computes what PyTorch computed in float64 of the same weights and problems: ten training steps' losses, or decoded
 * tokens. Then it and we run one right after the other, round by round, in alternating order. A rival that cannot be installed or run has its
 * line in the table, with the reason.
 *
 * The exit code is 0, also where rivals are missing; 1 if a program computes something else; 2 on bad usage.
 */
import { fromFileUrl, join, resolve } from "@std/path";
import { oneOf, several, text, wholeNumber } from "../../src/cli/flags.ts";
import { formatRate, inTurns, machineLine, median, runBench, table } from "../measure.ts";
import { compare, type Computed, ProgramError, type Rates, resultOf } from "./protocol.ts";
import { RIVALS } from "./rivals.ts";
import { inFolder, setUp, WORK } from "./setup.ts";

/** Examples per second, of CPU time and of elapsed time. */
type Rate = { readonly [clock in keyof Rates]: number };

interface Row {
  rival: string;
  label: string;
  command: string[];
  task: "train" | "decode";
  batch: number;
  check?: { same: boolean; text: string };
  missing?: string;
  /** A median for each round. */
  theirs: Rate[];
  /** By form, such as `exact`. */
  ours: Record<string, Rate[]>;
}

const OURS = fromFileUrl(new URL("./ours.ts", import.meta.url));
const CONFIG = fromFileUrl(new URL("../deno.json", import.meta.url));

function ours(form: string): string[] {
  return [Deno.execPath(), "run", "--quiet", "--no-prompt", "--allow-read", "--config", CONFIG, OURS, form];
}

const NAMES = RIVALS.map(({ name }) => name);

const FLAGS = {
  work: text("DIR", "folder of the rivals' programs"),
  rounds: wholeNumber("N", "rounds of measurements", { least: 1, most: 1000 }),
  only: several(oneOf(NAMES, "some of the rivals")),
  quick: { help: "one short round" },
  check: { help: "only compare what the programs compute" },
  install: { help: "leave out what is not installed", onByDefault: true },
} as const;

function toMarkdown(rows: readonly Row[], rounds: number): string {
  const digits = (x: number) => x >= 100 ? x.toFixed(0) : x.toPrecision(x >= 1 ? 3 : 2);
  const ratio = (ours: readonly Rate[], theirs: readonly Rate[], clock: keyof Rate) => {
    if (ours.length === 0) return "";
    const ratios = ours.map((rate, i) => rate[clock] / theirs[i][clock]);
    return `${digits(median(ratios))} (${digits(Math.min(...ratios))} – ${digits(Math.max(...ratios))})`;
  };
  const lines = rows.flatMap(({ label, task, batch, check, missing, theirs, ours }) =>
    Object.entries(ours).map(([form, rates]) => [
      `${task}, batch ${batch}`,
      label,
      missing === undefined
        ? theirs.length === 0 ? "" : formatRate(median(theirs.map(({ cpu }) => cpu)))
        : `missing: ${missing.replaceAll("|", "\\|")}`,
      form,
      ratio(rates, theirs, "cpu"),
      ratio(rates, theirs, "wall"),
      check?.text ?? "not checked",
    ])
  );
  const clocks = ["ours / theirs, CPU time", "by the clock"];
  return [
    table(["what", "rival", "theirs, 1/s", "ours", ...clocks, "check against PyTorch, float64"], lines),
    "",
    "Examples trained on, or sums decoded, a second of CPU time. " +
    `Ratios: median (least – greatest) of ${rounds} rounds, a rival and we one right after the other.`,
    machineLine(),
  ].join("\n");
}

/** Lets a rival compute or be timed, unless it is missing; it is missing from then on if it fails. */
async function attempt(row: Row, action: () => Promise<void>): Promise<void> {
  if (row.missing !== undefined) return;
  await action().catch((error) => {
    if (!(error instanceof ProgramError)) throw error;
    row.missing = error.message;
  });
}

await runBench({
  name: "bench:peers",
  flags: FLAGS,
  async run({ flags: { work = WORK, only = NAMES, quick, check, rounds: most = quick ? 1 : 5, install }, json }) {
    const rounds = check ? 0 : most;
    const folder = resolve(work);
    const options = { folder, env: { TORCHINDUCTOR_CACHE_DIR: join(folder, "inductor") } };
    const rivals = RIVALS.filter(({ name }) => only.includes(name));
    const missing = await setUp(folder, new Set(rivals.flatMap(({ needs }) => needs ?? [])), install);
    const rows = rivals.flatMap(({ name, label, needs, command, tasks, ours: forms = ["exact", "fast"] }) =>
      Object.entries(tasks).map(([task, batch]): Row => ({
        ...{ rival: name, label, task: task as Row["task"], batch, missing: needs && missing.get(needs), theirs: [] },
        command: needs === undefined ? ours("exact") : inFolder(folder, command),
        ours: Object.fromEntries(forms.map((form) => [form, []])),
      }))
    );
    for (const row of rows) {
      await attempt(row, async () => {
        row.check = await compare(await resultOf<Computed>([...row.command, "check", "golden.bin"], options));
      });
      console.error(`${row.rival}, ${row.task}: ${row.check?.text ?? `missing: ${row.missing}`}`);
    }
    const timing = quick ? ["0.05", "1"] : ["0.4", "3"];
    for (const row of rounds === 0 ? [] : rows) {
      const side = (command: string[]) => async (): Promise<Rate> => {
        const args = [row.task, "golden.bin", String(row.batch), ...timing];
        const { cpu, wall } = await resultOf<Rates>([...command, ...args], options);
        return { cpu: median(cpu), wall: median(wall) };
      };
      await attempt(row, async () => {
        const forms = Object.keys(row.ours);
        const [theirs, ...rates] = await inTurns(rounds, [row.command, ...forms.map(ours)].map(side));
        row.theirs = theirs;
        row.ours = Object.fromEntries(forms.map((form, i) => [form, rates[i]]));
      });
      console.error(`${row.rival}, ${row.task}: ${row.missing ?? "timed"}`);
    }
    console.log(json ? JSON.stringify({ machine: machineLine(), rounds, rows }) : toMarkdown(rows, rounds));
    return rows.some(({ check }) => check?.same === false) ? 1 : 0;
  },
});
