import { assert, assertEquals } from "@std/assert";
import { WasmAdder } from "../../src/adder/adder.ts";
import { decodeProblems, instantiate, writeVector } from "../../src/engine/wasm/core.ts";
import { WASM } from "../../src/engine/wasm/exact_module.ts";
import { readDecodingNumbers } from "../../src/engine/wasm/read_decoding.ts";
import { variantOf } from "../../src/model/variant.ts";
import { decode, logitsByKeys, logitsByTables } from "./float32.ts";
import { hostileWeights, plainWeights, randomNumbers, randomPair } from "./models.ts";
import { attack } from "./soundness.ts";

const WEIGHTS = [...plainWeights(), ...Array.from({ length: 24 }, (_, i) => hostileWeights(i))];

for (const weights of WEIGHTS) {
  const { name, model, parameters } = weights;
  Deno.test(`the emulation decodes as the modules do: ${name}`, () => {
    const numbers = readDecodingNumbers(model, parameters);
    if (numbers === null) return;
    const random = randomNumbers(5);
    const pairs = Array.from({ length: 12 }, () => randomPair(random));
    const operands = Float64Array.from(pairs.flat());
    const core = instantiate(WASM, variantOf(model));
    writeVector(core, core.exports.parametersAt, parameters);
    core.exports.prepareDecoding();
    assertEquals(
      pairs.flatMap(([a, b]) => decode(numbers, a, b, logitsByTables)),
      [...decodeProblems(core, operands)],
    );
    assertEquals(
      pairs.flatMap(([a, b]) => decode(numbers, a, b, logitsByKeys)),
      [...new WasmAdder(model, parameters).decode(operands)],
    );
  });
}

for (const weights of plainWeights()) {
  Deno.test(`no bound is above the modules' margin: ${weights.name}`, () => {
    const { proved, unsound } = attack(weights, 8, 2);
    assertEquals(unsound, []);
    if (/changed by 2%|shipped weights as 763$/.test(weights.name)) assert(proved > 0, "nothing was proved");
  });
}

Deno.test("no bound is above the modules' margin: hostile weights", () => {
  for (let i = 0; i < 60; i++) assertEquals(attack(hostileWeights(i), 1, i, 0.4).unsound, []);
});
