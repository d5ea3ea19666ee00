/** Models of unusual widths in the prover: what it says of weights that do not add. */
import { assert, assertEquals } from "@std/assert";
import { loadAdder } from "../../src/adder/load_adder.ts";
import { certify } from "../../src/certify/certify.ts";
import { livelyParameters } from "../engine/lively.ts";

for (const model of ["2x1", "2x14+norm", "3x1", "7x1", "5x14+norm"] as const) {
  Deno.test(`certify() finds a pair that drawn weights of ${model} add wrongly`, async () => {
    const checkpoint = { model, parameters: livelyParameters(model) };
    const { certified, certificate, counterexample } = await certify(checkpoint, { seconds: 5, threads: 1 });
    assertEquals([certified, certificate], [false, null]);
    assert(counterexample !== null);
    const { a, b, got } = counterexample;
    assertEquals(loadAdder({ ...checkpoint, metadata: {} }).add(a, b), got);
    assert(got !== a + b);
  });
}
