/**
 * How a model adds, measured: the tables of docs/how-it-adds.md and, of the shipped one, the plots.
 *
 * ```sh
 * deno task bench:how-it-adds
 * deno run --allow-read=run --allow-env bench/how_it_adds.ts run/model.safetensors
 * ```
 *
 * All is computed by the reference engine in float64, on sums of the evaluation stream, so that it comes out the same everywhere.
 * Prints the tables; without a checkpoint writes docs/how_it_adds_circle.svg, docs/how_it_adds_carry.svg and docs/how_it_adds_attention.svg.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import { readCheckpointFileSync } from "../src/checkpoint/store.ts";
import { linear } from "../src/engine/reference/linear.ts";
import { forward, type QueryState, tensorsOf } from "../src/engine/reference/model.ts";
import { surveyModel } from "../src/inspection/survey.ts";
import { surveySvg } from "../src/inspection/svg.ts";
import { drawOperands } from "../src/model/sampler.ts";
import { variantOf, WIDTH } from "../src/model/variant.ts";
import { FIRST_QUERY, POSITIONS_READ, promptTokens, targetTokens } from "../src/model/vocabulary.ts";
import { shippedCheckpoint } from "../src/weights/mod.ts";
import { svg } from "./plot_svg.ts";
import { axes, betweenGroups, dot, leastSquares, mean, polynomial, principal } from "./statistics.ts";

const SUMS = 2000;
const SEED = 1;
/** Steps with two digits of their own and two before them. */
const STEPS = [1, 2, 3, 4, 5, 6, 7, 8, 9];

/** The one that is named, else the shipped one. */
const checkpoint = Deno.args.length > 0 ? readCheckpointFileSync(Deno.args[0]) : shippedCheckpoint();
const variant = variantOf(checkpoint.model);
const tensors = tensorsOf(Float64Array.from(checkpoint.parameters), variant);

/** Digit `place` of a number. */
const digit = (value: number, place: number) => Math.floor(value / 10 ** place) % 10;

/** What one step of one sum sees and makes. */
interface Seen {
  /** a_i + b_i. */
  own: number;
  /** a_(i-1) + b_(i-1). */
  before: number;
  /** The digit that was written last. */
  last: number;
  /** a_i + b_i and the carry from below, from 0 to 19. */
  total: number;
  /** What the attention adds to the residual stream, length 7. */
  read: number[];
  state: QueryState;
}

function seen(step: number, operands: Float64Array): Seen[] {
  return Array.from({ length: operands.length / 2 }, (_, i) => {
    const [a, b] = operands.subarray(2 * i);
    const tokens = [...promptTokens(a, b), ...targetTokens(a, b)].slice(0, FIRST_QUERY + step + 1);
    const { queries: [state] } = forward(tensors, variant, tokens, FIRST_QUERY + step);
    const below = 10 ** step;
    const carry = Math.floor((a % below + b % below) / below);
    const own = digit(a, step) + digit(b, step);
    return {
      ...{ own, before: digit(a, step - 1) + digit(b, step - 1), last: tokens.at(-1)!, total: own + carry },
      ...{ read: Array.from(linear(state.attended.output, tensors.projection)), state },
    };
  });
}

/** The plane in which the digits' embeddings lie, as two directions of length 7. */
function digitPlane() {
  const embeddings = Array.from(
    { length: 10 },
    (_, token) => Array.from(tensors.tokenEmbedding.subarray(WIDTH * token, WIDTH * (token + 1))),
  );
  let { directions: [x, y] } = axes(embeddings);
  if (dot(embeddings[0], x) > 0) x = x.map((value) => -value); // the sign is arbitrary: 0 to the left and above
  if (dot(embeddings[0], y) < 0) y = y.map((value) => -value);
  return {
    embeddings,
    shares: principal(embeddings).shares,
    point: (of: ArrayLike<number>) => [dot(of, x), dot(of, y)] as const,
  };
}

const plane = digitPlane();
const angle = ([x, y]: readonly [number, number]) => Math.atan2(y, x) * 180 / Math.PI;

/** Angles so that each is less than half a turn from the one before. */
function unwrapped(angles: readonly number[]): number[] {
  const result = [angles[0]];
  for (const next of angles.slice(1)) {
    const before = result[result.length - 1];
    result.push(next - 360 * Math.round((next - before) / 360));
  }
  return result;
}

/** Mean output of the residual stream for each total, in the digits' plane. */
function turning(rows: readonly Seen[]) {
  const groups = Map.groupBy(rows, ({ total }) => total);
  return [...groups.keys()].sort((x, y) => x - y).map((total) => {
    const points = groups.get(total)!.map(({ state }) => plane.point(state.output));
    const [x, y] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
    return { total, x, y };
  });
}

/** What the model writes when the last digit is exchanged, against round(a_i + b_i + (a_(i-1) + b_(i-1) - s) / 10). */
function exchanged(step: number, sums: number) {
  const operands = drawOperands({ seed: SEED, stream: "evaluation", count: sums });
  const counts = new Map<number, { carries: number[]; asRounded: number; all: number }>();
  for (let i = 0; i < operands.length; i += 2) {
    const [a, b] = operands.subarray(i);
    const tokens = [...promptTokens(a, b), ...targetTokens(a, b)].slice(
      0,
      Math.min(FIRST_QUERY + step + 1, POSITIONS_READ),
    );
    const own = digit(a, step) + digit(b, step);
    for (let last = 0; last < 10; last++) {
      const tenths = digit(a, step - 1) + digit(b, step - 1) - last;
      const { queries: [{ logits }] } = forward(tensors, variant, tokens.with(-1, last), FIRST_QUERY + step);
      const written = logits.indexOf(Math.max(...logits));
      // the carry that the digit means, from -4 to 5
      const carry = (written - own % 10 + 14) % 10 - 4;
      const count = counts.get(tenths) ?? { carries: [], asRounded: 0, all: 0 };
      count.carries.push(carry);
      count.all++;
      if (written < 10 && carry === Math.round(tenths / 10 + 0.05)) count.asRounded++;
      counts.set(tenths, count);
    }
  }
  return [...counts].sort(([x], [y]) => x - y).map(([tenths, { carries, asRounded, all }]) => ({
    ...{ tenths, carry: mean(carries), asRounded: asRounded / all },
  }));
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [head, head.map(() => "-"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

const percent = (share: number) => `${(100 * share).toFixed(2)}%`;

function measure(step: number, operands: Float64Array) {
  const rows = seen(step, operands);
  const read = principal(rows.map(({ read }) => read));
  const [first, second] = [read.along(0), read.along(1)];
  const { weights: [, own, before] } = leastSquares(rows.map(({ own, before }) => [1, own, before]), first);
  const scale = Math.max(...first.map(Math.abs));
  const decimal = leastSquares(
    first.map((x, i) => polynomial(x / scale, second[i] / scale)),
    rows.map(({ own, before }) => own + before / 10),
  );
  const hidden = rows.map(({ state }) => state.hidden);
  const turns = unwrapped(turning(rows).map(({ x, y }) => angle([x, y])));
  const laps = turns.slice(10).map((end, i) => turns[i] - end);
  return {
    plane: read.shares[0] + read.shares[1],
    ratio: before / own,
    decimal,
    byTotal: betweenGroups(hidden, rows.map(({ total }) => total)),
    byOwn: betweenGroups(hidden, rows.map(({ own }) => own)),
    laps,
  };
}

function circlePlot(rows: readonly Seen[]): string {
  const panels = ["the digits' embeddings", "the stream's output, by a + b + carry of its place"];
  const longest = Math.max(...turning(rows).map(({ x, y }) => Math.hypot(x, y)));
  const digits = plane.embeddings.map((embedding, token) => {
    const [x, y] = plane.point(embedding);
    return { panel: panels[0], name: String(token), x: x / 2.5, y: y / 2.5, second: false };
  });
  const totals = turning(rows).map(({ total, x, y }) => ({
    ...{ panel: panels[1], name: String(total), x: x / longest, y: y / longest, second: total > 9 },
  }));
  const points = [...digits, ...totals];
  const colour = ({ second }: { second: boolean }) => second ? "#d55e00" : "#0072b2";
  return svg({
    ...{ width: 760, height: 420, marginTop: 30 },
    x: { axis: null, domain: [-1.1, 1.1] },
    y: { axis: null, domain: [-1.1, 1.1] },
    fx: { label: null, domain: panels },
    marks: [
      Plot.ruleX([0], { stroke: "#ddd" }),
      Plot.ruleY([0], { stroke: "#ddd" }),
      Plot.line(points, { fx: "panel", x: "x", y: "y", stroke: "#bbb", curve: "catmull-rom" }),
      Plot.dot(points, { fx: "panel", x: "x", y: "y", r: 9, fill: colour }),
      Plot.text(points, { fx: "panel", x: "x", y: "y", text: "name", fill: "white", fontSize: 10 }),
    ],
  });
}

function carryPlot(counts: ReturnType<typeof exchanged>): string {
  const points = counts.map(({ tenths, carry }) => ({ x: tenths / 10, carry, real: [-1, 0, 9, 10].includes(tenths) }));
  return svg({
    ...{ width: 760, height: 340, marginLeft: 50 },
    x: { label: "(a + b of the place before - the digit written last) / 10", ticks: 10 },
    y: { label: "carry into the place, mean", ticks: [-1, 0, 1, 2], grid: true, domain: [-1.2, 2.2] },
    marks: [
      Plot.line(
        Array.from({ length: 271 }, (_, i) => i / 100 - 0.9).map((x) => ({ x, y: Math.round(x + 0.05) })),
        { x: "x", y: "y", stroke: "#bbb" },
      ),
      Plot.dot(points, { x: "x", y: "carry", r: 5, fill: ({ real }) => real ? "#d55e00" : "#0072b2" }),
    ],
  });
}

if (import.meta.main) {
  const operands = drawOperands({ seed: SEED, stream: "evaluation", count: SUMS });
  const measured = STEPS.map((step) => ({ step, ...measure(step, operands) }));
  console.log(table(
    [
      "step",
      "variance in one plane",
      "weight of the place before",
      "decimal read off",
      "largest error",
      "hidden layer, by the total",
      "by a + b alone",
      "turn from total T to T + 10",
    ],
    measured.map(({ step, plane, ratio, decimal, byTotal, byOwn, laps }) => [
      ...[step, percent(plane), ratio.toFixed(3), percent(decimal.explained), decimal.largest.toFixed(2)],
      ...[percent(byTotal), percent(byOwn), `${Math.min(...laps).toFixed(0)}° to ${Math.max(...laps).toFixed(0)}°`],
    ]),
  ));
  console.log(
    `\nThe digits' embeddings: ${
      plane.shares.slice(0, 3).map(percent).join(", ")
    } of their variance along three directions`,
  );
  const angles = unwrapped(plane.embeddings.map((embedding) => angle(plane.point(embedding))));
  console.log(`Their angles: ${angles.map((each) => `${each.toFixed(0)}°`).join(", ")}`);
  const counts = exchanged(5, 300);
  console.log(`\n${
    table(
      ["tenths", "mean carry", "as rounded"],
      counts.map(({ tenths, carry, asRounded }) => [tenths, carry.toFixed(2), percent(asRounded)]),
    )
  }`);
  if (Deno.args.length > 0) Deno.exit();
  await Deno.writeTextFile("docs/how_it_adds_circle.svg", `${circlePlot(seen(5, operands))}\n`);
  await Deno.writeTextFile("docs/how_it_adds_carry.svg", `${carryPlot(counts)}\n`);
  await Deno.writeTextFile("docs/how_it_adds_attention.svg", surveySvg(surveyModel(checkpoint, 1000)));
}
