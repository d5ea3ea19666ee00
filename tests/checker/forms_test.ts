/** Each operation of forms and each bound of the attention, against numbers worked out here. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Attention, dot } from "../../src/checker/attention.ts";
import { groupsOf } from "../../src/checker/groups.ts";
import { FLOAT32, FLOAT64, Forms, UNDERFLOW } from "../../src/checker/forms.ts";
import { outputRounding, queryOf } from "../../src/checker/query.ts";
import { KEY_WIDTH, queryTable, ROW } from "../../src/engine/wasm/decoding_tables.ts";
import { readDecodingNumbers } from "../../src/engine/wasm/read_decoding.ts";
import { askingTokens, FIRST_QUERY } from "../../src/model/vocabulary.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { Layers } from "../../src/checker/margin.ts";
import { ALL_STEPS, groupOf, isIn, partsAround, questionOf, randomNumbers, randomPair, rowsOf } from "./models.ts";

const NUMBERS = readDecodingNumbers(763, shippedCheckpoint().parameters)!;
const SIDES = [1, 2, 3, 4, 5, 6];
const ALL_ROWS = Array.from({ length: 340 }, (_, row) => row);
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
  const x = forms.loosen(forms.linear(10, [0, 1], 0.25), 0.5); // 10 + d, |d| <= 2 and 0.75
  const y = forms.curve(x, [7, 13], (x) => 5 - 3 * x, 0, 1); // -25 - 3 d, and one name for 2.25 + 1
  assertEquals(x, [10, 0, 1, 0, 0, 0, 0, 0, 0, 0.75]);
  assertEquals([y[0], y[2], y[8] + 0, y[9]], [-25, -3, 0, 0]);
  assertNear(y[7], 3.25 + FLOAT64 * (3 * 12.75 + 34 + 39), "what is named");
  assertNear(forms.size(x), 12.75, "size");
  assertNear(forms.size(y), 25 + 6 + y[7], "size");
  const sum = forms.sum([2, 0, -1], [x, x, y], 5);
  assertEquals([sum[0], sum[2], sum[7]], [45, 5, -y[7]]);
  assertNear(sum[9], 1.5 + (5 * FLOAT32 + FLOAT64) * (2 * 12.75 + forms.size(y)) + UNDERFLOW, "loose");
  const [lo, hi] = forms.range(sum);
  assertNear(hi, 45 + 10 + y[7] + sum[9], "upper end");
  assertNear(-lo, -45 + 10 + y[7] + sum[9], "lower end");
  assertNear(forms.radius(sum, 7), y[7] + sum[9] + FLOAT64 * forms.size(sum), "radius without w . t");
  const named = forms.curve(y, [-35, -15], (y) => 2 * y, 0, 0);
  assert(named[8] > 0 && named[7] === 2 * y[7], "a second name, and the first kept");
});

Deno.test("a curve is off its line by what its pieces and its second derivative allow", () => {
  const forms = new Forms(SIDES, 3);
  const x = forms.linear(2, [0.5], 0); // 1.5 to 2.5
  const square = forms.curve(x, [1.5, 2.5], (x) => x * x, 2, 0.25);
  // x^2 is 4 x - 3.75 at both ends and 1/4 below in the middle
  assertEquals([square[0], square[1]], [8 - 3.875, 2]);
  assertNear(square[7], 0.125 + 2 / 32 ** 2 / 8 + 0.25 + FLOAT64 * (16.25 + 4 * 2.5), "deviation");
  const flat = forms.curve(x, [2, 2], (x) => x * x, 2, 0);
  assertEquals([flat[0], flat[1], flat[7]], [4, 0, 0]);
  assertNear(flat[8], FLOAT64 * 4, "deviation");
});

Deno.test("products and squares of forms hold every product", () => {
  const random = randomNumbers(3);
  for (let i = 0; i < 200; i++) {
    const forms = new Forms(SIDES, 1);
    forms.curve(forms.linear(0), [0, 0], (x) => x, 0, 0); // now the deviation has its name
    const make = () => {
      const form = forms.linear(4 * random() - 2);
      for (let k = 1; k < form.length; k++) form[k] = random() - 0.5;
      form[form.length - 1] = random() / 10;
      return form;
    };
    const [x, y] = [make(), make()];
    const product = forms.product(x, y);
    const square = forms.square(x);
    const extreme = i % 2 === 0
      ? (side: number) => side * Math.sign(random() - 0.5)
      : (side: number) => side * (2 * random() - 1);
    const o = SIDES.map(extreme);
    const d = extreme(1);
    const at = (form: number[], own: number) =>
      form[0] + o.reduce((sum, value, l) => sum + value * form[1 + l], 0) + d * form[7] + own * form[8];
    const valueX = at(x, extreme(1));
    const exact = valueX * at(y, extreme(1));
    assert(Math.abs(exact - at(product, 0)) <= product[8], `${exact}`);
    assert(Math.abs(valueX ** 2 - at(square, 0)) <= square[8], `${valueX ** 2}`);
    const [halfX, halfY] = [forms.radius(x), forms.radius(y)];
    assertNear(halfX, o.reduce((sum, _, l) => sum + SIDES[l] * Math.abs(x[1 + l]), Math.abs(x[7]) + x[8]), "radius");
    assertNear(product[8], Math.abs(x[0]) * y[8] + Math.abs(y[0]) * x[8] + halfX * halfY, "loose");
    assertNear(square[8], 2 * Math.abs(x[0]) * x[8] + halfX ** 2 / 2, "loose");
  }
});

Deno.test("the rows of a query are the module's, and their differences those of the two ways of decoding", () => {
  for (const [step, token] of [[0, 11], [4, 7], [11, 1]]) {
    const table = queryTable(NUMBERS, step, token);
    const query = queryOf(step, token, table);
    const last = FIRST_QUERY + step;
    // the row of a digit, or of a token that alone can stand there, in the table and in the query
    const places = ALL_ROWS.filter((row) => row < 10 * (last + 1)).flatMap((row) => {
      const [position, digit] = [Math.floor(row / 10), row % 10];
      const isAlone = position === 10 || position === 21 || position === last;
      if (isAlone && digit > 0) return [];
      const only = position === last && step > 0 ? row + token : row;
      return [{ position, from: only, to: only }];
    });
    const scoreAt = (row: number) => dot([...table.query], [...table.keys.subarray(row * ROW, row * ROW + 6)]);
    const largest = places.filter(({ from }) => from !== 100 && from !== 210)
      .reduce((x, y) => scoreAt(y.from) > scoreAt(x.from) ? y : x);
    const weightOf = (row: number) => query.rows[largest.to * ROW + 6] * 2 ** (scoreAt(row) - scoreAt(largest.from));
    const differences = new Float64Array(34 * 7);
    const sizes = new Float64Array(34 * 7);
    for (const { position, from, to } of places) {
      const row = query.rows.subarray(to * ROW, to * ROW + 7);
      assertEquals([...row], [...table.rows.subarray(from * ROW, from * ROW + 7)]);
      if (position === 21) assertEquals([...row], [0, 0, 0, 0, 0, 0, 0]);
      for (let c = 0; c < 7; c++) {
        const parts = [from, ...(from === 100 ? [210] : [])].map((row) =>
          weightOf(row) * (c < 6 ? table.keys[row * ROW + c] : 1)
        );
        const at = 7 * position + c;
        const difference = position === 21 ? 0 : Math.abs(row[c] - parts.reduce((x, y) => x + y));
        differences[at] = Math.max(differences[at], difference);
        sizes[at] = Math.max(sizes[at], Math.abs(row[c]));
        assert(difference < 1e-4 * parts.reduce((x, y) => x + Math.abs(y), 0) + 2 ** -124, "the two ways differ");
      }
    }
    const sum = (values: Float64Array, c: number) =>
      values.reduce((sum, value, i) => i % 7 === c ? sum + value : sum, 0);
    const keySizes = query.keySizes.map((size, l) => {
      const expected = Math.max(...places.map(({ from }) => Math.abs(table.keys[from * ROW + l])));
      assertEquals(size, expected);
      return expected;
    });
    for (let c = 0; c < 7; c++) {
      assertAlmostEquals(query.sizes[c], sum(sizes, c), 1e-12);
      // scores are rounded to float32 there, and here they are not
      assertAlmostEquals(query.differences[c], sum(differences, c), 3e-5 * sum(sizes, c));
      assert(query.differences[c] > 0);
    }
    const share = (2 * (last + 1) + 5) * 2 ** -24 + 2 * (1.94e-7 + 8 * 2 ** -24 + 2 ** -34);
    outputRounding({ ...query, differences: [0, 0, 0, 0, 0, 0, 0] }, 0.5).forEach((rounding, l) => {
      assert(rounding >= keySizes[l] * share && rounding < 1.01 * keySizes[l] * share, "roundings");
    });
    assertEquals(outputRounding({ ...query, differences: [0, 0, 0, 0, 0, 0, 2] }, 1)[0], Infinity, "no weight is left");
    const small = { ...query, keySizes: [0, 0, 0, 0, 0, 0, 0], differences: [0, 0, 0, 0, 0, 0, 0] };
    assert(outputRounding(small, 2 ** -20)[0] > UNDERFLOW * 2 ** 20, "underflow before the division by the weight");
    const differing = { ...query, differences: [0.1, 0, 0, 0, 0, 0, 0.25] };
    const own = outputRounding(differing, 1)[0] - keySizes[0] * share;
    const expected = (0.1 + 0.25 * query.sizes[0]) / 0.75;
    assert(own >= expected && own < 1.02 * expected + keySizes[0] * share, `${own} is not ${expected}`);
  }
});

Deno.test("ranges of the attention hold every input of a part, and are reached", () => {
  const random = randomNumbers(9);
  for (let i = 0; i < 60; i++) {
    const [a, b] = randomPair(random);
    const question = questionOf(a, b, ALL_STEPS[i % ALL_STEPS.length]);
    const parts = partsAround(groupOf(NUMBERS, question), question, random);
    const sums = new Array<number>(7).fill(0);
    for (const row of rowsOf(question)) {
      for (let l = 0; l < 7; l++) sums[l] += parts[0].query.rows[row * ROW + l];
    }
    const o = sums.slice(0, KEY_WIDTH).map((sum) => sum / sums[6]);
    for (const [kind, part] of parts.entries()) {
      const attention = new Attention(part);
      const from = o.map((value, l) => value - attention.center[l]);
      const t = part.axes.map((axis) => dot(axis, from));
      const w = o.map(() => random() - 0.5);
      const [lo, hi] = [attention.least(w), -attention.least(w.map((value) => -value))];
      const along = dot(w, t);
      assert(lo <= along && along <= hi, `part ${kind}: ${along} is not between ${lo} and ${hi}`);
      if (kind === 0) assert(along - lo < 1e-6 && hi - along < 1e-6, `${lo}, ${hi} are not ${along}`);
      for (const rounds of [1, 2, 24]) {
        const [lo, hi] = attention.along(w, rounds);
        assert(lo <= dot(w, o) && dot(w, o) <= hi, "along");
      }
      t.forEach((value, i) => assert(Math.abs(value) <= attention.sides[i], "sides"));
      from.forEach((value, l) => {
        const told = part.axes.reduce((sum, axis, i) => sum + t[i] * axis[l], 0);
        assert(Math.abs(value - told) <= attention.skew, `skew ${attention.skew} is less than ${value - told}`);
      });
      assert(attention.skew < 1e-6, `skew ${attention.skew}`);
      assert(attention.weight[0] <= sums[6] && sums[6] <= attention.weight[1]);
      // without ties the digits written before are free
      if (kind === 0 && question.step < 2) assert(attention.weight[1] - attention.weight[0] < 1e-10);
      assertEquals(attention.isEmpty, false);
    }
  }
});

Deno.test("the least along a direction is that of the worst input, among all of a small part", () => {
  const random = randomNumbers(12);
  for (const step of [0, 1, 3, 10]) {
    const question = questionOf(...randomPair(random), step);
    const group = groupOf(NUMBERS, question);
    const [single] = partsAround(group, question, random);
    // the ones and the highest digit of a are free, as far as the right answer is the same
    const [{ b }] = single.pairs[9];
    const part = {
      ...single,
      pairs: single.pairs.map((own, place) => {
        if (place === 0) return group.pairs[0];
        return place === 9 && step < 9 ? group.pairs[9].filter((pair) => pair.b === b) : own;
      }),
    };
    const w = Array.from({ length: 6 }, () => random() - 0.5);
    let least = Infinity;
    for (let ones = 0; ones < 100; ones++) {
      for (let high = 0; high < (step < 9 ? 10 : 1); high++) {
        const tokens = question.tokens.slice();
        [tokens[9], tokens[20]] = [ones % 10, Math.floor(ones / 10)];
        if (step < 9) tokens[0] = high;
        const value = (from: number) => Number(tokens.slice(from, from + 10).join(""));
        const other = questionOf(value(0), value(11), step);
        const asking = FIRST_QUERY + step;
        if (other.target !== question.target || other.tokens[asking] !== question.tokens[asking]) continue;
        const sums = new Array<number>(7).fill(0);
        for (const row of rowsOf(other)) for (let l = 0; l < 7; l++) sums[l] += group.query.rows[row * ROW + l];
        least = Math.min(least, dot(w, sums) / sums[6]);
      }
    }
    const [lo] = new Attention(part).along(w, 40);
    assert(lo <= least && least - lo < 1e-5, `${lo} is not ${least}`);
  }
});

Deno.test("a sum has room for what float32 loses of products that are too small for it", () => {
  const forms = new Forms(SIDES, 0);
  const [lo, hi] = forms.range(forms.sum([2 ** -75], [forms.linear(2 ** -75)], 1));
  assert(lo <= Math.fround(2 ** -150) && hi >= 2 ** -149, `${lo}, ${hi}`);
  assert(forms.radius(forms.sum([1], [forms.linear(2 ** -76)], 1)) >= UNDERFLOW + 2 ** -100, "beside its roundings");
});

Deno.test("a bound of the attention and its rounding grow with the direction", () => {
  const question = questionOf(123, 456, 3);
  const attention = new Attention(groupOf(NUMBERS, question));
  const w = [1, -2, 3, -4, 5, -6];
  // a power of two changes no rounding, and one round takes the same x
  assertEquals(attention.least(w.map((value) => 1024 * value), 1), 1024 * attention.least(w, 1));
});

Deno.test("a cell beyond the inputs is empty", () => {
  const question = questionOf(123, 456, 3);
  const [single] = partsAround(groupOf(NUMBERS, question), question, randomNumbers(1));
  const { center } = new Attention(single);
  for (const side of [-1, 1]) {
    const cell = {
      ...single,
      box: center.map((value) => [value - 0.1 + 0.2 * side, value + 0.1 + 0.2 * side] as const),
    };
    const attention = new Attention(cell);
    attention.least([side, 0, 0, 0, 0, 0]);
    assertEquals(attention.isEmpty, false, "the inputs are on this side of the cell");
    attention.least([-side, 0, 0, 0, 0, 0]);
    assertEquals(attention.isEmpty, true);
  }
  const none = new Attention({ ...single, pairs: single.pairs.with(1, []) });
  assertEquals(none.isEmpty, true);
});

Deno.test("what is infinite or overflows shows nothing to be empty", () => {
  const question = questionOf(123, 456, 3);
  const group = groupOf(NUMBERS, question);
  for (const value of [Infinity, NaN, -Infinity]) {
    for (const w of [[value, 0, 0, 0, 0, 0], [1e308, -1e308, 1e308, 0, 0, 0]]) {
      const attention = new Attention(group);
      attention.least(w);
      assertEquals(attention.isEmpty, false);
    }
    for (const column of [0, 6]) {
      const table = queryTable(NUMBERS, 3, 5);
      for (let row = 0; row < 10; row++) table.rows[row * ROW + column] = value;
      for (const part of groupsOf(queryOf(3, 5, table)).slice(0, 3)) {
        const attention = new Attention(part);
        attention.least([1, 1, 1, 1, 1, 1]);
        assertEquals(attention.isEmpty, false);
        assertEquals(new Layers(NUMBERS).hold(part, 1e-30), false);
      }
    }
  }
});

Deno.test("groups hold every input once, with its right answer", () => {
  const random = randomNumbers(4);
  for (let i = 0; i < 300; i++) {
    const [a, b] = randomPair(random);
    const question = questionOf(a, b, ALL_STEPS[i % ALL_STEPS.length]);
    const own = groupOf(NUMBERS, question);
    assertEquals(own.target, question.target);
    const groups = groupsOf(own.query).filter((part) => isIn(part, question));
    assertEquals(groups.length, 1);
  }
  const counts = ALL_STEPS.map((step) =>
    askingTokens(step).reduce(
      (sum, token) => sum + groupsOf(queryOf(step, token, queryTable(NUMBERS, step, token))).length,
      0,
    )
  );
  assertEquals(counts, [19, 361, 722, 722, 722, 722, 722, 722, 722, 722, 38, 2]);
});
