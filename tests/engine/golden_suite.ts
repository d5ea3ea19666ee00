/**
 * An engine against PyTorch, on every golden set.
 *
 * @module
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { Engine } from "../../src/engine/interface/types.ts";
import { variantOf } from "../../src/model/variant.ts";
import { QUERIES, readSum } from "../../src/model/vocabulary.ts";
import {
  assertClose,
  assertTensorsClose,
  type GoldenBatch,
  type GoldenSet,
  goldenSets,
  LOGITS_PER_PROBLEM,
} from "../golden.ts";
import type { EngineUnderTest } from "./engines.ts";

async function withEngine(
  { create }: EngineUnderTest,
  golden: GoldenSet,
  use: (engine: Engine) => Promise<void>,
): Promise<void> {
  const engine = await create(golden.model);
  try {
    engine.setParameters(golden.weights);
    await use(engine);
  } finally {
    await engine.dispose();
  }
}

/** The decoded rows that must be equal: all but those on whose way two logits were closer than the engine's error. */
function decidedRows({ minMargin }: NonNullable<GoldenBatch["greedy"]>, margin: number): number[] {
  const rows = minMargin.flatMap((value, row) => value >= margin ? [row] : []);
  assert(minMargin.length - rows.length <= minMargin.length / 4, `too few rows are decided: ${rows.length}`);
  return rows;
}

const GOLDEN_SETS = await goldenSets();

/** Registers the tests of an engine; ignored where the engine is missing, and `note` says so. */
export function testOnGoldenSets(underTest: EngineUnderTest, { ignore = false, note = "" } = {}): void {
  const test = (name: string, fn: () => Promise<void>) => Deno.test({ name: name + note, ignore, fn });
  const { tolerances } = underTest;
  for (const golden of GOLDEN_SETS) {
    const variant = variantOf(golden.model);
    const steps = golden.untrained ? tolerances.untrainedSteps : tolerances.steps;

    test(`parameters() on ${underTest.name} gives the weights of ${golden.name} back`, () =>
      withEngine(underTest, golden, (engine) => {
        assertEquals(engine.parameters(), golden.weights);
        return Promise.resolve();
      }));

    for (const batch of golden.batches) {
      const where = `on ${underTest.name} equals PyTorch on ${golden.name}, batch ${batch.size}`;
      const { operands, float64: expected } = batch;

      test(`lossAndGradient() ${where}`, () =>
        withEngine(underTest, golden, async (engine) => {
          const { loss, gradient } = await engine.lossAndGradient(operands);
          assertAlmostEquals(loss, expected.loss, tolerances.loss);
          assertTensorsClose(gradient, expected.gradient, variant, { relative: tolerances.gradient, of: "gradient" });
        }));

      test(`logits() ${where}`, () =>
        withEngine(underTest, golden, async (engine) => {
          const logits = await engine.logits(operands);
          assertEquals(logits.length, batch.size * LOGITS_PER_PROBLEM);
          const recorded = logits.subarray(0, expected.logits!.length);
          assertClose(recorded, expected.logits!, { absolute: tolerances.logits, of: "logits" });
        }));

      test(`trainStep() ten times ${where}`, () =>
        withEngine(underTest, golden, async (engine) => {
          for (let step = 1; step <= 10; step++) {
            const { loss, gradientNorm } = await engine.trainStep(operands, golden.hyperparameters);
            const expectedNorm = expected.gradientNorms[step - 1];
            assertAlmostEquals(loss, expected.lossSteps[step - 1], steps, `loss of step ${step}`);
            assertAlmostEquals(gradientNorm, expectedNorm, steps * Math.max(1, expectedNorm), `norm of step ${step}`);
            const after = expected.parametersAfter.get(step);
            if (after === undefined) continue;
            assertTensorsClose(engine.parameters(), after, variant, { absolute: steps, of: `after step ${step}` });
          }
          assertEquals(engine.optimizerState().step, 10);
        }));

      const { greedy } = batch;
      if (greedy === undefined) continue;

      test(`decode() ${where}`, () =>
        withEngine(underTest, golden, async (engine) => {
          const tokens = await engine.decode(operands);
          assertEquals(tokens.length, batch.size * QUERIES);
          for (const row of decidedRows(greedy, tolerances.decodeMargin)) {
            const [from, to] = [row * QUERIES, (row + 1) * QUERIES];
            assertEquals([...tokens.subarray(from, to)], [...greedy.tokens.subarray(from, to)], `row ${row}`);
          }
        }));

      test(`predict() ${where}`, () =>
        withEngine(underTest, golden, async (engine) => {
          const sums = await engine.predict(operands);
          assertEquals(sums.length, batch.size);
          for (const row of decidedRows(greedy, tolerances.decodeMargin)) {
            const sum = readSum(greedy.tokens, row * QUERIES);
            assertEquals(sums[row], Number.isNaN(sum) ? null : BigInt(sum), `row ${row}`);
          }
        }));
    }
  }
}
