/**
 * Everything above the attention as a function of the attention's output o alone: the token that asks is fixed, and with it
 * the residual stream x0. Its value, its gradient, and bounds of its second derivative along all segments that start at o.
 *
 * @module
 */
import type { Tensors } from "../engine/reference/model.ts";
import { HIDDEN, TOKENS, type Variant, WIDTH } from "../model/variant.ts";
import { type GeluJet, geluJet, type GeluRange, geluRange } from "./gelu_derivatives.ts";
import { both, type Interval, plus, point, scaled, shrunk, squared, times } from "./interval.ts";

/** Directions of o whose ranges {@linkcode Head.curvature} is given. */
export const DIRECTIONS = WIDTH + WIDTH + HIDDEN;
const CENTERED = WIDTH;
const INTO_HIDDEN = 2 * WIDTH;

/** The part of a model above the attention. */
export class Head {
  /**
   * (28, 7), one direction w a row: the range of w.(o - center) must be known for each. Rows 0 … 6 are the coordinates of o, 7 … 13
   * those of dz, the centered step of the residual stream; 14 … 27 the step into each hidden unit before the norm's scale.
   */
  readonly directions = new Float64Array(DIRECTIONS * WIDTH);
  /** [14]: logits at the center. */
  readonly logits = new Float64Array(TOKENS);
  readonly #tensors: Tensors;
  readonly #epsilon: number;
  readonly #jet: (x: number) => GeluJet;
  readonly #geluRange: (x: Interval) => GeluRange;
  /** (14, 7): the rows of w1 with LayerNorm's weight in them, centered: hidden = r * alpha.z + beta. */
  readonly #alpha = new Float64Array(HIDDEN * WIDTH);
  readonly #beta = new Float64Array(HIDDEN);

  /** (14, 14): what an activation adds to a logit, w2 and the output projection in one; row t belongs to token t. */
  readonly #activationToLogit = new Float64Array(TOKENS * HIDDEN);

  // at the center, by expandAt()
  readonly #z = new Float64Array(WIDTH);
  #n = 0;
  #r = 0;
  readonly #alphaZ = new Float64Array(HIDDEN);
  readonly #hidden = new Float64Array(HIDDEN);
  readonly #first = new Float64Array(HIDDEN);
  readonly #x2 = new Float64Array(WIDTH);
  /** (7, 7): d(x2)/do; column l belongs to o[l]. */
  readonly #x2Jacobian = new Float64Array(WIDTH * WIDTH);
  /** (7, 7): d(output)/do, of what the logits are read from. */
  readonly #jacobian = new Float64Array(WIDTH * WIDTH);
  // the final norm, where there is one
  readonly #y = new Float64Array(WIDTH);
  #n3 = 0;

  // by curvature()
  readonly #activationBend: Interval[] = new Array(HIDDEN);
  readonly #outputBend: Interval[] = new Array(WIDTH);

  /** Takes the weights of a model in float64. */
  constructor(tensors: Tensors, variant: Variant) {
    this.#tensors = tensors;
    this.#epsilon = variant.layerNormEpsilon;
    this.#jet = geluJet(variant.gelu);
    this.#geluRange = geluRange(variant.gelu);
    const { norm2: { weight, bias }, w1, projection } = tensors;
    const directions = this.directions;
    for (let l = 0; l < WIDTH; l++) {
      directions[l * WIDTH + l] = 1;
      let mean = 0;
      for (let m = 0; m < WIDTH; m++) mean += projection[m * WIDTH + l] / WIDTH;
      for (let m = 0; m < WIDTH; m++) directions[(CENTERED + m) * WIDTH + l] = projection[m * WIDTH + l] - mean;
    }
    for (let t = 0; t < TOKENS; t++) {
      for (let k = 0; k < HIDDEN; k++) {
        for (let m = 0; m < WIDTH; m++) {
          this.#activationToLogit[t * HIDDEN + k] += tensors.tokenEmbedding[t * WIDTH + m] * tensors.w2[m * HIDDEN + k];
        }
      }
    }
    for (let k = 0; k < HIDDEN; k++) {
      const alpha = this.#alpha.subarray(k * WIDTH, (k + 1) * WIDTH);
      let mean = 0;
      for (let m = 0; m < WIDTH; m++) {
        alpha[m] = w1[k * WIDTH + m] * weight[m];
        mean += alpha[m] / WIDTH;
        this.#beta[k] += w1[k * WIDTH + m] * bias[m];
      }
      for (let m = 0; m < WIDTH; m++) {
        alpha[m] -= mean;
        for (let l = 0; l < WIDTH; l++) {
          directions[(INTO_HIDDEN + k) * WIDTH + l] += alpha[m] * directions[(CENTERED + m) * WIDTH + l];
        }
      }
    }
  }

  /** The logits for an attention output o; nothing else is known afterwards. */
  logitsAt(x0: Float64Array, o: Float64Array): Float64Array {
    this.#evaluate(x0, o);
    return this.logits;
  }

  /** Makes o the center: logits, gradients and curvature are meant there. */
  expandAt(x0: Float64Array, o: Float64Array): void {
    this.#evaluate(x0, o);
    this.#differentiate();
  }

  #evaluate(x0: Float64Array, o: Float64Array): void {
    const { projection, w2, tokenEmbedding, finalNorm } = this.#tensors;
    const x2 = this.#x2; // x1 at first
    for (let m = 0; m < WIDTH; m++) {
      let sum = x0[m];
      for (let l = 0; l < WIDTH; l++) sum += projection[m * WIDTH + l] * o[l];
      x2[m] = sum;
    }
    this.#n = center(x2, this.#z) + this.#epsilon;
    this.#r = 1 / Math.sqrt(this.#n);
    for (let k = 0; k < HIDDEN; k++) {
      let sum = 0;
      for (let m = 0; m < WIDTH; m++) sum += this.#alpha[k * WIDTH + m] * this.#z[m];
      this.#alphaZ[k] = sum;
      this.#hidden[k] = this.#r * sum + this.#beta[k];
      const { value, first } = this.#jet(this.#hidden[k]);
      this.#first[k] = first;
      for (let m = 0; m < WIDTH; m++) x2[m] += w2[m * HIDDEN + k] * value;
    }
    let output = x2;
    if (finalNorm !== undefined) {
      this.#n3 = center(x2, this.#y) + this.#epsilon;
      const r3 = 1 / Math.sqrt(this.#n3);
      output = this.#y.map((value, m) => r3 * value * finalNorm.weight[m] + finalNorm.bias[m]);
    }
    for (let t = 0; t < TOKENS; t++) {
      let sum = 0;
      for (let m = 0; m < WIDTH; m++) sum += tokenEmbedding[t * WIDTH + m] * output[m];
      this.logits[t] = sum;
    }
  }

  #differentiate(): void {
    const { projection, w2, finalNorm } = this.#tensors;
    const jacobian = this.#jacobian;
    const r = this.#r;
    jacobian.set(projection);
    for (let l = 0; l < WIDTH; l++) {
      let zDz = 0;
      for (let m = 0; m < WIDTH; m++) zDz += this.#z[m] * this.directions[(CENTERED + m) * WIDTH + l];
      const dr = -(r ** 3) * zDz / WIDTH;
      for (let k = 0; k < HIDDEN; k++) {
        const dHidden = r * this.directions[(INTO_HIDDEN + k) * WIDTH + l] + dr * this.#alphaZ[k];
        const dActivated = this.#first[k] * dHidden;
        for (let m = 0; m < WIDTH; m++) jacobian[m * WIDTH + l] += w2[m * HIDDEN + k] * dActivated;
      }
    }
    this.#x2Jacobian.set(jacobian);
    if (finalNorm === undefined) return;
    const r3 = 1 / Math.sqrt(this.#n3);
    for (let l = 0; l < WIDTH; l++) {
      let mean = 0;
      for (let m = 0; m < WIDTH; m++) mean += this.#x2Jacobian[m * WIDTH + l] / WIDTH;
      let yDy = 0;
      for (let m = 0; m < WIDTH; m++) yDy += this.#y[m] * (this.#x2Jacobian[m * WIDTH + l] - mean);
      const dr3 = -(r3 ** 3) * yDy / WIDTH;
      for (let m = 0; m < WIDTH; m++) {
        const dy = this.#x2Jacobian[m * WIDTH + l] - mean;
        jacobian[m * WIDTH + l] = finalNorm.weight[m] * (r3 * dy + dr3 * this.#y[m]);
      }
    }
  }

  /** Writes the gradient of logit(wanted) - logit(other) by o at the center into `gradient`. */
  marginGradient(wanted: number, other: number, gradient: Float64Array): void {
    const { tokenEmbedding } = this.#tensors;
    const jacobian = this.#jacobian;
    gradient.fill(0);
    for (let m = 0; m < WIDTH; m++) {
      const difference = tokenEmbedding[wanted * WIDTH + m] - tokenEmbedding[other * WIDTH + m];
      for (let l = 0; l < WIDTH; l++) gradient[l] += difference * jacobian[m * WIDTH + l];
    }
  }

  /**
   * Bounds second derivatives along segments. For any o in the region let d = o - center and f(t) = F(center + t d), 0 <= t <= 1; the
   * ranges of w.d over the region bound f''(t) for every such segment and t, by the chain rule in interval arithmetic:
   *
   * - z(t) = z + t dz is the centered residual stream, n = |z|^2 / 7 + eps, r = n^(-1/2):
   *   r' = -r^3 (z.dz) / 7 and r'' = 3 r^5 (z.dz)^2 / 49 - r^3 |dz|^2 / 7, where z(t).dz = z.dz + t |dz|^2;
   * - hidden h = r (alpha.z) + beta: h' = r' (alpha.z) + r (alpha.dz), h'' = r'' (alpha.z) + 2 r' (alpha.dz);
   * - activation g(h): g'' h'^2 + g' h''. The residual stream itself is linear in t and does not bend.
   *
   * @param ranges One for each of `directions`
   */
  curvature(ranges: readonly Interval[]): void {
    let dzSquared = 0; // at most
    let zDz = point(0);
    let squares = point(0);
    for (let m = 0; m < WIDTH; m++) {
      const dz = ranges[CENTERED + m];
      dzSquared += squared(dz).hi;
      zDz = plus(zDz, scaled(this.#z[m], dz));
      squares = plus(squares, squared(plus(point(this.#z[m]), shrunk(dz))));
    }
    const dzReach = { lo: 0, hi: dzSquared };
    const { r, r1, r2 } = inverseRoot(this.#n, squares, plus(zDz, dzReach), dzReach, this.#epsilon);
    for (let k = 0; k < HIDDEN; k++) {
      const alphaDz = ranges[INTO_HIDDEN + k];
      const alphaZ = plus(point(this.#alphaZ[k]), shrunk(alphaDz));
      const slope = plus(times(r1, alphaZ), times(r, alphaDz));
      const bend = plus(times(r2, alphaZ), scaled(2, times(r1, alphaDz)));
      const rise = shrunk(slope); // h(t) - h(0) by the mean value theorem
      const { first, second } = this.#geluRange(plus(point(this.#hidden[k]), rise));
      this.#activationBend[k] = plus(times(second, squared(slope)), times(first, bend));
    }
    if (this.#tensors.finalNorm !== undefined) this.#bendFinalNorm(ranges);
  }

  /** The same through the final norm: u = r3 y, u'' = r3'' y + 2 r3' y' + r3 y'', where y' = J d + t y'' for some y'' within its bounds. */
  #bendFinalNorm(ranges: readonly Interval[]): void {
    const { w2 } = this.#tensors;
    const jacobian = this.#x2Jacobian;
    const bends: Interval[] = [];
    const slopes: Interval[] = [];
    let squares = point(0);
    let yDy = point(0);
    for (let m = 0; m < WIDTH; m++) {
      let bend = point(0);
      for (let k = 0; k < HIDDEN; k++) {
        let mean = 0;
        for (let i = 0; i < WIDTH; i++) mean += w2[i * HIDDEN + k] / WIDTH;
        bend = plus(bend, scaled(w2[m * HIDDEN + k] - mean, this.#activationBend[k]));
      }
      let start = point(0);
      for (let l = 0; l < WIDTH; l++) {
        let mean = 0;
        for (let i = 0; i < WIDTH; i++) mean += jacobian[i * WIDTH + l] / WIDTH;
        start = plus(start, scaled(jacobian[m * WIDTH + l] - mean, ranges[l]));
      }
      bends[m] = bend;
      slopes[m] = plus(start, shrunk(bend));
      const y = plus(point(this.#y[m]), shrunk(slopes[m]));
      yDy = plus(yDy, times(y, slopes[m]));
      squares = plus(squares, squared(y));
    }
    // |y|^2 / 2 has the second derivative |y'|^2 + y.y''
    let squareBend = point(0);
    for (let m = 0; m < WIDTH; m++) {
      const y = plus(point(this.#y[m]), shrunk(slopes[m]));
      squareBend = plus(squareBend, plus(squared(slopes[m]), times(y, bends[m])));
    }
    const { r, r1, r2 } = inverseRoot(this.#n3, squares, yDy, squareBend, this.#epsilon);
    for (let m = 0; m < WIDTH; m++) {
      const y = plus(point(this.#y[m]), shrunk(slopes[m]));
      this.#outputBend[m] = plus(plus(times(r2, y), scaled(2, times(r1, slopes[m]))), times(r, bends[m]));
    }
  }

  /** The least second derivative of logit(wanted) - logit(other) that {@linkcode curvature} leaves possible. */
  marginBend(wanted: number, other: number): number {
    const { tokenEmbedding, finalNorm } = this.#tensors;
    let least = 0;
    if (finalNorm !== undefined) {
      for (let m = 0; m < WIDTH; m++) {
        const difference = tokenEmbedding[wanted * WIDTH + m] - tokenEmbedding[other * WIDTH + m];
        least += scaled(difference * finalNorm.weight[m], this.#outputBend[m]).lo;
      }
      return least;
    }
    for (let k = 0; k < HIDDEN; k++) {
      const factor = this.#activationToLogit[wanted * HIDDEN + k] - this.#activationToLogit[other * HIDDEN + k];
      const bend = this.#activationBend[k];
      least += factor * (factor > 0 ? bend.lo : bend.hi);
    }
    return least;
  }
}

/** Writes x - mean(x) and gives the biased variance. */
function center(x: Float64Array, centered: Float64Array): number {
  let mean = 0;
  for (let m = 0; m < WIDTH; m++) mean += x[m] / WIDTH;
  let variance = 0;
  for (let m = 0; m < WIDTH; m++) {
    centered[m] = x[m] - mean;
    variance += centered[m] ** 2 / WIDTH;
  }
  return variance;
}

/**
 * r = n^(-1/2) and its derivatives along a segment, for n = |z|^2 / 7 + eps; n' = 2 z.z' / 7, and n'' / 2 = (|z'|^2 + z.z'') / 7. What n can be
 * follows from its start and slope by the mean value theorem, and from the box of z: the better of the two counts on either side.
 *
 * @param start n at the segment's start
 * @param squares |z|^2 over the box of z
 * @param zDz z.z' over the segment
 * @param halfBend 7 n'' / 2
 */
function inverseRoot(start: number, squares: Interval, zDz: Interval, halfBend: Interval, epsilon: number) {
  const bySlope = plus(point(start), shrunk(scaled(2 / WIDTH, zDz)));
  const n = both(bySlope, plus(point(epsilon), scaled(1 / WIDTH, squares)));
  const r = { lo: 1 / Math.sqrt(n.hi), hi: 1 / Math.sqrt(n.lo) };
  const cube = { lo: r.lo ** 3, hi: r.hi ** 3 };
  const fifth = { lo: r.lo ** 5, hi: r.hi ** 5 };
  const r1 = scaled(-1 / WIDTH, times(cube, zDz));
  const r2 = plus(scaled(3 / WIDTH ** 2, times(fifth, squared(zDz))), scaled(-1 / WIDTH, times(cube, halfBend)));
  return { r, r1, r2 };
}
