/**
 * One query of the attention: the position that asks and the token it holds. Every other token's part in its answer is known.
 *
 * @module
 */
import { layerNorm } from "../engine/reference/layer_norm.ts";
import { linear, rowOf, sum } from "../engine/reference/linear.ts";
import { QkvRow, type Tensors } from "../engine/reference/model.ts";
import { type Variant, WIDTH } from "../model/variant.ts";
import { EQUALS, FIRST_QUERY, OPERAND_DIGITS, PLUS } from "../model/vocabulary.ts";
import { DIGITS } from "./places.ts";

/** Numbers kept of a token at a position: its seven weighted values, and its weight. */
export const ENTRY = WIDTH + 1;

/**
 * The attention's output is o = sum_j e_j v_j / sum_j e_j over the positions j that are seen, where the token t at j gives the weight
 * e_j(t) = exp(q.k_j(t) / sqrt 7 - shift) and the value v_j(t). The shift, the largest exponent, cancels.
 */
export class Query {
  /** The residual stream of the position that asks. */
  readonly x0: Float64Array;
  /** Number of positions seen, that which asks included. */
  readonly positions: number;
  /** (positions, 10, 8): e v and e of each digit at each position. Where one token alone can stand it takes the place of digit 0. */
  readonly entries: Float64Array;
  /** (positions, 10): e alone. */
  readonly weights: Float64Array;

  /** Position 21 + step, holding `token`. */
  constructor(tensors: Tensors, variant: Variant, step: number, token: number) {
    const asking = FIRST_QUERY + step;
    this.positions = asking + 1;
    const embed = (id: number, position: number) =>
      sum(rowOf(tensors.tokenEmbedding, id, WIDTH), rowOf(tensors.positionEmbedding, position, WIDTH));
    const slot = (id: number, position: number) =>
      new QkvRow(linear(layerNorm(embed(id, position), tensors.norm1, variant.layerNormEpsilon).y, tensors.qkv));
    const { query } = slot(token, asking);
    this.x0 = embed(token, asking);

    this.entries = new Float64Array(this.positions * DIGITS * ENTRY);
    this.weights = new Float64Array(this.positions * DIGITS);
    const scores = new Float64Array(this.positions * DIGITS).fill(-Infinity);
    for (let position = 0; position < this.positions; position++) {
      const only = position === asking ? token : onlyToken(position);
      for (let digit = 0; digit < (only === undefined ? DIGITS : 1); digit++) {
        const { key, value } = slot(only ?? digit, position);
        const at = position * DIGITS + digit;
        scores[at] = query.reduce((total, q, l) => total + q * key[l], 0) / Math.sqrt(WIDTH);
        this.entries.set(value, at * ENTRY);
      }
    }
    const shift = scores.reduce((most, score) => Math.max(most, score), -Infinity);
    for (let at = 0; at < scores.length; at++) {
      const weight = Math.exp(scores[at] - shift);
      for (let l = 0; l < WIDTH; l++) this.entries[at * ENTRY + l] *= weight;
      this.entries[at * ENTRY + WIDTH] = weight;
      this.weights[at] = weight;
    }
  }

  /** Projects e v on a direction of o for each position and digit, [positions, 10]. */
  project(direction: Float64Array, projected: Float64Array): void {
    const { entries } = this;
    const [d0, d1, d2, d3, d4, d5, d6] = direction;
    for (let at = 0, e = 0; at < this.positions * DIGITS; at++, e += ENTRY) {
      projected[at] = d0 * entries[e] + d1 * entries[e + 1] + d2 * entries[e + 2] + d3 * entries[e + 3] +
        d4 * entries[e + 4] + d5 * entries[e + 5] + d6 * entries[e + 6];
    }
  }
}

/** The token that alone can stand at a position before the one that asks; undefined where it is any digit. */
function onlyToken(position: number): number | undefined {
  if (position === OPERAND_DIGITS) return PLUS;
  return position === FIRST_QUERY ? EQUALS : undefined;
}
