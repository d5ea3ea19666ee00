import { dot, linear } from "../src/engine/reference/linear.ts";
import { argmax, forward } from "../src/engine/reference/model.ts";
import { digitPlane } from "../src/inspection/embeddings.ts";
import { combine, type Plane, pointIn, principalPlane } from "../src/inspection/plane.ts";
import type { ReferenceModel } from "../src/inspection/reference_model.ts";
import type { SumInspection } from "../src/inspection/sum.ts";
import { EQUALS, FIRST_QUERY, PAD, PLUS, positionOfA, positionOfB, POSITIONS_READ } from "../src/model/vocabulary.ts";
import type { LabModel } from "./models.ts";

/** The plane of the two largest eigenvalues of second moments, and in it the axes that are nearest to those of an earlier plane, so that they do not jump. */
export function planeOf(moments: readonly Float64Array[], earlier: Plane): Plane {
  const [px, py] = earlier;
  const [x, y] = principalPlane(moments, earlier, 60); // few turns, as the earlier plane is near
  // the orthogonal 2 x 2 matrix nearest to [[a, b], [c, d]]: a rotation, or with the sign -1 a reflection
  const [a, b, c, d] = [dot(x, px), dot(x, py), dot(y, px), dot(y, py)];
  const sign = a * d - b * c < 0 ? -1 : 1;
  const angle = Math.atan2(c - sign * b, a + sign * d);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [combine([x, y], [cos, sin]), combine([x, y], [-sign * sin, sign * cos])];
}

const planes = new WeakMap<Float32Array, Plane>();

/** The plane in which a model's digits are drawn: that of its run, or the one that holds most of their embeddings. */
export function planeFor(lab: Pick<LabModel, "model" | "parameters" | "plane">): Plane {
  const plane = lab.plane ?? planes.get(lab.parameters) ?? digitPlane(lab).directions;
  planes.set(lab.parameters, plane);
  return plane;
}

/** The final residual stream of a step in a plane of the embeddings, and the share of its squared length that is in the plane. */
export function pointerOf({ tensors, variant }: ReferenceModel, trace: SumInspection, step: number, plane: Plane) {
  const query = FIRST_QUERY + step;
  const { output } = forward(tensors, variant, trace.tokens.slice(0, query + 1), query).queries[0];
  const pointer = pointIn(plane, output);
  return { pointer, inPlane: Math.hypot(...pointer) ** 2 / dot(output, output) };
}

export function measureStep(model: ReferenceModel, trace: SumInspection, step: number, plane: Plane) {
  const { tensors, variant } = model;
  const { tokens, steps } = trace;
  const { attention } = steps[step];
  const query = FIRST_QUERY + step;
  const read = tokens.slice(0, query + 1);
  // a step without a column of its own rests on the sign in its place
  const columns = attention.slice(0, PLUS).map((_, i) => attention[positionOfA(i)] + attention[positionOfB(i)]);
  const unit = Math.max(...columns, attention[PLUS]) / 2;
  const reads = [...attention.entries()]
    .filter(([position]) => position < FIRST_QUERY && position !== PLUS)
    .map(([position, share]) => ({ position, digit: tokens[position], share, strength: share / unit }))
    .sort((x, y) => y.share - x.share);
  const tokenAfter = (last: number) => argmax(forward(tensors, variant, read.with(-1, last), query).queries[0].logits);
  return {
    /** The digits that it reads, the strongest first; half of the strongest column's share is a strength of 1. */
    reads,
    /** The sum of all digits of the two numbers, each times its strength. */
    total: reads.reduce((sum, { digit, strength }) => sum + strength * digit, 0),
    /** The token that it would write after each digit from 0 to 9 as the one written last; empty at the first step, which has none. */
    afterEach: step === 0 ? [] : Array.from({ length: 10 }, (_, last) => tokenAfter(last)),
    ...pointerOf(model, trace, step, plane),
  };
}

/** What the digit written last says of the carry, in a sentence about the column before. */
export function carrySentence({ a, b, steps }: SumInspection, step: number): string {
  if (step === 0) return "This is the first digit, so nothing is carried.";
  if (step === steps.length - 1) return "All digits are written: the model only has to end.";
  const [x, y] = [a, b].map((number) => Math.floor(number / 10 ** (step - 1)) % 10);
  const last = steps[step - 1].token;
  if (last > 9) return "The token before is no digit, so it says nothing of a carry.";
  const rest = x + y - last;
  const meaning = rest === 9 || rest === 10
    ? "ten is missing, so 1 is carried"
    : rest === 0 || rest === -1
    ? "nothing is missing, so nothing is carried"
    : "which no correct sum has";
  return `The column before adds ${x} + ${y} = ${x + y}, and ${last} was written there: ` +
    `${x + y} − ${last} = ${rest}, ${meaning}.`;
}

/** Whether a token can occur at a position that is read. */
export function canOccur(token: number, position: number): boolean {
  if (position === 10) return token === PLUS;
  if (position === FIRST_QUERY) return token === EQUALS;
  return token < 10;
}

/**
 * The scores q . k / sqrt(width) of one step before the softmax, [12][33]: one row for each digit and sign, NaN where it cannot occur or is not visible.
 * `last` is the token at the query position: `=` at step 0, otherwise the digit written last.
 */
export function attentionScores({ tensors, variant }: ReferenceModel, step: number, last: number): Float64Array[] {
  const query = FIRST_QUERY + step;
  return Array.from({ length: PAD }, (_, token) => {
    // one sequence with the token wherever it can occur: a score depends on token and position alone
    const tokens = Array.from({ length: query }, (_, position) => canOccur(token, position) ? token : 0);
    const { qkv } = forward(tensors, variant, [...tokens, last], query);
    return Float64Array.from({ length: POSITIONS_READ }, (_, position) => {
      const occurs = position < query ? canOccur(token, position) : position === query && token === last;
      return occurs ? linear(qkv[query].query, qkv[position].key)[0] / Math.sqrt(variant.width) : NaN;
    });
  });
}
