import { assert, assertAlmostEquals, assertEquals, assertGreater, assertLess } from "@std/assert";
import { dot, Hull, lossAxes } from "../../src/certify/hull.ts";
import { randomNumbers } from "./models.ts";

/** What is in six dimensions the corner of a simplex of size 1, or 0. */
const CORNERS = Array.from({ length: 7 }, (_, k) => Float64Array.from({ length: 6 }, (_, i) => Number(i + 1 === k)));
const UNITS = Float64Array.from(CORNERS.slice(1).flatMap((corner) => [...corner]));

/** Asks for the least corners along a hull's directions until a box is settled. */
function excluding(hull: Hull, box: Float64Array): { direction: number[] | undefined; asked: number } {
  for (let asked = 0;; asked++) {
    const direction = hull.excluding(box) ?? hull.towards(box);
    if (direction === undefined || hull.excluding(box) !== undefined) return { direction, asked };
    assertLess(asked, 30);
    const least = CORNERS.reduce((best, own) => dot(direction, 0, own) < dot(direction, 0, best) ? own : best);
    hull.add(direction, dot(direction, 0, least), least);
  }
}

Deno.test("a hull excludes boxes that lie outside of it, and no others", () => {
  const random = randomNumbers(3);
  const hull = new Hull(UNITS);
  const counts = { outside: 0, inside: 0, asked: 0 };
  for (let n = 0; n < 500; n++) {
    const box = Float64Array.from({ length: 12 }, () => 0);
    for (let i = 0; i < 6; i++) {
      const [lo, width] = [0.7 * random() - 0.2, 0.2 * random()];
      box.set([lo, lo + width], 2 * i);
    }
    // a box meets the simplex where its upper corner has no number below 0, and its lower one, from 0 on, no sum above 1
    let [sum, most] = [0, Infinity];
    for (let i = 0; i < 6; i++) {
      sum += Math.max(0, box[2 * i]);
      most = Math.min(most, box[2 * i + 1]);
    }
    if (Math.abs(sum - 1) < 0.01 || Math.abs(most) < 0.01) continue;
    const { direction, asked } = excluding(hull, box);
    assertEquals(direction === undefined, sum < 1 && most > 0, box.join());
    counts.asked += asked;
    counts[direction === undefined ? "inside" : "outside"]++;
    if (direction === undefined) continue;
    const beyond = box.reduce(
      (sum, _, i) => i % 2 ? sum : sum + Math.max(direction[i / 2] * box[i], direction[i / 2] * box[i + 1]),
      0,
    );
    for (const corner of CORNERS) assertGreater(dot(direction, 0, corner), beyond);
  }
  assertGreater(counts.outside, 100);
  assertGreater(counts.inside, 10);
  assertLess(counts.asked, 200); // most are settled by what was found for others
});

Deno.test("axes are perpendicular, the longest loss first, also where losses are huge, parallel or none", () => {
  const random = randomNumbers(5);
  const vector = (size: number) => Float64Array.from({ length: 6 }, () => size * (random() - 0.5));
  const long = vector(1e16);
  const parallel = [long, long.map((value) => -2 * value)];
  for (
    const losses of [[], [new Float64Array(6)], [vector(1), vector(1e-9)], parallel, [
      ...parallel,
      vector(1),
      vector(1e9),
    ]]
  ) {
    const axes = lossAxes(losses);
    for (let i = 0; i < 36; i++) {
      const row = Float64Array.from(axes[i % 6]);
      assertAlmostEquals(dot(axes[Math.floor(i / 6)], 0, row), Number(i % 6 === Math.floor(i / 6)), 5e-12);
    }
    if (losses.length < 2) continue;
    const longest = losses.reduce((most, own) => dot(own, 0, own) > dot(most, 0, most) ? own : most);
    assert(Math.abs(dot(axes[0], 0, longest)) > 0.999999 * Math.sqrt(dot(longest, 0, longest)));
  }
});
