import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
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
