import { assertEquals } from "@std/assert";
import { gather, paddedIndices, paddedVariant, spread } from "../../src/model/padding.ts";
import { parameterCount, tensorView, variantOf } from "../../src/model/variant.ts";

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
