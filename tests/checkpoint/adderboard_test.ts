/** Our AdderBoard submission, asked what the public verifier asks. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { encodeAdderBoardSubmission } from "../../src/checkpoint/adderboard.ts";
import { createEngine } from "../../src/engine/mod.ts";
import { SHIPPED_MODELS, shippedCheckpoint } from "../../src/weights/mod.ts";
import { temporaryFolder } from "../cli/tiny_adder.ts";
import { adderBoardCases, goldenSet } from "../golden.ts";
import { python } from "../python/python.ts";
import { testIn } from "../runtimes/program.ts";

interface Verdict {
  metadata: { params: number; name: string; author: string; architecture: string; tricks: string[] };
  numel: number;
  asked: [a: number, b: number][];
  wrong: [a: number, b: number, got: number | string][];
}

async function verify(text: string, part: number, parts: number): Promise<Verdict> {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "submission.py");
  await Deno.writeTextFile(file, text);
  return JSON.parse(await python("verify_submission.py", file, String(part), String(parts)));
}

for (const shipped of SHIPPED_MODELS) {
  const name = `the submission of ${shipped} adds all 10,010 AdderBoard cases correctly, with all its parameters`;
  testIn("PyTorch", name, async () => {
    const checkpoint = shippedCheckpoint(shipped);
    const text = encodeAdderBoardSubmission(checkpoint);
    const { length } = checkpoint.parameters;
    const halves = await Promise.all([verify(text, 0, 2), verify(text, 1, 2)]);
    for (const { metadata, numel, wrong } of halves) {
      assertEquals([metadata.params, numel, wrong], [length, length, []]);
      assertEquals(Object.keys(metadata), ["name", "author", "params", "architecture", "tricks"]);
    }
    // the cases are those of the public verifier, as they were recorded
    const cases = await adderBoardCases();
    const asked = cases.map((_, i) => halves[i % 2].asked[Math.floor(i / 2)]);
    assertEquals(asked, cases.map(({ a, b }) => [a, b]));
    assertEquals(halves[0].asked.length + halves[1].asked.length, 10_010);
  });
}

testIn(
  "PyTorch",
  "a submission of other weights gives other answers: the weights add, not the code",
  async () => {
    for (const name of ["x0", "n3"]) {
      const { model, weights } = await goldenSet(name);
      const text = encodeAdderBoardSubmission({ model, parameters: weights, metadata: {} });
      const { metadata, numel, wrong, asked } = await verify(text, 0, 1000);
      assertEquals([metadata.params, numel, asked.length], [weights.length, weights.length, 11]);
      const engine = await createEngine({ model });
      engine.setParameters(weights);
      const sums = await engine.predict(asked.map(([a, b]) => ({ a, b })));
      await engine.dispose();
      assertEquals(wrong.map(([a, b]) => [a, b]), asked.filter(([a, b], i) => sums[i] !== BigInt(a + b)));
      assert(wrong.length > 9);
    }
  },
);
