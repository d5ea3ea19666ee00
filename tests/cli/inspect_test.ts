import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { decodeSafetensors } from "../../src/checkpoint/safetensors/safetensors.ts";
import { encodeActivations, look } from "../../src/inspection/look.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { assertRefused, goldenCheckpoint, temporaryFolder, tinyAdder } from "./tiny_adder.ts";

Deno.test("inspect A B shows each step of a sum, without a permission", async () => {
  const { code, stdout, stderr } = await tinyAdder(["inspect", "95", "7"]);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^95 \+ 7 = 102 {2}✓\n/);
  assertMatch(stdout, /\n {6}0000000095 \+ 0000000007 = 20100000000\n/);
  assertMatch(stdout, /\n {3}0 {2}b0=7 [\d.]+% {3}a0=5 [\d.]+%/); // the ones look at the ones
});

Deno.test("inspect without operands shows the model", async () => {
  const { code, stdout } = await tinyAdder(["inspect"]);
  assertEquals(code, 0);
  assertMatch(stdout, /^Attention of step i in percent, mean of 1000 random sums\n/);
  assertMatch(stdout, /\nToken embeddings, which are also the output weights\n/);
});

Deno.test("inspect --json prints one object, and --out draws", async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, "sum.svg");
  const one = await tinyAdder(["inspect", "95", "7", "--json", "--out", out], [`--allow-write=${out}`]);
  const { a, b, sum, correct, tokens, steps, checkpoint } = JSON.parse(one.stdout);
  assertEquals([one.code, a, b, sum, correct, tokens.length, steps.length, checkpoint], [
    0,
    95,
    7,
    102,
    true,
    33,
    12,
    "shipped",
  ]);
  assertMatch(await Deno.readTextFile(out), /^<svg [^]*<\/svg>\n$/);
  const all = JSON.parse((await tinyAdder(["inspect", "--json"])).stdout);
  assertEquals([all.model, all.sums, all.steps.length, all.tokenEmbedding.length], [763, 1000, 12, 14]);
});

Deno.test("inspect ends with exit code 1 where the model is wrong, and 2 where the request is", async () => {
  const from = goldenCheckpoint("x1");
  const wrong = await tinyAdder(["inspect", "95", "7", "--from", from], [`--allow-read=${from}`]);
  assertEquals(wrong.code, 1);
  assertMatch(wrong.stdout, /^95 \+ 7 = (\d+|no number) {2}✗ {2}102 is right\n/);
  await assertRefused(["inspect", "95"], ["inspect as there must be two operands", "1 (95)"]);
  await assertRefused(["inspect", "1", "2", "--out", "x.svg"], [
    "may not write x.svg",
    "run again with deno run --allow-write=x.svg",
  ]);
});

Deno.test("inspect --cases writes the activations of every case, those that --only names", async () => {
  await using folder = await temporaryFolder();
  const [cases, out] = [join(folder.path, "cases.csv"), join(folder.path, "seen.safetensors")];
  await Deno.writeTextFile(cases, "a,b,sum\n42,7,49\n95,7,102\n");
  const all = await tinyAdder(["inspect", "--cases", cases, "--out", out, "--json"], folder.allow);
  const report = JSON.parse(all.stdout);
  assertEquals([all.code, report.cases, report.correct, report.activations.length], [0, 2, 2, 14]);
  const seen = look(shippedCheckpoint(), [{ a: 42, b: 7 }, { a: 95, b: 7 }]);
  assertEquals(await Deno.readFile(out), encodeActivations(seen));
  const some = await tinyAdder(
    ["inspect", "--cases", cases, "--out", out, "--only", "pattern,logits", "--answer", "written", "--overwrite"],
    folder.allow,
  );
  assertEquals([some.code, some.stdout], [0, "2 of 2 sums are right; activations: pattern, logits\n"]);
  const { tensors } = decodeSafetensors(await Deno.readFile(out));
  assertEquals(tensors.map(({ name, shape }) => [name, shape.join("x")]), [
    ...[["pattern", "2x12x33"], ["logits", "2x12x14"], ["tokens", "2x33"], ["predicted", "2x12"]],
  ]);
  await assertRefused(["inspect", "--cases", cases, "--out", "x.svg"], ["--out as it must be a file", "x.svg"]);
  await assertRefused(["inspect", "--cases", cases], ["inspect as --out is missing", "add --out"]);
  await assertRefused(["inspect", "--only", "patern"], ["--only as it must be one of embedded", "patern"]);
  await assertRefused(["inspect", "--only", "pattern"], ["--only and --answer belong to --cases", "add --cases"]);
});
