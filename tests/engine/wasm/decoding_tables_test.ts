/** Both modules that decode read the same numbers, which is what a proof about both rests on. */
import { assertEquals, assertGreater } from "@std/assert";
import { WASM as ADDER } from "../../../src/engine/wasm/adder_module.ts";
import { type AdderExports, instantiate, writeVector } from "../../../src/engine/wasm/core.ts";
import { WASM as EXACT } from "../../../src/engine/wasm/exact_module.ts";
import { type ModelName, variantOf } from "../../../src/model/variant.ts";
import { shippedCheckpoint } from "../../../src/weights/mod.ts";
import { livelyParameters } from "../lively.ts";

/** The floats of keys, queries and folded matrices, as src/engine/wasm/decoding_tables.ts describes them. */
const SIZES = {
  ...{ keysAt: 33 * 14 * 8, queriesAt: 12 * 14 * 16 },
  ...{ projectionAt: 7 * 8, w1At: 14 * 8, w2At: 14 * 8, outputAt: 14 * 8 },
} as const;

function numbersOf(base64: string, model: ModelName, parameters: Float32Array): Record<string, Float32Array> {
  const core = instantiate<AdderExports>(base64, variantOf(model));
  const { memory, exports } = core;
  writeVector(core, exports.parametersAt, parameters);
  exports.prepareDecoding();
  return Object.fromEntries(
    Object.entries(SIZES).map(([name, size]) => {
      const at = exports[name as keyof typeof SIZES].value;
      return [name, new Float32Array(memory.buffer, at, size).slice()];
    }),
  );
}

for (
  const [name, model, parameters] of [
    ["the shipped weights", 763, shippedCheckpoint().parameters],
    ["lively weights of 777", 777, livelyParameters(777)],
    ["lively weights of 5x10", "5x10", livelyParameters("5x10")],
  ] as const
) {
  Deno.test(`the core and the module that only decodes read the same numbers: ${name}`, () => {
    const core = numbersOf(EXACT, model, parameters);
    assertEquals(numbersOf(ADDER, model, parameters), core);
    for (const values of Object.values(core)) assertGreater(new Set(values).size, 10);
  });
}
