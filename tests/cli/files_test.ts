/** Files that commands read and write: standard input and output, and what is there already. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { decodeCheckpoint } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { trainRecipe } from "../../src/training/recipes.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { lineOf } from "../sweep/lines.ts";
import { shortRecipe } from "../training/short_recipe.ts";
import { testIn } from "../runtimes/program.ts";
import { goldenCheckpoint, pipeThrough, temporaryFolder, tinyAdder, typed } from "./tiny_adder.ts";

const W0 = await Deno.readFile(goldenCheckpoint("w0"));
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A text in UTF-16 with its mark, as PowerShell pipes and saves it. */
function utf16(content: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Uint16Array.from(`\uFEFF${content}`, (letter) => letter.charCodeAt(0)).buffer);
}

for (
  const [what, input] of [
    ["plain CSV", "a,b\n1,2\n"],
    ["semicolons behind a byte order mark", "\uFEFFa;b;sum\r\n1;2;3\r\n"],
    ["Excel's line of a separator", "sep=;\r\na;b\r\n1;2\r\n"],
    ["tabs in UTF-16", utf16("a\tb\r\n1\t2\r\n")],
  ] as const
) {
  Deno.test(`eval --cases - reads ${what} without a permission`, async () => {
    const { code, stdout } = await pipeThrough(input, ["eval", "--cases", "-", "--json"]);
    const { total, correct } = JSON.parse(text(stdout));
    assertEquals([code, total, correct], [0, 1, 1]);
  });
}

Deno.test("an error about standard input names it", async () => {
  for (
    const [input, args, message] of [
      ["a,b\n1,x\n", ["eval", "--cases", "-"], "Cannot read standard input as b in line 2 must be"],
      [
        "",
        ["eval", "--cases", "-"],
        "Cannot read standard input as its first line must name the columns a and b: it is",
      ],
      ["PK\u0003\u0004", ["eval", "--cases", "-"], "Cannot read standard input as it must be a CSV file: it is a ZIP"],
      ["", ["42", "7", "--from", "-"], "Cannot read standard input as"],
      ["{", ["sweep", "--recipe", "-", "--out", "x.jsonl"], "Cannot read standard input as it must hold recipes: "],
      ["[]", ["train", "--recipe", "-"], "Cannot read standard input as it must hold recipes: the list is empty"],
      ["1\n", ["sweep", "summarize", "-"], "Cannot read standard input, line 1, as it must be the line of a run"],
    ] as const
  ) {
    const { code, stdout, stderr } = await pipeThrough(input, args);
    assertEquals([code, text(stdout)], [2, ""], stderr);
    assertStringIncludes(stderr, message);
  }
});

Deno.test("every command that takes a checkpoint takes it from standard input", async () => {
  const add = await pipeThrough(W0, ["42", "7", "--from", "-", "--json"]);
  assertEquals([add.code, JSON.parse(text(add.stdout)).checkpoint], [1, "-"]);
  const exported = await pipeThrough(W0, ["export", "--from", "-", "--to", "-"]);
  assertEquals(exported.code, 0, exported.stderr);
  assertEquals(decodeCheckpoint(exported.stdout).parameters, decodeCheckpoint(W0).parameters);
  assertMatch(exported.stderr, /^763 parameters are in - \(safetensors/);
  const more = await pipeThrough(W0, ["continue", "--from", "-", "--steps", "4", "--no-certify", "--json"]);
  assertEquals([more.code, JSON.parse(text(more.stdout)).steps], [0, 4], more.stderr);
  const inspected = await pipeThrough(W0, ["inspect", "1", "2", "--from", "-", "--out", "-"]);
  assertMatch(text(inspected.stdout), /^<svg [^]*<\/svg>\n$/);
  const { code } = await pipeThrough(W0, ["certify", "--from", "-"]);
  assertEquals(code, 1);
});

Deno.test("export --to - takes a format, and import reads it again", async () => {
  await using folder = await temporaryFolder();
  const { stdout, stderr } = await pipeThrough("", ["export", "--to", "-", "--format", "pt"]);
  assertMatch(stderr, /PyTorch state dict/);
  const file = join(folder.path, "adder.pt");
  await Deno.writeFile(file, stdout);
  for (const [from, input] of [[file, ""], ["-", stdout]] as const) {
    const back = await pipeThrough(input, ["import", "--from", from, "--to", "-"], folder.allow);
    assertEquals(back.code, 0, back.stderr);
    assertEquals(decodeCheckpoint(back.stdout).parameters, shippedCheckpoint().parameters);
  }
});

Deno.test("recipes and sweeps are read with a byte order mark, Windows line ends, UTF-16 and blank lines", async () => {
  await using folder = await temporaryFolder();
  const recipe = JSON.stringify({ ...shortRecipe({ name: "mine" }) }, null, 2).replaceAll("\n", "\r\n");
  for (const content of [`\uFEFF${recipe}\r\n\r\n`, utf16(recipe)]) {
    const piped = await pipeThrough(content, ["train", "--recipe", "-", "--steps", "4", "--no-certify", "--json"]);
    assertEquals([piped.code, JSON.parse(text(piped.stdout)).recipe], [0, "mine"], piped.stderr);
  }
  const file = join(folder.path, "runs.jsonl");
  const lines = [0, 1].map((seed) => JSON.stringify(lineOf({ seed }))).join("\r\n");
  for (const content of [`\uFEFF${lines}\r\n\r\n`, utf16(`${lines}\r\n`), lines]) {
    await Deno.writeFile(file, typeof content === "string" ? new TextEncoder().encode(content) : content);
    for (const from of [file, "-"]) {
      const { code, stdout, stderr } = await pipeThrough(content, ["sweep", "summarize", from, "--json"], folder.allow);
      assertEquals([code, JSON.parse(text(stdout))[0].runs ?? JSON.parse(text(stdout))[0].seeds], [0, 2], stderr);
    }
  }
});

Deno.test("train and continue take a recipe from a file, and print commands that may read it", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "mine.json");
  const recipe = shortRecipe({ name: "mine" });
  await Deno.writeTextFile(file, JSON.stringify(recipe));
  const args = ["--recipe", file, "--steps", "4", "--no-certify"];
  const { code, stdout, stderr } = await tinyAdder(["train", ...args], folder.allow);
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /^mine: /);
  assertStringIncludes(stdout, ` run --allow-read=${file},run --allow-write=run `);
  const from = goldenCheckpoint("w0");
  const second = await tinyAdder(["continue", "--from", from, ...args], [`--allow-read=${file},${from}`]);
  assertEquals(second.code, 0, second.stderr);

  await Deno.writeTextFile(file, JSON.stringify([recipe, trainRecipe("fast")]));
  const two = await tinyAdder(["train", ...args], folder.allow);
  assertEquals([two.code, two.stderr], [2, `Cannot train as ${file} must hold one recipe: it holds 2\n`]);
  await Deno.writeTextFile(file, JSON.stringify({ ...recipe, Steps: 1 }));
  const typo = await tinyAdder(["train", ...args], folder.allow);
  assertEquals(typo.code, 2);
  assertStringIncludes(typo.stderr, "recipe 1 has no setting Steps");
});

Deno.test("no command replaces a file unless --overwrite says so", async () => {
  await using folder = await temporaryFolder();
  const runs = join(folder.path, "runs.jsonl");
  await Deno.writeTextFile(runs, `${JSON.stringify(lineOf())}\n`);
  const from = goldenCheckpoint("w0");
  const allow = [`--allow-read=${folder.path},${from}`, `--allow-write=${folder.path}`];
  for (
    const [name, flag, ...args] of [
      ["adder.onnx", "--to", "export"],
      ["w0.safetensors", "--to", "import", "--from", from],
      ["sum.svg", "--out", "inspect", "1", "2"],
      ["plot.svg", "--svg", "sweep", "summarize", runs],
      ["proof.json", "--out", "certify", "--from", from],
    ]
  ) {
    const file = join(folder.path, name);
    await Deno.writeTextFile(file, "hours of work");
    const { code, stdout, stderr } = await tinyAdder([...args, flag, file], allow);
    assertEquals([code, stdout], [2, ""], stderr);
    const message =
      `Cannot write ${file} as it must not replace a file: there is one of 13 bytes. Replace it (--overwrite)`;
    assertStringIncludes(stderr, message);
    assertEquals(await Deno.readTextFile(file), "hours of work");
    if (args[0] === "certify") continue; // no proof comes of it
    const again = await tinyAdder([...args, flag, file, "--overwrite"], allow);
    assertEquals(again.code, 0, again.stderr);
    assertEquals((await Deno.readFile(file)).length > 100, true);
    await Deno.truncate(file); // an empty file, as mktemp makes them, is nobody's work
    assertEquals((await tinyAdder([...args, flag, file], allow)).code, 0);
  }
  const wrong = await tinyAdder(["sweep", "summarize", runs, "--svg", runs], allow);
  assertEquals([wrong.code, (await Deno.readTextFile(runs)).length > 100], [2, true], wrong.stderr);
});

Deno.test("train twice into one folder ends with commands that replace the run, or use another folder", async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, "run");
  const args = ["train", "--steps", "4", "--no-certify", "--out", out];
  const train = (...more: string[]) => tinyAdder([...args, ...more], folder.allow);
  assertEquals((await train()).code, 0);
  const { code, stdout, stderr } = await train();
  assertEquals([code, stdout], [2, ""]);
  const [message, ...lines] = stderr.trimEnd().split("\n");
  assertMatch(
    message,
    /^Cannot start a run in \S+ as the folder must not hold an unfinished one: it holds one at step 4\./,
  );
  assertEquals(lines.map((line) => line.replace(/.* cli\.ts /, "> ").replaceAll(out, "OUT")), [
    "To go on with it:",
    "> train --resume --out OUT",
    "To replace it:",
    "> train --steps 4 --no-certify --overwrite --out OUT",
    "To keep it, and to use another folder:",
    "> train --steps 4 --no-certify --out OUT-2",
  ]);
  assertEquals((await typed(lines[3])).code, 0);
  assertEquals((await typed(lines[5])).code, 0);
});

testIn("Unix", "a special file that Deno guards is refused without a permission that looks narrow", async () => {
  const { code, stdout, stderr } = await tinyAdder(["eval", "--cases", "/dev/stdin"], ["--allow-read"]);
  assertEquals([code, stdout], [2, ""]);
  assertMatch(
    stderr,
    /^Cannot go on as Deno opens \/dev\/stdin with --allow-all alone, which permits everything: .* write - /,
  );
  assertEquals(stderr.includes("--allow-all="), false);
});

Deno.test("a permission that is suggested can be typed, whatever the path", async () => {
  for (const [path, flag] of [["my cases.csv", "'--allow-read=my cases.csv'"], ["a,b.csv", "--allow-read=a,,b.csv"]]) {
    const { stderr } = await tinyAdder(["eval", "--cases", path]);
    assertStringIncludes(stderr, `run again with deno run ${flag} cli.ts …`);
  }
});
