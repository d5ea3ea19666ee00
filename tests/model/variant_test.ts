import { assertEquals, assertThrows } from "@std/assert";
import { MODELS, parameterCount, tensorView, variantOf } from "../../src/model/variant.ts";

for (const model of MODELS) {
  const variant = variantOf(model);

  Deno.test(`variantOf(${model}) has as many parameters as its name says, in one piece`, () => {
    assertEquals(variant.name, model);
    assertEquals(parameterCount(variant), model);
    let offset = 0;
    for (const tensor of variant.tensors) {
      assertEquals(tensor.offset, offset, tensor.name);
      assertEquals(tensor.size, tensor.shape.reduce((product, extent) => product * extent), tensor.name);
      offset += tensor.size;
    }
  });

  Deno.test(`tensorView() of ${model} is a view of the tensor's own part`, () => {
    const values = Float32Array.from({ length: model }, (_, i) => i);
    for (const { name, offset, size } of variant.tensors) {
      const view = tensorView(values, variant, name);
      assertEquals([view.length, view[0], view.at(-1)], [size, offset, offset + size - 1]);
      view.fill(-1);
    }
    assertEquals(values, new Float32Array(model).fill(-1));
  });
}

Deno.test("variantOf() tells the variants apart", () => {
  const [m763, m777] = [variantOf(763), variantOf(777)];
  assertEquals([m763.gelu, m763.layerNormEpsilon, m763.finalNorm], ["erf", 1e-5, false]);
  assertEquals([m777.gelu, m777.layerNormEpsilon, m777.finalNorm], ["tanh", 1e-6, true]);
  assertEquals(m777.tensors.slice(0, m763.tensors.length), m763.tensors);
  assertEquals(m777.tensors.slice(m763.tensors.length).map(({ name }) => name), ["ln_f.weight", "ln_f.bias"]);
});

Deno.test("variantOf() and tensorView() say what there is not", () => {
  assertThrows(
    () => variantOf(764),
    RangeError,
    "Cannot make a model as it must be one of 763, 777: current value is 764",
  );
  assertThrows(
    () => tensorView(new Float32Array(763), variantOf(763), "ln_f.weight"),
    RangeError,
    "Cannot find a tensor as model 763 has none of that name: ln_f.weight",
  );
});
