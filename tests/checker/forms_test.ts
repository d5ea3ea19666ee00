/** Each operation of forms and each bound of the attention, against numbers worked out here. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Attention, dot } from "../../src/checker/attention.ts";
import { boxOf, groupsOf } from "../../src/checker/check.ts";
import { FLOAT32, FLOAT64, Forms, type Reach, UNDERFLOW } from "../../src/checker/forms.ts";
import { outputRounding, queryOf } from "../../src/checker/query.ts";
import { KEY_WIDTH, queryTable, ROW } from "../../src/engine/wasm/decoding_tables.ts";
import { readDecodingNumbers } from "../../src/engine/wasm/read_decoding.ts";
import { FIRST_QUERY } from "../../src/model/vocabulary.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { ALL_STEPS, groupOf, partsAround, questionOf, randomNumbers, randomPair } from "./models.ts";

const NUMBERS = readDecodingNumbers(763, shippedCheckpoint().parameters)!;
const SIDES = [1, 2, 3, 4, 5, 6];
const boxed: Reach = (w) => {
  const most = SIDES.reduce((sum, side, l) => sum + Math.abs(w[l]) * side, 0);
  return [-most, most];
};
/** Within what float64 may change. */
function assertNear(actual: number, expected: number, what: string) {
  assert(
    actual >= expected && actual <= expected + 1e-9 * Math.abs(expected) + 1e-35,
    `${what}: ${actual} is not ${expected}`,
  );
}

Deno.test("what is allowed for rounding is what IEEE 754 needs", () => {
  assert(FLOAT32 >= 2 ** -24 / (1 - 40 * 2 ** -24) && FLOAT32 < 1.0001 * 2 ** -24);
  assert(FLOAT64 >= 4096 * 2 ** -53 && FLOAT64 < 1e-11);
  assert(UNDERFLOW >= 34 * 2 ** -150 * 2 ** 40 && UNDERFLOW < 1e-29);
});

Deno.test("a sum of forms adds what they hold, and the roundings of each term", () => {
  const forms = new Forms(SIDES, 2);
  const x = forms.loosen(forms.coordinate(1, 10, 0.25), 0.5); // 10 + d, |d| <= 2 and 0.75
  const y = forms.named(-3, x, 5, 1); // -25 - 3 d, and one name for 2.25 + 1
  assertEquals(x, [10, 0, 1, 0, 0, 0, 0, 0, 0, 0.75]);
  assertEquals([y[0], y[2], y[8] + 0, y[9]], [-25, -3, 0, 0]);
  assertNear(y[7], 3.25 + FLOAT64 * (3 * 12.75 + 5), "what is named");
  assertNear(forms.size(x), 12.75, "size");
  assertNear(forms.size(y), 25 + 6 + y[7], "size");
  const sum = forms.sum([2, 0, -1], [x, x, y], 5);
  assertEquals([sum[0], sum[2], sum[7]], [45, 5, -y[7]]);
  assertNear(sum[9], 1.5 + (5 * FLOAT32 + FLOAT64) * (2 * 12.75 + forms.size(y)) + UNDERFLOW, "loose");
  const [lo, hi] = forms.range(sum, boxed);
  assertNear(hi, 45 + 10 + y[7] + sum[9], "upper end");
  assertNear(-lo, -45 + 10 + y[7] + sum[9], "lower end");
  const named = forms.named(2, y, 0, 0);
  assert(named[8] > 0 && named[7] === 2 * y[7], "a second name, and the first kept");
});

Deno.test("a product of forms holds every product", () => {
  const random = randomNumbers(3);
  for (let i = 0; i < 200; i++) {
    const forms = new Forms(SIDES, 1);
    const make = () => {
      const form = forms.constant(4 * random() - 2);
      for (let k = 1; k < form.length; k++) form[k] = random() - 0.5;
      form[form.length - 1] = random() / 10;
      return form;
    };
    const [x, y] = [make(), make()];
    const product = forms.product(x, forms.range(x, boxed), y, forms.range(y, boxed));
    const extreme = i % 2 === 0
      ? (side: number) => side * Math.sign(random() - 0.5)
      : (side: number) => side * (2 * random() - 1);
    const o = SIDES.map(extreme);
    const d = extreme(1);
    const at = (form: number[], own: number) =>
      form[0] + o.reduce((sum, value, l) => sum + value * form[1 + l], 0) + d * form[7] + own * form[8];
    const exact = at(x, extreme(1)) * at(y, extreme(1));
    assert(Math.abs(exact - at(product, 0)) <= product[8], `${exact}`);
    const dev = (form: number[]) => forms.range(form, boxed)[1] - form[0];
    assertNear(product[8], Math.abs(x[0]) * y[8] + Math.abs(y[0]) * x[8] + dev(x) * dev(y), "loose");
  }
});

Deno.test("the rows of a query are the module's, and their differences those of the two ways of decoding", () => {
  for (const [step, token] of [[0, 11], [4, 7], [11, 1]]) {
    const table = queryTable(NUMBERS, step, token);
    const query = queryOf(step, token, table);
    const scoreAt = (row: number) => dot(table.query, table.keys.subarray(row * ROW));
    const rows = query.digits.flatMap((own, position) => own.map((digit) => 10 * position + digit));
    const largest = rows.filter((row) => row !== 100 && row !== 210).reduce((x, y) => scoreAt(y) > scoreAt(x) ? y : x);
    let difference = 0;
    for (const [position, own] of query.digits.entries()) {
      assertEquals(own.length, position === 10 || position === 21 || position === 21 + step ? 1 : 10);
      const differences = own.map((digit) => {
        const row = 10 * position + digit;
        assertEquals([...query.rows.subarray(row * ROW, row * ROW + 7)], [
          ...table.rows.subarray(row * ROW, row * ROW + 7),
        ]);
        const weight = query.rows[largest * ROW + 6] * 2 ** (scoreAt(row) - scoreAt(largest));
        const own = query.rows[row * ROW + 7];
        // float32 rounds scores of at most this size
        const most = weight * 3e-5;
        assert(own >= 0 && own < most + 2 ** -124, `${own} is not below ${most}`);
        if (position === 10 || position === 21) {
          assert(own > weight * (2 * Math.LN2 * 2 ** -24 * 128 + 2 * 1.94e-7), "symbols");
        }
        return own;
      });
      difference += Math.max(...differences);
    }
    assertAlmostEquals(query.sizes[7], difference, 1e-15);
    const expected = (2 * (FIRST_QUERY + step + 1) + 5) * 2 ** -24 +
      2 * (difference / 0.5 + 1.94e-7 + 8 * 2 ** -24 + 2 ** -34);
    outputRounding(query, 0.5).forEach((rounding, l) => {
      const size = Math.max(...rows.map((row) => Math.abs(table.keys[row * ROW + l])));
      assert(rounding >= size * expected && rounding < 1.01 * size * expected, `${rounding} of ${size * expected}`);
    });
  }
});

Deno.test("ranges of the attention hold every input of a part, and are reached", () => {
  const random = randomNumbers(9);
  for (let i = 0; i < 60; i++) {
    const [a, b] = randomPair(random);
    const question = questionOf(a, b, ALL_STEPS[i % ALL_STEPS.length]);
    const parts = partsAround(groupOf(NUMBERS, question), question, random);
    const [single] = parts;
    const sums = new Array<number>(7).fill(0);
    for (const [position, [digit]] of single.digits.entries()) {
      for (let l = 0; l < 7; l++) sums[l] += single.query.rows[(10 * position + digit) * ROW + l];
    }
    const o = sums.slice(0, KEY_WIDTH).map((sum) => sum / sums[6]);
    for (const [kind, part] of parts.entries()) {
      const attention = new Attention(part);
      const w = o.map(() => random() - 0.5);
      const along = dot(w, o.map((value, l) => value - attention.center[l]));
      const { boxed, apart, tied, tiedFromBelow } = attention;
      for (const reach of [boxed, apart, tied, tiedFromBelow]) {
        const [lo, hi] = reach(w);
        assert(lo <= along && along <= hi, `part ${kind}: ${along} is not between ${lo} and ${hi}`);
        if (kind === 0) assert(along - lo < 1e-10, `${lo} is not ${along}`);
        if (kind === 0 && reach !== tiedFromBelow) assert(hi - along < 1e-10, `${hi} is not ${along}`);
      }
      assert(tied(w)[0] >= apart(w)[0] - 1e-9 && apart(w)[0] >= boxed(w)[0] - 1e-9, "not in order");
      o.forEach((value, l) => assert(Math.abs(value - attention.center[l]) <= attention.sides[l], "sides"));
      assert(attention.weight[0] <= sums[6] && sums[6] <= attention.weight[1]);
      assertEquals(attention.isEmpty, false);
    }
  }
});

Deno.test("the box of a part holds its inputs", () => {
  const random = randomNumbers(6);
  for (let i = 0; i < 24; i++) {
    const question = questionOf(...randomPair(random), ALL_STEPS[i % ALL_STEPS.length]);
    const [single, , , group, cell] = partsAround(groupOf(NUMBERS, question), question, random);
    const { center } = new Attention(single); // of one input: its own output
    const narrow = boxOf(single, cell.axes);
    boxOf(group, cell.axes).forEach(([lo, hi], axis) => {
      const along = dot(cell.axes[axis], center);
      assert(lo < along && along < hi, `${along} is not between ${lo} and ${hi}`);
      assert(narrow[axis][0] < along && along < narrow[axis][1], `${along} is not between ${narrow[axis]}`);
      assert(narrow[axis][1] - narrow[axis][0] < 3e-9, "too wide");
    });
  }
});

Deno.test("a cell beyond the inputs is empty", () => {
  const question = questionOf(123, 456, 3);
  const [single] = partsAround(groupOf(NUMBERS, question), question, randomNumbers(1));
  const { center } = new Attention(single);
  const axes = ALL_STEPS.slice(0, 6).map((i) => ALL_STEPS.slice(0, 6).map((j) => Number(i === j)));
  for (const side of [-1, 1]) {
    const cell = {
      ...single,
      axes,
      box: center.map((value) => [value - 0.1 + 0.2 * side, value + 0.1 + 0.2 * side] as const),
    };
    const attention = new Attention(cell);
    attention.apart([1, 0, 0, 0, 0, 0]);
    assertEquals(attention.isEmpty, true);
  }
});

Deno.test("groups hold every input once, with its right answer", () => {
  const random = randomNumbers(4);
  for (let i = 0; i < 300; i++) {
    const [a, b] = randomPair(random);
    const question = questionOf(a, b, ALL_STEPS[i % ALL_STEPS.length]);
    const own = groupOf(NUMBERS, question);
    assertEquals(own.target, question.target);
    const groups = groupsOf(own.query).filter((part) =>
      part.ties.every(([a, b, sum]) => question.tokens[a] + question.tokens[b] === sum)
    );
    assertEquals(groups.length, 1);
  }
  const counts = ALL_STEPS.map((step) =>
    (step === 0 ? [11] : step === 11 ? [0, 1] : ALL_STEPS.slice(0, 10))
      .reduce((sum, token) => sum + groupsOf(queryOf(step, token, queryTable(NUMBERS, step, token))).length, 0)
  );
  assertEquals(counts, [19, 361, 722, 722, 722, 722, 722, 722, 722, 722, 38, 2]);
});
