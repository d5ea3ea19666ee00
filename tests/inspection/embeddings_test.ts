import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { curveSvg, digitPlane, digitPlaneSvg, modelTensors } from "../../src/inspection/mod.ts";
import { tensorView, variantOf } from "../../src/model/variant.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { assertClose, goldenSet } from "../golden.ts";

const dot = (x: ArrayLike<number>, y: ArrayLike<number>) =>
  Array.from(x).reduce((sum, each, i) => sum + each * y[i], 0);

for (const name of ["shipped", "x1", "n1", "n3"]) {
  Deno.test(`digitPlane() finds the two largest directions of the digits' embeddings of ${name}`, async () => {
    const { model, parameters } = name === "shipped"
      ? shippedCheckpoint()
      : await goldenSet(name).then(({ model, weights }) => ({ model, parameters: weights }));
    const variant = variantOf(model);
    const { directions: [x, y], digits, share, point } = digitPlane({ model, parameters });
    assertClose([dot(x, x), dot(y, y), dot(x, y)], [1, 1, 0], { absolute: 1e-12, of: "products of the directions" });
    const table = tensorView(parameters, variant, "tok_emb.weight");
    const rows = Array.from(
      { length: 10 },
      (_, digit) => table.subarray(variant.width * digit, variant.width * (digit + 1)),
    );
    // eigenvectors of the rows' sums of products, and no direction across them has a larger sum of squares
    const product = (v: Float64Array) => v.map((_, i) => rows.reduce((sum, row) => sum + dot(row, v) * row[i], 0));
    const [first, second] = [x, y].map((v) => dot(v, product(v)));
    assertClose(product(x), x.map((value) => first * value), { absolute: 1e-6 * first, of: "first direction" });
    assertClose(product(y), y.map((value) => second * value), { absolute: 1e-6 * first, of: "second direction" });
    const all = rows.reduce((sum, row) => sum + dot(row, row), 0);
    assert(first >= second && second >= (all - first - second) / (variant.width - 1));
    assertAlmostEquals(share, (first + second) / all, 1e-12);
    assertEquals(digits, rows.map(point));
    assert(digits[0][0] <= 0 && digits[0][1] >= 0, `${digits[0]}`);
  });
}

Deno.test("the digits of the shipped weights lie in order on an arc", () => {
  const plane = digitPlane(shippedCheckpoint());
  const angles = plane.digits.map(([x, y]) => Math.atan2(y, x));
  assertEquals(angles.toSorted((a, b) => b - a), angles);
  assertEquals(digitPlaneSvg(plane).match(/<circle/g)?.length, 10);
});

Deno.test("modelTensors() gives names, shapes and offsets that cover the flat vector", () => {
  for (const model of [763, 777, "5x10"] as const) {
    const end = modelTensors(model).reduce((end, { offset, size, shape }) => {
      assertEquals([offset, size], [end, shape.reduce((x, y) => x * y)]);
      return end + size;
    }, 0);
    assertEquals(end, model === "5x10" ? 465 : model);
  }
});

Deno.test("curveSvg() draws the losses of logs", () => {
  const log = [100, 200, 300].map((step) => `{"event":"step","step":${step},"loss":${1 / step}}\n`).join("");
  const svg = curveSvg({ one: log, two: log });
  assertEquals([svg.match(/stroke-width="2"/g)?.length, />one<[^]*>two</.test(svg)], [2, true]);
});
