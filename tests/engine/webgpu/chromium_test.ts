/** The same code in a page: WebGPU of headless Chromium, whose adapter is SwiftShader, against PyTorch on every golden set. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { createEngine } from "../../../src/engine/mod.ts";
import { adderBoardCases } from "../../../src/evaluation/adderboard.ts";
import { variantOf } from "../../../src/model/variant.ts";
import { QUERIES } from "../../../src/model/vocabulary.ts";
import { sha256 } from "../../../src/common/encoding.ts";
import { shippedCheckpoint } from "../../../src/weights/mod.ts";
import { FLOAT32_TOLERANCES } from "../engines.ts";
import { assertClose, assertTensorsClose, goldenSets } from "../../golden.ts";
import { evidenceOfChromium, SOFTWARE_WEBGPU } from "../../runtimes/chromium.ts";
import { outputOf, testIn, whyIgnored } from "../../runtimes/program.ts";
import type { Asked, PageEvidence } from "./page.ts";

const GOLDEN_SETS = await goldenSets({ narrow: false });

let evidence: PageEvidence;

if (whyIgnored("chromium") === null) {
  Deno.test.beforeAll(async () => {
    const entry = fromFileUrl(new URL("./page.ts", import.meta.url));
    const bundle = await outputOf(Deno.execPath(), ["bundle", "--quiet", "--platform", "browser", entry]);
    const asked = GOLDEN_SETS.map(({ model, weights, hyperparameters, batches }): Asked => ({
      ...{ model, weights: [...weights], hyperparameters },
      batches: batches.map(({ operands }) => [...operands]),
    }));
    evidence = await evidenceOfChromium<PageEvidence>({
      ...{ bundle, asked, call: ["gpuEvidence"], isolated: false, where: "page" },
      ...{ gpuFlags: SOFTWARE_WEBGPU, timeLimit: 240_000 },
    });
  });
}

function testInPage(name: string, fn: () => Promise<void> | void): void {
  testIn("chromium", name, fn);
}

testInPage("the adapter of headless Chromium is a software one, and the engine says so", () => {
  assertEquals(evidence.adapter.software, true);
  assert(/swiftshader/i.test(evidence.adapter.name), evidence.adapter.name);
});

for (const [set, golden] of GOLDEN_SETS.entries()) {
  for (const [index, batch] of golden.batches.entries()) {
    testInPage(`WebGPU of Chromium equals PyTorch on ${golden.name}, batch ${batch.size}`, () => {
      const { float64: expected, greedy } = batch;
      const answer = evidence.answers[set][index];
      const variant = variantOf(golden.model);
      const tolerances = FLOAT32_TOLERANCES;
      const steps = golden.untrained ? tolerances.untrainedSteps : tolerances.steps;
      assertAlmostEquals(answer.loss, expected.loss, tolerances.loss);
      const gradient = Float64Array.from(answer.gradient);
      assertTensorsClose(gradient, expected.gradient, variant, { relative: tolerances.gradient, of: "gradient" });
      const logits = answer.logits.slice(0, expected.logits!.length);
      assertClose(logits, expected.logits!, { absolute: tolerances.logits, of: "logits" });
      assertClose(answer.losses, expected.lossSteps, { absolute: steps, of: "losses of ten steps" });
      assertClose(answer.gradientNorms, expected.gradientNorms, {
        ...{ absolute: steps, relative: steps, of: "norms of ten steps" },
      });
      const parameters = Float64Array.from(answer.parameters);
      assertTensorsClose(parameters, expected.parametersAfter.get(10)!, variant, {
        absolute: steps,
        of: "after step 10",
      });
      greedy?.minMargin.forEach((margin, row) => {
        if (margin < tolerances.decodeMargin) return;
        const [from, to] = [row * QUERIES, (row + 1) * QUERIES];
        assertEquals(answer.tokens.slice(from, to), [...greedy.tokens.subarray(from, to)], `row ${row}`);
      });
    });
  }
}

testInPage("WebGPU of Chromium decodes the 10,010 AdderBoard cases as WASM does", async () => {
  const engine = await createEngine({ backend: "wasm" });
  engine.setParameters(shippedCheckpoint().parameters);
  assertEquals(evidence.adderBoard, await sha256(new Uint8Array(await engine.decode(adderBoardCases()))));
  await engine.dispose();
});
