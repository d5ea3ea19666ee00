import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { RECIPES } from "../../src/training/recipes.ts";
import { assertRefused, goldenCheckpoint, temporaryFolder, tinyAdder } from "./tiny_adder.ts";

/** Requests that cannot be right: what the line must name before its colon, and what it must name as found or as right after it. */
const BAD_USAGE: readonly (readonly [args: readonly string[], asked: string, found: string])[] = [
  [["add"], "add", "none"],
  [["add", "42"], "add", "1 (42)"],
  [["42"], "add", "1 (42)"],
  [["add", "1", "2", "3"], "add", "3 (1, 2, 3)"],
  [["add", "42", "x"], "add 42 and x as b", "x"],
  [["add", "-1", "5"], "add -1 and 5 as a", "-1"],
  [["-1", "5"], "add -1 and 5 as a", "-1"],
  [["add", "--", "5", "-1"], "add 5 and -1 as b", "-1"],
  [["+1", "5"], "add +1 and 5 as a", "+1"],
  [["1.5", "2"], "add 1.5 and 2 as a", "1.5"],
  [["2", ".5"], "add 2 and .5 as b", ".5"],
  [["10000000000", "1"], "from 0 to 9999999999", "10000000000"],
  [["1e3", "1"], "add 1e3 and 1 as a", "1e3"],
  [[" 0x10", "1"], 'add " 0x10" and 1 as a', '" 0x10"'],
  [["add", "", "1"], 'add "" and 1 as a', '""'],
  [["add", "42\n", "1"], 'add "42\\n" and 1 as a', '"42\\n"'],
  [["add", "٤٢", "1"], "add ٤٢ and 1 as a", "٤٢"],
  [["add", "42", "+", "x"], "add 42 and x as b", "x"],
  [["42", "+"], "add 42 and + as b", "+"],
  [["42", "7", "--form", "x"], "add as it has no flag --form", "did you mean --from?"],
  [["42", "7", "--frobnicate"], "add as it has no flag --frobnicate", "--from, --json, --debug, --help"],
  [["42", "7", "-x"], "add as it has no flag -x", "--from, --json, --debug, --help"],
  [["42", "7", "--_=1"], "add as it has no flag --_", "--from, --json, --debug, --help"],
  [["42", "7", "--json", "--json"], "add as --json", "repeated"],
  [["42", "7", "--json=yes"], "add as --json", "yes"],
  [["42", "7", "--from"], "add as --from", "--from CKPT"],
  [["trian"], "train", "current value is trian, did you mean train?"],
  [["help", "me"], "train", "me"],
  [["train", "--resume"], "--out", "--out DIR"],
  [["train", "--out"], "train as --out", "--out DIR"],
  [["train", "--out="], "train as --out", "--out DIR"],
  [["train", "--out", "--json"], "train as --out", "--out DIR"],
  [["train", "--out", "-"], "train as --out", "-"],
  [["sweep", "--out", "-"], "sweep as --out", "-"],
  [["eval", "--from", "-", "--cases", "-"], "eval as standard input", "--from - and --cases -"],
  [["export", "--to", "-", "--json"], "export as standard output", "--to - and --json"],
  [["train", "--out", "x", "now"], "train", "now"],
  [["train", "--seed", "-1", "--out", "x"], "--seed as it must be a whole number from 0 to 4294967295", "-1"],
  [["train", "--seed=-1", "--out", "x"], "--seed", "-1"],
  [["train", "--seed", "4294967296", "--out", "x"], "--seed", "4294967296"],
  [["train", "--seed", "1", "--seed", "2", "--out", "x"], "--seed", "1, 2"],
  [["train", "--steps", "1.5", "--out", "x"], "--steps", "1.5"],
  [
    ["train", "--recipe", "fats", "--out", "x"],
    `--recipe as it must be one of ${RECIPES.join(", ")}`,
    "fats, did you mean fast?",
  ],
  [["train", "--backend", "cuda", "--out", "x"], "--backend", "cuda"],
  [["train", "--model", "1000", "--out", "x"], "--model", "1000"],
  [["train", "--arithmetic", "exakt", "--out", "x"], "--arithmetic", "exakt, did you mean exact?"],
  [["train", "--threads", "65", "--out", "x"], "--threads", "65"],
  [["train", "--no-certify=1", "--out", "x"], "train as --no-certify", "1"],
  [["train", "--no-certfy", "--out", "x"], "train as it has no flag --no-certfy", "did you mean --no-certify?"],
  [["train", "--out", "x", "--resume", "--attempts", "3"], "train as --attempts", "--resume"],
  [["continue", "--out", "x"], "continue", "--from CKPT"],
  [["continue", "--out", "x", "--from", "y", "--model", "763"], "continue as it has no flag --model", "--from, --out"],
  [["inspect", "--out", "x.png"], "--out", "x.png"],
  [["import", "--from", "x", "--to", "x.pt"], "--to", "x.pt"],
  [["export", "--to", "x.png"], "--to", "x.png"],
  [["eval", "--random", "10", "--hard", "10"], "eval", "--random and --hard"],
  [["eval", "--cases", "x.csv", "--seed", "1"], "eval as --seed", "--cases"],
  [["eval", "--random", "0"], "--random", "0"],
  [["eval", "--random", "many"], "--random", "many"],
];

for (const [args, ...line] of BAD_USAGE) {
  Deno.test(`tiny-adder ${JSON.stringify(args)} says what is wrong`, () => assertRefused(args, line));
}

Deno.test("tiny-adder without arguments prints its help as an error", async () => {
  const { code, stdout, stderr } = await tinyAdder([]);
  assertEquals([code, stdout], [2, ""]);
  assertMatch(stderr, /Usage: +deno run cli.ts A B/);
});

Deno.test("tiny-adder says which permission is missing", async () => {
  const { code, stdout, stderr } = await tinyAdder(["eval", "--cases", "cases.csv"]);
  assertEquals([code, stdout], [2, ""]);
  assertEquals(
    stderr,
    "Cannot go on as Deno may not read cases.csv: run again with deno run --allow-read=cases.csv cli.ts …\n",
  );
});

/** Files that are no checkpoints, made from one that is. */
const BAD_CHECKPOINTS: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  empty: () => new Uint8Array(),
  truncated: (bytes) => bytes.subarray(0, bytes.length - 100),
  "too long": (bytes) => new Uint8Array([...bytes, 0]),
  "of text": () => new TextEncoder().encode("these are not the weights you are looking for"),
  "with a NaN": (bytes) => {
    const copy = bytes.slice();
    new DataView(copy.buffer).setFloat32(copy.length - 4, NaN, true);
    return copy;
  },
};

for (const [name, damage] of Object.entries(BAD_CHECKPOINTS)) {
  Deno.test(`every command refuses a checkpoint that is ${name}`, async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "bad.safetensors");
    await Deno.writeFile(path, damage(await Deno.readFile(goldenCheckpoint("w0"))));
    for (
      const args of [["42", "7"], ["eval", "--random", "10"], ["verify"], [
        "continue",
        "--out",
        join(folder.path, "run"),
      ]]
    ) {
      const { code, stdout, stderr } = await tinyAdder([...args, "--from", path, "--json"], folder.allow);
      assertEquals([args, code, stdout], [args, 2, ""]);
      assertMatch(stderr, /^Cannot read \S+bad\.safetensors as [^\n]+: [^\n]+\n$/);
    }
  });
}

Deno.test("every command refuses a checkpoint that is missing", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "missing.safetensors");
  for (const args of [["42", "7"], ["eval"], ["verify"], ["continue", "--out", join(folder.path, "run")]]) {
    const { code, stdout, stderr } = await tinyAdder([...args, "--from", path], folder.allow);
    assertEquals([args, code, stdout], [args, 2, ""]);
    assertMatch(stderr, /^Cannot read \S+missing\.safetensors: there is no such file\n$/);
  }
});

Deno.test("eval refuses a case file that is missing or wrong", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "cases.csv");
  const run = () => tinyAdder(["eval", "--cases", path], folder.allow);
  assertEquals((await run()).stderr, `Cannot read ${path}: there is no such file\n`);
  await Deno.writeTextFile(path, "a,b\n1,two\n");
  const { code, stdout, stderr } = await run();
  assertEquals([code, stdout], [2, ""]);
  assertMatch(stderr, /^Cannot read \S+cases\.csv as b in line 2 must be a whole number .*"two"\n$/);
});
