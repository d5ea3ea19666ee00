import { argmax, forward } from "../src/engine/reference/model.ts";
import type { ReferenceModel } from "../src/inspection/reference_model.ts";
import type { SumInspection } from "../src/inspection/sum.ts";
import { FIRST_QUERY, PLUS, positionOfA, positionOfB, SUM_DIGITS } from "../src/model/vocabulary.ts";
import { dot } from "../src/engine/reference/linear.ts";
import { type Plane, pointIn } from "../src/inspection/plane.ts";

/** The final residual stream of a step in a plane of the embeddings, and the share of its squared length that is in the plane. */
export function pointerOf({ tensors, variant }: ReferenceModel, trace: SumInspection, step: number, plane: Plane) {
  const query = FIRST_QUERY + step;
  const { output } = forward(tensors, variant, trace.tokens.slice(0, query + 1), query).queries[0];
  const pointer = pointIn(plane, output);
  return { pointer, inPlane: Math.hypot(...pointer) ** 2 / dot(output, output) };
}

/** What one step of one sum does. */
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
  if (step > SUM_DIGITS - 1) return "All digits are written: the model only has to end.";
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
