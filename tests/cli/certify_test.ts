import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { encodeCheckpoint } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { initialParameters } from "../../src/model/initialization.ts";
import { variantOf } from "../../src/model/variant.ts";
import { fromBase64 } from "../../src/common/encoding.ts";
import { SHIPPED_763 } from "../../src/weights/shipped_763.ts";
import { assertRefused, goldenCheckpoint, temporaryFolder, tinyAdder } from "./tiny_adder.ts";

const BESIDE = fromFileUrl(new URL("../../src/weights/shipped_763.certificate.json", import.meta.url));

Deno.test("certify proves the shipped weights right, and writes the proof", async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, "proof.json");
  const { code, stdout } = await tinyAdder(["certify", "--out", out, "--seconds", "300", "--json"], folder.allow);
  const { verdict, certified, inputs, worstMargin, seconds, counterexample, steps, checkpoint, certificate } = JSON
    .parse(
      stdout,
    );
  assertEquals({ code, verdict, certified, inputs, counterexample, checkpoint, certificate }, {
    ...{ code: 0, verdict: "certified", certified: true, inputs: "100000000000000000000", counterexample: null },
    ...{ checkpoint: "shipped", certificate: out },
  });
  assert(worstMargin >= 1 && seconds > 0 && steps.length === 12);
  const file = JSON.parse(await Deno.readTextFile(out));
  assertEquals([file.format, file.version, file.worstMargin], ["tiny-adder certificate", 3, worstMargin]);
});

Deno.test("certify needs no permission, and says which sum is wrong", async () => {
  const { code, stdout } = await tinyAdder(["certify", "--from", goldenCheckpoint("w0")], [
    `--allow-read=${goldenCheckpoint("w0")}`,
  ]);
  assertEquals(code, 1);
  assertMatch(stdout, /^not right: \d+ \+ \d+ = (\d+|no number) {2}✗ {2}\d+ is right \([\d.]+ s, 1 thread\)\n/);
});

Deno.test("certify --json gives the pair that is added wrongly", async () => {
  const from = goldenCheckpoint("x0");
  const { code, stdout } = await tinyAdder(["certify", "--from", from, "--json"], [`--allow-read=${from}`]);
  const { certified, worstMargin, counterexample: { a, b, expected, got }, model, certificate } = JSON.parse(stdout);
  assertEquals([code, certified, worstMargin, model, certificate], [1, false, null, 777, null]);
  assertEquals(a + b, expected);
  assert(got !== expected);
});

Deno.test("check refuses a certificate of other weights, and one that is none", async () => {
  await using folder = await temporaryFolder();
  const from = goldenCheckpoint("w0");
  const allow = [`--allow-read=${BESIDE},${from},${folder.path}`];
  const other = await tinyAdder(["check", "--certificate", BESIDE, "--from", from], allow);
  assertEquals([other.code, other.stdout], [1, "refused: it is about other weights\n"]);
  const file = join(folder.path, "broken.json");
  await Deno.writeTextFile(file, '{"format":');
  const broken = await tinyAdder(["check", "--certificate", file, "--json"], allow);
  assertEquals(broken.code, 1);
  assertEquals(JSON.parse(broken.stdout).accepted, false);
});

Deno.test("check without a file that there is, is bad usage", async () => {
  const missing = await tinyAdder(["check", "--certificate", "no.json"], ["--allow-read=no.json"]);
  assertEquals(missing.code, 2);
  assertStringIncludes(missing.stderr, "Cannot read no.json: there is no such file");
  assertEquals((await tinyAdder(["check"])).code, 2);
});

Deno.test("train ends by certifying, and says which sum is wrong", async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, "run");
  const { code, stdout } = await tinyAdder(["train", "--steps", "20", "--out", out, "--json"], folder.allow);
  const { certified, worstMargin, counterexample: { a, b } } = JSON.parse(stdout);
  assertEquals([code, certified, worstMargin, typeof a, typeof b], [0, false, null, "number", "number"]);
});

Deno.test("certify --series says what is proved of each checkpoint, in the order of their steps", async () => {
  await using folder = await temporaryFolder();
  const steps = join(folder.path, "steps");
  await Deno.mkdir(steps);
  const untrained = { model: 763, parameters: initialParameters(variantOf(763), 1), metadata: {} } as const;
  await Deno.writeFile(join(steps, "0.safetensors"), encodeCheckpoint(untrained));
  await Deno.writeFile(join(steps, "1000.safetensors"), fromBase64(SHIPPED_763));
  await Deno.copyFile(goldenCheckpoint("w1"), join(steps, "512.safetensors"));
  await Deno.writeTextFile(join(steps, "notes.txt"), "not a checkpoint");
  const out = join(folder.path, "series.jsonl");
  const proved = await tinyAdder(["certify", "--series", steps, "--out", out, "--json"], folder.allow);
  assertEquals(proved.code, 0, proved.stderr);
  const { series } = JSON.parse(proved.stdout);
  const lines = (await Deno.readTextFile(out)).trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines, series);
  assertEquals(lines.map(({ step }) => step), [0, 512, 1000]);
  const [none, some, all] = lines;
  assertEquals([all.verdict, all.proved, all.provedSteps.length, all.counterexample], ["certified", 12, 12, null]);
  const certificate = JSON.parse(await Deno.readTextFile(BESIDE));
  assert(all.worstMargin >= certificate.worstMargin - 1e-3 && all.worstMargin < 1.3 * certificate.worstMargin);
  for (const { proved, provedSteps, worstMargin, margins, counterexample, verdict } of [none, some]) {
    assertEquals([verdict, proved < 12, provedSteps.length, margins.length], ["counterexample", true, proved, 12]);
    assertEquals(worstMargin, Math.min(...margins));
    assert(worstMargin < 0 && counterexample.got !== counterexample.a + counterexample.b);
    for (const step of provedSteps) assert(margins[step] > 0);
  }
  const svg = join(folder.path, "series.svg");
  const drawn = await tinyAdder(["certify", "--series", out, "--out", svg], folder.allow);
  assertEquals([drawn.code, drawn.stdout], [0, ""]);
  assertMatch(
    await Deno.readTextFile(svg),
    /^<svg [^]*proved right for all inputs[^]*>digit 10, 1k: 1.000<[^]*<\/svg>\n$/,
  );
});

Deno.test("certify --series refuses a folder without checkpoints, and a file of other lines", async () => {
  await using folder = await temporaryFolder();
  await assertRefused(["certify", "--series", folder.path], ["must hold files such as", "it holds none"], folder.allow);
  const file = join(folder.path, "log.jsonl");
  await Deno.writeTextFile(file, '{"event":"step"}\n');
  await assertRefused(
    ["certify", "--series", file],
    ["line 1 must be that of a series", "step, provedSteps"],
    folder.allow,
  );
  await assertRefused(
    ["certify", "--series", folder.path, "--from", file],
    ["--from or --series", "found both"],
    folder.allow,
  );
});
