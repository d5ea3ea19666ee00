/** Every example runs by the command in examples/README.md and prints what it should. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { temporaryFolder } from "../cli/tiny_adder.ts";
import { testIn } from "../runtimes/program.ts";
import { commands, EXAMPLES, runExample } from "./commands.ts";

Deno.test("examples/README.md has a command for each example", async () => {
  const files = await Array.fromAsync(
    Deno.readDir(EXAMPLES),
    ({ name, isDirectory }) => isDirectory ? `${name}/` : name,
  );
  const others = ["README.md", "worker_training.ts", "node_modules/"]; // the second is started by worker.ts
  assertEquals([...(await commands()).keys()].sort(), files.filter((name) => !others.includes(name)).sort());
});

Deno.test("examples/add.ts adds numbers and bigints, and prints why it refuses -1", async () => {
  await using folder = await temporaryFolder();
  const [number, bigint, many, refusal, end] = (await runExample("add.ts", folder.path)).split("\n");
  assertEquals([number, bigint, many, end], ["49", "10000000000n", "[ 3, 102 ]", ""]);
  assertMatch(refusal, /^Cannot add -1 and 5 .*-1$/);
});

Deno.test("examples/train.ts reports falling losses and trains a model that adds", async () => {
  await using folder = await temporaryFolder();
  const lines = (await runExample("train.ts", folder.path)).trimEnd().split("\n");
  const sum = lines.pop();
  assertEquals([lines.pop(), sum], ["100% of 100000 pairs that it never saw are added correctly", "95 + 7 = 102"]);
  const losses = lines.map((line) => Number(/^step \d+ of 13000: loss ([\d.]+)$/.exec(line)![1]));
  assert(losses.length >= 10 && losses[0] > 0.5 && losses.at(-1)! < 0.01, String(losses));
});

Deno.test("examples/continue.ts trains on from the file that it saved", async () => {
  await using folder = await temporaryFolder();
  assertEquals((await runExample("continue.ts", folder.path)).trimEnd().split("\n"), [
    "after 6500 steps: 65.253% added correctly",
    "after 8000 more: 100% added correctly",
    "written to run/continued/model.safetensors",
  ]);
  assert((await Deno.stat(`${folder.path}/run/continued/model.safetensors`)).isFile);
});

Deno.test("examples/certify.ts proves its model and has the proof checked", async () => {
  await using folder = await temporaryFolder();
  const [verdict, margin, checked] = (await runExample("certify.ts", folder.path)).split("\n");
  assertEquals(verdict, "verdict: certified");
  assertMatch(margin, /^no input has a margin below \d\.\d\d logits$/);
  assertEquals(checked, "the checker accepts the certificate: true");
});

Deno.test("examples/worker.ts trains while its own thread goes on", async () => {
  await using folder = await temporaryFolder();
  const [result, turns] = (await runExample("worker.ts", folder.path)).split("\n");
  assertEquals(result, "100% added correctly; 95 + 7 = 102");
  assert(Number(/^meanwhile this thread took (\d+) turns$/.exec(turns)![1]) > 10, turns);
});

testIn("PyTorch", "examples/pytorch.py adds with exported weights", async () => {
  await using folder = await temporaryFolder();
  assertEquals(await runExample("pytorch.py", folder.path, "PyTorch"), "763 parameters\n42 + 7 = 49\n");
});

testIn("ONNX Runtime", "examples/onnxruntime_add.py adds with an exported model", async () => {
  await using folder = await temporaryFolder();
  assertEquals(await runExample("onnxruntime_add.py", folder.path, "ONNX Runtime"), "42 + 7 = 49\n");
});
