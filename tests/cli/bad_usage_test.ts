import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { goldenCheckpoint, temporaryFolder, tinyAdder } from "./tiny_adder.ts";

const OPERAND = "must be a whole number from 0 to 9999999999: current value is";
const SEED = "Cannot use --seed as it must be a whole number from 0 to 4294967295: current value is";

/** Requests that cannot be right, and the one line that each gets. */
const BAD_USAGE: readonly (readonly [args: readonly string[], message: string])[] = [
  [["add"], "Cannot add as there must be two operands: found none"],
  [["add", "42"], "Cannot add as there must be two operands: found 1 (42)"],
  [["42"], "Cannot add as there must be two operands: found 1 (42)"],
  [["add", "1", "2", "3"], "Cannot add as there must be two operands: found 3 (1, 2, 3)"],
  [["add", "42", "x"], `Cannot add 42 and x as b ${OPERAND} x`],
  [["add", "-1", "5"], `Cannot add -1 and 5 as a ${OPERAND} -1`],
  [["-1", "5"], `Cannot add -1 and 5 as a ${OPERAND} -1`],
  [["add", "--", "5", "-1"], `Cannot add 5 and -1 as b ${OPERAND} -1`],
  [["+1", "5"], `Cannot add +1 and 5 as a ${OPERAND} +1`],
  [["1.5", "2"], `Cannot add 1.5 and 2 as a ${OPERAND} 1.5`],
  [["2", ".5"], `Cannot add 2 and .5 as b ${OPERAND} .5`],
  [["10000000000", "1"], `Cannot add 10000000000 and 1 as a ${OPERAND} 10000000000`],
  [["1e3", "1"], `Cannot add 1e3 and 1 as a ${OPERAND} 1e3`],
  [[" 0x10", "1"], `Cannot add " 0x10" and 1 as a ${OPERAND} " 0x10"`],
  [["add", "", "1"], `Cannot add "" and 1 as a ${OPERAND} ""`],
  [["add", "42\n", "1"], `Cannot add "42\\n" and 1 as a ${OPERAND} "42\\n"`],
  [["add", "٤٢", "1"], `Cannot add ٤٢ and 1 as a ${OPERAND} ٤٢`],
  [["42", "7", "--form", "x"], "Cannot run add as it has no flag --form: did you mean --from?"],
  [
    ["42", "7", "--frobnicate"],
    "Cannot run add as it has no flag --frobnicate: its flags are --from, --json, --debug, --help",
  ],
  [["42", "7", "-x"], "Cannot run add as it has no flag -x: its flags are --from, --json, --debug, --help"],
  [["42", "7", "--json", "--json"], "Cannot run add as --json must be given once: it is repeated"],
  [["42", "7", "--json=yes"], "Cannot run add as --json takes no value: current value is yes"],
  [["42", "7", "--from"], "Cannot run add as --from needs a value: write --from CKPT"],
  [
    ["trian"],
    "Cannot run tiny-adder as the command must be one of add, train, continue, eval, verify, certify, sweep, log, lab, check, inspect, export, import, completions: current value is trian, did you mean train?",
  ],
  [
    ["help", "me"],
    "Cannot run tiny-adder as the command must be one of add, train, continue, eval, verify, certify, sweep, log, lab, check, inspect, export, import, completions: current value is me",
  ],
  [["train", "--resume"], "Cannot resume a run as --out is missing: add --out DIR, the folder of the run"],
  [["add", "42", "+", "x"], `Cannot add 42 and x as b ${OPERAND} x`],
  [["42", "+"], `Cannot add 42 and + as b ${OPERAND} +`],
  [["train", "--out"], "Cannot run train as --out needs a value: write --out DIR"],
  [["train", "--out="], "Cannot run train as --out needs a value: write --out DIR"],
  [["train", "--out", "--json"], "Cannot run train as --out needs a value: write --out DIR"],
  [["train", "--out", "-"], "Cannot train as --out must be a folder: current value is -"],
  [
    ["sweep", "--out", "-"],
    "Cannot run sweep as --out must be a file, which is read to resume: current value is -",
  ],
  [
    ["eval", "--from", "-", "--cases", "-"],
    "Cannot run eval as standard input is read once: found --from - and --cases -",
  ],
  [
    ["export", "--to", "-", "--json"],
    "Cannot run export as standard output is written once: found --to - and --json",
  ],
  [["train", "--out", "x", "now"], "Cannot run train as it takes flags alone: found now"],
  [["train", "--seed", "-1", "--out", "x"], `${SEED} -1`],
  [["train", "--seed=-1", "--out", "x"], `${SEED} -1`],
  [["train", "--seed", "4294967296", "--out", "x"], `${SEED} 4294967296`],
  [
    ["train", "--seed", "1", "--seed", "2", "--out", "x"],
    "Cannot run train as --seed must be given once: current values are 1, 2",
  ],
  [
    ["train", "--steps", "1.5", "--out", "x"],
    "Cannot use --steps as it must be a whole number from 1 to 1000000000: current value is 1.5",
  ],
  [
    ["train", "--recipe", "fats", "--out", "x"],
    "Cannot use --recipe as it must be one of fast, sure, paper: current value is fats, did you mean fast?",
  ],
  [
    ["train", "--backend", "cuda", "--out", "x"],
    "Cannot use --backend as it must be one of auto, wasm, webgpu, reference: current value is cuda",
  ],
  [
    ["train", "--model", "1000", "--out", "x"],
    "Cannot use --model as it must be one of 763, 777: current value is 1000",
  ],
  [
    ["train", "--arithmetic", "exakt", "--out", "x"],
    "Cannot use --arithmetic as it must be one of exact, fast: current value is exakt, did you mean exact?",
  ],
  [
    ["train", "--threads", "65", "--out", "x"],
    "Cannot use --threads as it must be a whole number from 1 to 64: current value is 65",
  ],
  [["train", "--no-certify=1", "--out", "x"], "Cannot run train as --no-certify takes no value: current value is 1"],
  [
    ["train", "--no-certfy", "--out", "x"],
    "Cannot run train as it has no flag --no-certfy: did you mean --no-certify?",
  ],
  [
    ["train", "--out", "x", "--resume", "--attempts", "3"],
    "Cannot run train as --attempts belongs to a new run: found --resume",
  ],
  [["continue", "--out", "x"], "Cannot run continue as there must be a checkpoint to start from: add --from CKPT"],
  [
    ["continue", "--out", "x", "--from", "y", "--model", "763"],
    "Cannot run continue as it has no flag --model: its flags are --from, --out, --resume, --overwrite, --recipe, --seed, --steps, --eval-every, " +
    "--save-every, --no-certify, --harden, --backend, --threads, --arithmetic, --json, --debug, --help",
  ],
  [["inspect", "--out", "x.png"], "Cannot run inspect as --out must end in .svg: current value is x.png"],
  [
    ["eval", "--random", "10", "--hard", "10"],
    "Cannot run eval as it asks one kind of problem at a time: found --random and --hard",
  ],
  [
    ["eval", "--cases", "x.csv", "--seed", "1"],
    "Cannot run eval as --seed belongs to --random and --hard: found --cases",
  ],
  [
    ["eval", "--random", "0"],
    "Cannot use --random as it must be a whole number from 1 to 100000000: current value is 0",
  ],
  [
    ["eval", "--random", "many"],
    "Cannot use --random as it must be a whole number from 1 to 100000000: current value is many",
  ],
];

for (const [args, message] of BAD_USAGE) {
  Deno.test(`tiny-adder ${JSON.stringify(args)} says what is wrong`, async () => {
    assertEquals(await tinyAdder(args), { code: 2, stdout: "", stderr: `${message}\n` });
  });
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
