/**
 * Mutation testing: puts small faults into `assembly/`, `src/checkpoint/` and `src/checker/`, one at a time, and sees whether the tests notice.
 *
 * ```sh
 * deno task test:mutation --folder assembly --count 200 --seed 1 --out mutation.jsonl   # goes on where it was stopped
 * deno task test:mutation --summarize mutation.jsonl
 * ```
 *
 * It works on a copy of the repository, in a temporary folder.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { fromFileUrl, join } from "@std/path";
import { type Mutant, mutantsOf, mutate } from "./mutants.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const FOLDERS = ["assembly", "src/checkpoint", "src/checker"];
const COPIED = [
  "assembly",
  "build",
  "src",
  "tests",
  "shims",
  "examples",
  "web",
  "mod.ts",
  "cli.ts",
  "deno.json",
];
/** What runs for a fault in a folder, the quickest to notice first. */
const TESTS: Readonly<Record<string, readonly string[][]>> = {
  assembly: [
    ["tests/engine/determinism_test.ts", "tests/engine/golden_test.ts", "tests/adder/adder_test.ts"],
    ["tests/engine", "tests/weights/shipped_test.ts", "tests/fuzz"],
  ],
  "src/checkpoint": [
    ["tests/checkpoint"],
    ["tests/cli/convert_test.ts"],
    ["tests/training/crash_test.ts", "tests/training/resume_test.ts", "tests/cli/add_test.ts"],
  ],
  "src/checker": [
    ["tests/checker/forms_test.ts", "tests/checker/margin_test.ts"],
    ["tests/checker/check_test.ts"],
    ["tests/checker/soundness_test.ts"],
  ],
};
/** A fault that makes a loop endless is noticed by this. */
const MOST_SECONDS = 240;
const MODULES = ["exact", "fast", "adder"].map((name) => `src/engine/wasm/${name}_module.ts`);

/**
 * `killed`: a test failed. `timeout`: the tests came to no end. `unviable`: it does not compile. `same`: it compiles to the same bytes.
 * `survived`: nobody noticed.
 */
type Outcome = "killed" | "timeout" | "unviable" | "same" | "survived";

interface Result extends Mutant {
  outcome: Outcome;
  code: string;
}

const keyOf = ({ file, at, to }: Mutant) => `${file} ${at} ${to}`;

/** The sources below a folder, in order. */
async function sourcesOf(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(join(ROOT, folder)));
  const files = await Promise.all(entries.map(({ name, isDirectory }) => {
    if (isDirectory) return sourcesOf(`${folder}/${name}`);
    // stages.ts is no part of what is shipped: it measures
    return name.endsWith(".ts") && name !== "stages.ts" ? [`${folder}/${name}`] : [];
  }));
  return files.flat().sort();
}

async function allMutants(): Promise<Mutant[]> {
  const files = (await Promise.all(FOLDERS.map(sourcesOf))).flat();
  const found = await Promise.all(
    files.map(async (file) => mutantsOf(file, await Deno.readTextFile(join(ROOT, file)))),
  );
  return found.flat();
}

/** Shuffled by a seed: xorshift32. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const result = [...items];
  let state = seed || 1;
  for (let i = result.length - 1; i > 0; i--) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const j = (state >>> 0) % (i + 1);
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}

async function deno(copy: string, args: string[]): Promise<{ success: boolean; timedOut: boolean }> {
  const process = new Deno.Command("timeout", {
    args: ["--kill-after=5", `${MOST_SECONDS}`, Deno.execPath(), ...args],
    cwd: copy,
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "null",
  });
  const { success, code } = await process.output();
  return { success, timedOut: code === 124 || code === 137 };
}

async function modulesOf(copy: string): Promise<string> {
  const texts = await Promise.all(MODULES.map((path) => Deno.readTextFile(join(copy, path))));
  return texts.map((text) => text.replace(/^\/\/ @generated.*/, "")).join("");
}

const folderOf = ({ file }: Mutant) => FOLDERS.find((name) => file.startsWith(`${name}/`))!;

function test(copy: string, files: readonly string[]): Promise<{ success: boolean; timedOut: boolean }> {
  return deno(copy, [
    "test",
    "--quiet",
    "--config",
    "tests/deno.json",
    "--no-check",
    "--fail-fast",
    "--parallel",
    "-A",
    ...files,
  ]);
}

/** Tests that fail without a fault would notice every one. */
async function assertPassing(copy: string, folders: ReadonlySet<string>): Promise<void> {
  for (const files of [...folders].flatMap((folder) => TESTS[folder])) {
    const { success } = await test(copy, files);
    if (!success) throw new Error(`Cannot judge mutants as ${files.join(", ")} must pass without one: they fail`);
  }
}

async function judge(copy: string, mutant: Mutant): Promise<Outcome> {
  const folder = folderOf(mutant);
  if (folder === "assembly") {
    const before = await modulesOf(ROOT);
    if (!(await deno(copy, ["task", "build"])).success) return "unviable";
    if (await modulesOf(copy) === before) return "same";
  }
  for (const files of TESTS[folder]) {
    const { success, timedOut } = await test(copy, files);
    if (timedOut) return "timeout";
    if (!success) return "killed";
  }
  return "survived";
}

async function results(path: string): Promise<Result[]> {
  const text = await Deno.readTextFile(path).catch(() => "");
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

function summarize(found: readonly Result[]): void {
  for (const folder of FOLDERS) {
    const here = found.filter(({ file }) => file.startsWith(`${folder}/`));
    const count = (...outcomes: Outcome[]) => here.filter(({ outcome }) => outcomes.includes(outcome)).length;
    const [noticed, survived] = [count("killed", "timeout"), count("survived")];
    console.log(
      `${folder}: ${noticed} of ${noticed + survived} mutants noticed (${
        (100 * noticed / (noticed + survived)).toFixed(1)
      }%; ${count("timeout")} by a timeout), ${count("same")} compile to the same bytes, ${
        count("unviable")
      } not at all`,
    );
  }
  for (const { file, line, from, to, code, outcome } of found) {
    if (outcome === "survived") console.log(`${file}:${line}: ${from} became ${to} in: ${code}`);
  }
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, { string: ["folder", "count", "seed", "out", "summarize"] });
  if (flags.summarize !== undefined) {
    summarize(await results(flags.summarize));
    Deno.exit();
  }
  const { folder = "", count = "100", seed = "1", out = "mutation.jsonl" } = flags;
  const mutants = (await allMutants()).filter(({ file }) => file.startsWith(folder));
  const chosen = shuffled(mutants, Number(seed)).slice(0, Number(count));
  const known = new Set((await results(out)).map(keyOf));
  const copy = await Deno.makeTempDir({ prefix: "tiny-adder-mutation-" });
  try {
    const copied = COPIED.map((name) => join(ROOT, name));
    await new Deno.Command("cp", { args: ["-r", ...copied, copy] }).output();
    await assertPassing(copy, new Set(chosen.map(folderOf)));
    for (const mutant of chosen) {
      if (known.has(keyOf(mutant))) continue;
      const source = await Deno.readTextFile(join(ROOT, mutant.file));
      await Deno.writeTextFile(join(copy, mutant.file), mutate(source, mutant));
      const outcome = await judge(copy, mutant);
      await Deno.writeTextFile(join(copy, mutant.file), source);
      const code = source.split("\n")[mutant.line - 1].trim();
      await Deno.writeTextFile(out, `${JSON.stringify({ ...mutant, outcome, code })}\n`, { append: true });
      // the modules of the next one are built anew, but those of a fault in src/checkpoint/ are not
      if (mutant.file.startsWith("assembly/")) {
        for (const path of MODULES) await Deno.copyFile(join(ROOT, path), join(copy, path));
      }
    }
    summarize(await results(out));
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
}
