/** What is proved of the core in `exact` arithmetic holds for `fast` as well, where relaxed_madd fuses: by the numbers that `fast` makes there. */
import { assert, assertEquals } from "@std/assert";
import { searchCounterexamples } from "../../src/certify/counterexample_search.ts";
import { proveAllSteps } from "../../src/certify/prove.ts";
import { createWorkerPool } from "../../src/certify/worker_pool.ts";
import { hasRelaxedSimd } from "../../src/engine/wasm/core.ts";
import { readDecodingNumbers } from "../../src/engine/wasm/read_decoding.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";

/** The least margin that is asked for; of `exact` 4.55 is proved. */
const MARGIN = 4.5;

Deno.test({
  name: "the shipped weights are proved right in fast arithmetic",
  ignore: !hasRelaxedSimd(),
  fn: async () => {
    const checkpoint = shippedCheckpoint();
    const numbers = readDecodingNumbers(checkpoint.model, checkpoint.parameters, "fast")!;
    const pool = await createWorkerPool(1);
    pool.load(numbers);
    const options = { cuts: 10_000, seconds: Infinity };
    const { outcomes } = await proveAllSteps(pool, searchCounterexamples(checkpoint), options, () => {});
    assertEquals(outcomes.length, 12);
    for (const outcome of outcomes) {
      const result = outcome.proof?.result;
      assert(result !== undefined, `a step is not proved: ${JSON.stringify(outcome)}`);
      assert(result.margin > MARGIN, `step ${result.step} has ${result.margin}`);
    }
  },
});
