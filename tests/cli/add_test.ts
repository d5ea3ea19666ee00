import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { join } from "@std/path";
import { goldenCheckpoint, outcome, temporaryFolder, tinyAdder } from "./tiny_adder.ts";

/** Sums that need no permission, and how they are printed. */
const SUMS: readonly (readonly [args: readonly string[], line: string])[] = [
  [["42", "7"], "42 + 7 = 49  ✓"],
  [["add", "42", "7"], "42 + 7 = 49  ✓"],
  [["add", "--", "42", "7"], "42 + 7 = 49  ✓"],
  [["42", "+", "7"], "42 + 7 = 49  ✓"],
  [["42+7"], "42 + 7 = 49  ✓"],
  [["add", "42 + 7"], "42 + 7 = 49  ✓"],
  [["0", "0"], "0 + 0 = 0  ✓"],
  [["000000000000042", "007"], "42 + 7 = 49  ✓"],
  [["9999999999", "1"], "9999999999 + 1 = 10000000000  ✓"],
  [["9999999999", "9999999999"], "9999999999 + 9999999999 = 19999999998  ✓"],
  [["--json", "42", "7"], '{"a":42,"b":7,"sum":49,"correct":true,"checkpoint":"shipped"}'],
  [["42", "7", "--json"], '{"a":42,"b":7,"sum":49,"correct":true,"checkpoint":"shipped"}'],
];

for (const [args, line] of SUMS) {
  Deno.test(`tiny-adder ${args.join(" ")} prints ${line}`, async () => {
    assertEquals(await tinyAdder(args), { code: 0, stdout: `${line}\n`, stderr: "" });
  });
}

Deno.test("add says the right sum where the model is wrong, exit code 1", async () => {
  const from = goldenCheckpoint("w0"); // its weights are random
  const { code, stdout, stderr } = await tinyAdder(["42", "7", "--from", from], [`--allow-read=${from}`]);
  assertEquals([code, stderr], [1, ""]);
  assertMatch(stdout, /^42 \+ 7 = (\d+|no number) {2}✗ {2}49 is right\n$/);
});

Deno.test("--from shipped:MODEL adds with the weights of another shipped model, without a permission", async () => {
  const { code, stdout } = await tinyAdder(["9999999999", "1", "--from", "shipped:5x8", "--json"]);
  const sum = { a: 9999999999, b: 1, sum: 10000000000, correct: true, checkpoint: "shipped:5x8" };
  assertEquals([code, JSON.parse(stdout)], [0, sum]);
  const unknown = await tinyAdder(["42", "7", "--from", "shipped:5x9"]);
  const message = "Cannot use --from as it must be a file, a folder or one of shipped:763, shipped:5x8, shipped:4x4: " +
    "current value is shipped:5x9\n";
  assertEquals([unknown.code, unknown.stdout, unknown.stderr], [2, "", message]);
});

Deno.test("add --json tells what the model said", async () => {
  for (const model of ["w1", "x0"]) {
    const from = goldenCheckpoint(model);
    const { code, stdout } = await tinyAdder(["42", "7", "--from", from, "--json"], [`--allow-read=${from}`]);
    const { sum, ...rest } = JSON.parse(stdout);
    assertEquals([code, rest], [1, { a: 42, b: 7, correct: false, checkpoint: from }]);
    assertNotEquals(sum, 49);
  }
});

Deno.test("add() needs no permission in a script of another folder", async () => {
  await using folder = await temporaryFolder();
  const script = join(folder.path, "script.ts");
  const mod = new URL("../../mod.ts", import.meta.url);
  await Deno.writeTextFile(script, `import { add } from "${mod}"; console.log(add(42, 7), add(42n, 7n));`);
  const args = ["run", "--no-prompt", "--no-check", script];
  const options = { args, cwd: folder.path, env: { NO_COLOR: "1" }, stdout: "piped", stderr: "piped" } as const;
  const result = await outcome(new Deno.Command(Deno.execPath(), options).spawn());
  assertEquals(result, { code: 0, stdout: "49 49n\n", stderr: "" });
});
