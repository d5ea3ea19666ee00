/**
 * Measures how a model adds: the tables and plots of docs/how-it-adds.md.
 *
 * ```sh
 * deno task bench:how-it-adds                      # the shipped model; also writes docs/how_it_adds_*.svg
 * deno run --quiet --config bench/deno.json --allow-read=run --allow-env bench/how_it_adds.ts run/model.safetensors
 * ```
 *
 * The reference engine computes everything in float64 on sums of the evaluation stream, so every machine prints the same.
 */
import * as Plot from "@observablehq/plot";
import { cross, mean, range } from "d3-array";
import { readCheckpointFileSync } from "../src/checkpoint/safetensors/checkpoint.ts";
import { digitPlane, digitPlaneSvg, look, type Point, surveyModel, surveySvg } from "../src/inspection/mod.ts";
import { chunksOf } from "../src/model/problem.ts";
import { drawOperands } from "../src/model/sampler.ts";
import { COLOURS } from "../src/svg/svg.ts";
import { shippedCheckpoint } from "../src/weights/mod.ts";
import { table } from "./measure.ts";
import { writePlot } from "./plot_svg.ts";
import { betweenGroups, groupsBy, leastSquares, principal } from "./statistics.ts";

/** Of the monomials in two variables up to degree 5. */
const EXPONENTS = cross(range(6), range(6)).filter(([i, j]: [number, number]) => i + j <= 5) as [number, number][];

const checkpoint = Deno.args.length > 0 ? readCheckpointFileSync(Deno.args[0]) : shippedCheckpoint();
const operands = drawOperands({ seed: 1, stream: "evaluation", count: 2000 });
const problems = Array.from(chunksOf(operands, 1), ({ chunk: [a, b] }) => ({ a, b }));
const seen = look(checkpoint, operands, { only: ["attentionOut", "hidden", "output"] });
const plane = digitPlane(checkpoint);

/** The digit of a number in a column; column 0 is the ones. */
const digit = (value: number, column: number) => Math.floor(value / 10 ** column) % 10;

/** The sum of the digits with the carry into the column, from 0 to 19, of each problem. */
const totalsOf = (column: number) =>
  problems.map(({ a, b }) => Math.floor((a % 10 ** (column + 1) + b % 10 ** (column + 1)) / 10 ** column));

/** The digit with the largest logit if only the plane's two coordinates of the stream counted. */
function planeDigit([x, y]: Point): number {
  const logits = plane.digits.map((digit) => digit[0] * x + digit[1] * y);
  return logits.indexOf(Math.max(...logits));
}

/** For each total, the direction of the mean final residual stream in the digits' plane, at most half a turn from the one before. */
function directionsByTotal(step: number): number[] {
  const totals = totalsOf(step);
  let last: number | undefined;
  return groupsBy(problems.keys(), (i) => totals[i]).map(([, group]) => {
    const points = group.map((i) => plane.point(seen.output.row(i, step)));
    const [x, y] = [0, 1].map((axis) => mean(points.map((point) => point[axis])));
    const angle = Math.atan2(y, x) * 180 / Math.PI;
    return last = angle - 360 * Math.round((angle - (last ?? angle)) / 360);
  });
}

const percent = (share: number) => `${(100 * share).toFixed(2)}%`;

function measure(step: number) {
  const rowsOf = ({ row }: typeof seen.hidden) => problems.map((_, i) => Array.from(row(i, step)));
  const [digitSums, previousSums] = [step, step - 1].map((column) =>
    problems.map(({ a, b }) => digit(a, column) + digit(b, column))
  );
  const totals = totalsOf(step);
  const hidden = rowsOf(seen.hidden);
  const { shares, along } = principal(rowsOf(seen.attentionOut));
  const [first, second] = [along(0), along(1)];
  const { weights: [, own, previous] } = leastSquares(digitSums.map((sum, i) => [1, sum, previousSums[i]]), first);
  const scale = Math.max(...first.map(Math.abs));
  const powers = first.map((x, k) => EXPONENTS.map(([i, j]) => (x / scale) ** i * (second[k] / scale) ** j));
  const decimal = leastSquares(powers, digitSums.map((sum, i) => sum + previousSums[i] / 10));
  const angles = directionsByTotal(step);
  const turns = angles.slice(10).map((angle, i) => angles[i] - angle);
  const inPlane = totals.map((total, i) => planeDigit(plane.point(seen.output.row(i, step))) === total % 10);
  return {
    step,
    "variance in one plane": percent(shares[0] + shares[1]),
    "weight of the previous column": (previous / own).toFixed(3),
    "decimal, variance explained": percent(decimal.explained),
    "decimal, largest error": decimal.largest.toFixed(2),
    "hidden layer, explained by the total": percent(betweenGroups(hidden, totals)),
    "explained by a + b alone": percent(betweenGroups(hidden, digitSums)),
    "turn from total T to T + 10": `${Math.min(...turns).toFixed(0)}° to ${Math.max(...turns).toFixed(0)}°`,
    "correct digit from the plane alone": percent(mean(inPlane.map(Number))),
  };
}

// the steps whose column has two digits and another column to its right
const measured = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(measure);
console.log(table(Object.keys(measured[0]), measured.map((row) => Object.values(row))));
const survey = await surveyModel(checkpoint, 1000);
const shares = principal(survey.tokenEmbedding.slice(0, 10)).shares.slice(0, 3).map(percent).join(", ");
console.log(`\nThe digits' embeddings: ${shares} of their variance along three directions`);

/** Rounds half a tenth higher: true carries appear as -0.1, 0, 0.9 and 1, so the edges lie between 0 and 0.9. */
const predictedCarry = (scaled: number) => Math.round(scaled + 0.05);

// carries that the model adds at step 5 when the last written digit s is replaced, by a tenth of a_4 + b_4 - s
const digits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const donors = look(checkpoint, digits.map((s) => ({ a: s * 10 ** 4, b: 0 })), { only: ["embedded"] });
const replaced = digits.flatMap((last) => {
  const some = problems.slice(0, 300);
  const { predicted } = look(checkpoint, some, {
    only: [],
    edit: { embedded: (row, { step, position }) => step === 5 ? donors.embedded.row(last, position) : row },
  });
  return some.map(({ a, b }, i) => {
    const [written] = predicted.row(i, 5);
    const difference = digit(a, 4) + digit(b, 4) - last;
    const carry = (written - digit(a, 5) - digit(b, 5) + 24) % 10 - 4; // known modulo 10: from -4 to 5
    return { difference, carry, predicted: written < 10 && carry === predictedCarry(difference / 10) };
  });
});
const carries = groupsBy(replaced, ({ difference }) => difference).map(([difference, group]) => ({
  scaled: difference / 10,
  carry: mean(group.map(({ carry }) => carry)),
  predicted: mean(group.map(({ predicted }) => Number(predicted))),
}));
const rows = carries.map(({ scaled, carry, predicted }) => [scaled.toFixed(1), carry.toFixed(2), percent(predicted)]);
console.log(`\n${table(["difference / 10", "mean carry", "as predicted"], rows)}`);
if (Deno.args.length > 0) Deno.exit();

const [BLUE, ORANGE] = COLOURS;
await Deno.writeTextFile("docs/how_it_adds_arc.svg", digitPlaneSvg(plane));
await Deno.writeTextFile("docs/how_it_adds_attention.svg", surveySvg(survey));

// the direction of the output by total, over the ranges of directions in which each digit has the largest logit
const angles = directionsByTotal(5);
const bands: { from: number; to: number; digit: number }[] = [];
for (let angle = Math.ceil(angles[0] + 10); angle > angles[19] - 10; angle -= 0.1) {
  const digit = planeDigit([Math.cos(angle * Math.PI / 180), Math.sin(angle * Math.PI / 180)]);
  const band = bands.at(-1);
  if (band?.digit === digit) band.to = angle;
  else bands.push({ from: angle, to: angle, digit });
}
await writePlot("docs/how_it_adds_turn.svg", {
  ...{ width: 440, height: 440, marginLeft: 50, marginRight: 25 },
  x: { label: "a + b + carry of the column", domain: [-0.5, 19.5], ticks: 20 },
  y: { label: "direction, degrees", ticks: 6 },
  marks: [
    Plot.rectY(bands, {
      ...{ x1: -0.5, x2: 19.5, y1: "from", y2: "to", stroke: "white" },
      fill: ({ digit }) => digit % 2 === 0 ? "#eee" : "#ddd",
    }),
    Plot.text(bands, {
      ...{ x: 19.5, dx: 12, y: ({ from, to }) => (from + to) / 2, text: ({ digit }) => String(digit), fontSize: 9 },
    }),
    Plot.dot(angles, {
      x: (_, total) => total,
      y: (angle) => angle,
      r: 5,
      fill: (_, total) => total < 10 ? BLUE : ORANGE,
    }),
  ],
});
await writePlot("docs/how_it_adds_carry.svg", {
  ...{ width: 760, height: 340, marginLeft: 50 },
  x: { label: "(a + b of the previous column - last written digit) / 10", ticks: 10 },
  y: { label: "mean carry that the model adds", ticks: 4, tickFormat: "d", grid: true, domain: [-1.2, 2.2] },
  marks: [
    Plot.line(range(-0.9, 1.81, 0.01), { x: (scaled) => scaled, y: predictedCarry, stroke: "#bbb" }),
    Plot.dot(carries, {
      ...{ x: "scaled", y: "carry", r: 5, fill: ({ scaled }) => [-0.1, 0, 0.9, 1].includes(scaled) ? ORANGE : BLUE },
    }),
  ],
});
