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
    const { outcomes } = await proveAllSteps({
      ...{ pool, search: searchCounterexamples(checkpoint), mostCuts: 10_000, until: Infinity },
      ...{ exhaustive: false, onProgress: () => {} },
    });
    assertEquals(outcomes.length, 12);
    for (const outcome of outcomes) {
      assert(outcome.proved, `a step is not proved: ${JSON.stringify(outcome)}`);
      assert(outcome.result.margin > MARGIN, `step ${outcome.result.step} has ${outcome.result.margin}`);
    }
  },
});
