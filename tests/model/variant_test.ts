import { assertEquals, assertThrows } from "@std/assert";
import { formatValue } from "../../src/common/format_value.ts";
import {
  gather,
  MODELS,
  paddedIndices,
  paddedVariant,
  parameterCount,
  parseModel,
  spread,
  tensorView,
  variantOf,
  variantOfShapes,
} from "../../src/model/variant.ts";
import { goldenSets } from "../golden.ts";

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
  for (const name of [764, "763", "1x8", "8x8", "5x0", "5x15", "05x8", "5x10+", "5x10+norm+norm", ""]) {
    assertThrows(() => variantOf(name), RangeError, `current value is ${formatValue(name)}`);
  }
  assertThrows(
    () => tensorView(new Float32Array(763), variantOf(763), "ln_f.weight"),
    RangeError,
    "Cannot find a tensor as model 763 has none of that name: ln_f.weight",
  );
});

Deno.test("variantOf() makes narrow models of 53 W + 4 W^2 + 2 W H parameters, and 2 W more with a final norm", () => {
  for (let width = 2; width <= 7; width++) {
    for (let hidden = 1; hidden <= 14; hidden++) {
      const plain = variantOf(`${width}x${hidden}`);
      assertEquals(parameterCount(plain), 53 * width + 4 * width ** 2 + 2 * width * hidden);
      assertEquals(parameterCount(variantOf(`${width}x${hidden}+norm`)), parameterCount(plain) + 2 * width);
      assertEquals([plain.width, plain.hidden, plain.finalNorm], [width, hidden, false]);
    }
  }
  assertEquals([variantOf("7x14").name, variantOf("7x14+norm").name, variantOf("6x7+norm").name], [
    763,
    777,
    "6x7+norm",
  ]);
});

Deno.test("parseModel() reads the name of a model", () => {
  const texts = ["763", "777", "7x14", "7x14+norm", "5x10", "6x7+norm", "764", "8x14", "five"];
  assertEquals(texts.map(parseModel), [763, 777, 763, 777, "5x10", "6x7+norm", undefined, undefined, undefined]);
});

for (const { name, model } of await goldenSets()) {
  Deno.test(`variantOfShapes() knows ${model} by the shapes of ${name}`, () => {
    const shapes = new Map(variantOf(model).tensors.map(({ name, shape }) => [name, shape]));
    assertEquals(variantOfShapes((name) => shapes.get(name)).name, model);
  });
}

const counting = (count: number) => Float32Array.from({ length: count }, (_, i) => i + 1);

for (const model of [763, 777, "2x1", "5x10", "6x7+norm"]) {
  const variant = variantOf(model);

  Deno.test(`gather() takes ${model} out of what spread() pads with zeros`, () => {
    const values = counting(parameterCount(variant));
    const padded = spread(values, variant);
    assertEquals(padded.length, parameterCount(paddedVariant(variant)));
    assertEquals(padded.filter((value) => value !== 0).length, values.length);
    assertEquals(gather(padded, variant), values);
  });
}

Deno.test("paddedIndices() of 763 and 777 leaves every parameter where it is", () => {
  for (const model of [763, 777]) {
    assertEquals([...paddedIndices(variantOf(model))], Array.from({ length: model }, (_, i) => i));
  }
});

Deno.test("spread() pads queries, keys and values apart, and rows as well as columns", () => {
  const variant = variantOf("5x10");
  const values = counting(parameterCount(variant));
  const padded = spread(values, variant);
  const view = (name: string) => tensorView(padded, variantOf(763), name);
  const own = (name: string) => tensorView(values, variant, name);
  const row = (
    matrix: Float32Array,
    index: number,
    columns: number,
  ) => [...matrix.subarray(index * columns, (index + 1) * columns)];
  const qkv = "blocks.0.attn.qkv.weight";
  for (const [padded, mine] of [[0, 0], [4, 4], [7, 5], [11, 9], [14, 10], [18, 14]]) {
    assertEquals(row(view(qkv), padded, 7), [...row(own(qkv), mine, 5), 0, 0]);
  }
  for (const empty of [5, 6, 12, 13, 19, 20]) assertEquals(row(view(qkv), empty, 7), Array(7).fill(0));
  const w2 = "blocks.0.ffn.w2.weight";
  assertEquals(row(view(w2), 3, 14), [...row(own(w2), 3, 10), 0, 0, 0, 0]);
  assertEquals(row(view(w2), 5, 14), Array(14).fill(0));
});
