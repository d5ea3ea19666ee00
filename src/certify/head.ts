/**
 * Everything above the attention as a function of the attention's output o alone: the token that asks is fixed, and with it
 * the residual stream x0. Its value, its gradient, and bounds of its second derivative along all segments that start at o.
 *
 * @module
 */
import type { Tensors } from "../engine/reference/model.ts";
import { HIDDEN, TOKENS, type Variant, WIDTH } from "../model/variant.ts";
import { type GeluForm, geluForm } from "./gelu_derivatives.ts";
import { leastProduct, leastSquare, mostProduct, mostSquare } from "./interval.ts";

/** Directions of o whose ranges {@linkcode Head.curvature} is given. */
export const DIRECTIONS = WIDTH + WIDTH + HIDDEN;
const CENTERED = WIDTH;
/** The first of the directions that lead into hidden units. */
export const INTO_HIDDEN = 2 * WIDTH;
/** What can be read from the output: the logits, and its coordinates. */
const READINGS = TOKENS + WIDTH;
/** A hidden unit with less slope than this is counted as shut. */
const SHUT = 1e-9;

/** What r = n^(-1/2) and its derivatives by t can be along the segments. */
interface InverseRoot {
  rLo: number;
  rHi: number;
  firstLo: number;
  firstHi: number;
  secondLo: number;
  secondHi: number;
}

/** The part of a model above the attention. */
export class Head {
  /**
   * (28, 7), one direction w a row: the range of w.(o - center) must be known for each. Rows 0 … 6 are the coordinates of o, 7 … 13
   * those of dz, the centered step of the residual stream; 14 … 27 the step into each hidden unit before the norm's scale.
   */
  readonly directions = new Float64Array(DIRECTIONS * WIDTH);
  /** [14]: logits at the center. */
  readonly logits = new Float64Array(TOKENS);
  readonly #importance = new Float64Array(HIDDEN);
  readonly #tensors: Tensors;
  readonly #epsilon: number;
  readonly #gelu: GeluForm;
  /** (14, 7): the rows of w1 with LayerNorm's weight in them, centered: hidden = r * alpha.z + beta. */
  readonly #alpha = new Float64Array(HIDDEN * WIDTH);
  readonly #beta = new Float64Array(HIDDEN);
  /**
   * (14 + 7, 7): what the logit of token t is read from, the output projection with the final norm's weight in it, where there is one; centered
   * then. The last seven rows read the output's coordinates.
   */
  readonly #readout = new Float64Array(READINGS * WIDTH);
  /** (14 + 7, 14): what an activation adds to these readings. */
  readonly #activationToReadout = new Float64Array(READINGS * HIDDEN);
  /** (7, 14): w2, its columns centered. */
  readonly #centeredW2 = new Float64Array(WIDTH * HIDDEN);

  // at the center, by expandAt()
  readonly #z = new Float64Array(WIDTH);
  #n = 0;
  #r = 0;
  readonly #alphaZ = new Float64Array(HIDDEN);
  readonly #hidden = new Float64Array(HIDDEN);
  readonly #slope = new Float64Array(HIDDEN);
  readonly #x2 = new Float64Array(WIDTH);
  /** (7, 7): d(x2)/do; column l belongs to o[l]. */
  readonly #x2Jacobian = new Float64Array(WIDTH * WIDTH);
  /** (7, 7): d(output)/do, of what the logits are read from. */
  readonly #jacobian = new Float64Array(WIDTH * WIDTH);
  // the final norm, where there is one
  readonly #y = new Float64Array(WIDTH);
  #n3 = 0;

  // by curvature()
  readonly #rangesLo = new Float64Array(DIRECTIONS);
  readonly #rangesHi = new Float64Array(DIRECTIONS);
  readonly #norm2 = newInverseRoot();
  /** [14]: g'' h'^2 + (g' - middle) h'' of each hidden unit, where `middle` is the middle of what g' can be. */
  readonly #curveLo = new Float64Array(HIDDEN);
  readonly #curveHi = new Float64Array(HIDDEN);
  readonly #middleSlope = new Float64Array(HIDDEN);
  readonly #norm3 = newInverseRoot();

  readonly #scratch = new Float64Array(4);
  readonly #v = new Float64Array(WIDTH);
  readonly #reading = new Float64Array(WIDTH);
  readonly #factors = new Float64Array(HIDDEN);
  #bendLo = 0;
  #bendHi = 0;

  /** Takes the weights of a model in float64. */
  constructor(tensors: Tensors, variant: Variant) {
    this.#tensors = tensors;
    this.#epsilon = variant.layerNormEpsilon;
    this.#gelu = geluForm(variant.gelu);
    const { norm2: { weight, bias }, w1, w2, projection, tokenEmbedding, finalNorm } = tensors;
    const directions = this.directions;
    for (let l = 0; l < WIDTH; l++) {
      directions[l * WIDTH + l] = 1;
      let mean = 0;
      for (let m = 0; m < WIDTH; m++) mean += projection[m * WIDTH + l] / WIDTH;
      for (let m = 0; m < WIDTH; m++) directions[(CENTERED + m) * WIDTH + l] = projection[m * WIDTH + l] - mean;
    }
    for (let k = 0; k < HIDDEN; k++) {
      let mean = 0;
      for (let m = 0; m < WIDTH; m++) mean += w2[m * HIDDEN + k] / WIDTH;
      for (let m = 0; m < WIDTH; m++) this.#centeredW2[m * HIDDEN + k] = w2[m * HIDDEN + k] - mean;
    }
    for (let t = 0; t < READINGS; t++) {
      const row = this.#readout.subarray(t * WIDTH, (t + 1) * WIDTH);
      if (t < TOKENS) row.set(tokenEmbedding.subarray(t * WIDTH, (t + 1) * WIDTH));
      else row[t - TOKENS] = 1;
      if (finalNorm !== undefined) {
        for (let m = 0; m < WIDTH; m++) row[m] *= finalNorm.weight[m];
        center(row, row);
      }
      for (let k = 0; k < HIDDEN; k++) {
        for (let m = 0; m < WIDTH; m++) this.#activationToReadout[t * HIDDEN + k] += row[m] * w2[m * HIDDEN + k];
      }
    }
    for (let k = 0; k < HIDDEN; k++) {
      const alpha = this.#alpha.subarray(k * WIDTH, (k + 1) * WIDTH);
      for (let m = 0; m < WIDTH; m++) {
        alpha[m] = w1[k * WIDTH + m] * weight[m];
        this.#beta[k] += w1[k * WIDTH + m] * bias[m];
      }
      center(alpha, alpha);
      for (let m = 0; m < WIDTH; m++) {
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
      const activation = this.#gelu.value(this.#hidden[k]);
      for (let m = 0; m < WIDTH; m++) x2[m] += w2[m * HIDDEN + k] * activation;
    }
    let r3 = 1;
    if (finalNorm !== undefined) {
      this.#n3 = center(x2, this.#y) + this.#epsilon;
      r3 = 1 / Math.sqrt(this.#n3);
    }
    for (let t = 0; t < TOKENS; t++) {
      let sum = 0;
      for (let m = 0; m < WIDTH; m++) {
        const output = finalNorm === undefined ? x2[m] : r3 * this.#y[m] * finalNorm.weight[m] + finalNorm.bias[m];
        sum += tokenEmbedding[t * WIDTH + m] * output;
      }
      this.logits[t] = sum;
    }
  }

  #differentiate(): void {
    const { projection, w2, finalNorm } = this.#tensors;
    const jacobian = this.#jacobian;
    const r = this.#r;
    jacobian.set(projection);
    for (let k = 0; k < HIDDEN; k++) this.#slope[k] = this.#gelu.slope(this.#hidden[k]);
    for (let l = 0; l < WIDTH; l++) {
      let zDz = 0;
      for (let m = 0; m < WIDTH; m++) zDz += this.#z[m] * this.directions[(CENTERED + m) * WIDTH + l];
      const dr = -(r * r * r) * zDz / WIDTH;
      for (let k = 0; k < HIDDEN; k++) {
        const dHidden = r * this.directions[(INTO_HIDDEN + k) * WIDTH + l] + dr * this.#alphaZ[k];
        const dActivated = this.#slope[k] * dHidden;
        if (dActivated === 0) continue; // most hidden units are shut, or hardly reached
        for (let m = 0; m < WIDTH; m++) jacobian[m * WIDTH + l] += w2[m * HIDDEN + k] * dActivated;
      }
    }
    if (finalNorm === undefined) return;
    this.#x2Jacobian.set(jacobian);
    const r3 = 1 / Math.sqrt(this.#n3);
    for (let l = 0; l < WIDTH; l++) {
      let mean = 0;
      for (let m = 0; m < WIDTH; m++) mean += this.#x2Jacobian[m * WIDTH + l] / WIDTH;
      let yDy = 0;
      for (let m = 0; m < WIDTH; m++) yDy += this.#y[m] * (this.#x2Jacobian[m * WIDTH + l] - mean);
      const dr3 = -(r3 * r3 * r3) * yDy / WIDTH;
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
   * @param lo The least w.d for each of `directions`
   * @param hi The greatest
   */
  curvature(lo: Float64Array, hi: Float64Array): void {
    this.#rangesLo.set(lo);
    this.#rangesHi.set(hi);
    let dzSquared = 0; // at most
    let [zDzLo, zDzHi] = [0, 0];
    let [squaresLo, squaresHi] = [0, 0];
    for (let m = 0; m < WIDTH; m++) {
      const z = this.#z[m];
      const least = lo[CENTERED + m];
      const most = hi[CENTERED + m];
      dzSquared += mostSquare(least, most);
      zDzLo += Math.min(z * least, z * most);
      zDzHi += Math.max(z * least, z * most);
      squaresLo += leastSquare(z + Math.min(0, least), z + Math.max(0, most));
      squaresHi += mostSquare(z + Math.min(0, least), z + Math.max(0, most));
    }
    const norm = this.#norm2;
    boundInverseRoot(norm, this.#n, {
      ...{ squaresLo, squaresHi, slopeLo: zDzLo, slopeHi: zDzHi + dzSquared, bendLo: 0, bendHi: dzSquared },
      epsilon: this.#epsilon,
    });
    const { rLo, rHi, firstLo, firstHi, secondLo, secondHi } = norm;
    const range = this.#scratch;
    for (let k = 0; k < HIDDEN; k++) {
      const stepLo = lo[INTO_HIDDEN + k];
      const stepHi = hi[INTO_HIDDEN + k];
      const atLo = this.#alphaZ[k] + Math.min(0, stepLo);
      const atHi = this.#alphaZ[k] + Math.max(0, stepHi);
      const slopeLo = leastProduct(firstLo, firstHi, atLo, atHi) + leastProduct(rLo, rHi, stepLo, stepHi);
      const slopeHi = mostProduct(firstLo, firstHi, atLo, atHi) + mostProduct(rLo, rHi, stepLo, stepHi);
      const bendLo = leastProduct(secondLo, secondHi, atLo, atHi) + 2 * leastProduct(firstLo, firstHi, stepLo, stepHi);
      const bendHi = mostProduct(secondLo, secondHi, atLo, atHi) + 2 * mostProduct(firstLo, firstHi, stepLo, stepHi);
      // h(t) - h(0) by the mean value theorem
      this.#gelu.range(this.#hidden[k] + Math.min(0, slopeLo), this.#hidden[k] + Math.max(0, slopeHi), range);
      const leastSquared = leastSquare(slopeLo, slopeHi);
      const mostSquared = mostSquare(slopeLo, slopeHi);
      let middle = (range[0] + range[1]) / 2;
      let radius = (range[1] - range[0]) / 2;
      if (Math.abs(middle) < SHUT) {
        radius += Math.abs(middle);
        middle = 0;
      }
      const rest = radius * Math.max(-bendLo, bendHi);
      this.#middleSlope[k] = middle;
      this.#curveLo[k] = leastProduct(range[2], range[3], leastSquared, mostSquared) - rest;
      this.#curveHi[k] = mostProduct(range[2], range[3], leastSquared, mostSquared) + rest;
    }
    if (this.#tensors.finalNorm !== undefined) this.#boundFinalNorm();
  }

  /**
   * Bounds the second derivative of sum_k factor_k g(h_k), into `#bendLo` and `#bendHi`. With g' = middle + rest it is
   * r'' (v.z) + 2 r' (v.dz) + sum_k factor_k (g'' h'^2 + rest h'') for v = sum_k factor_k middle_k alpha_k: what the hidden units have in
   * common, and mostly cancels, is summed before it meets an interval.
   */
  #boundBend(factors: Float64Array): void {
    const { secondLo, secondHi, firstLo, firstHi } = this.#norm2;
    let vZ = 0;
    let lo = 0;
    let hi = 0;
    let v0 = 0;
    let v1 = 0;
    let v2 = 0;
    let v3 = 0;
    let v4 = 0;
    let v5 = 0;
    let v6 = 0;
    const alpha = this.#alpha;
    for (let k = 0; k < HIDDEN; k++) {
      const factor = factors[k];
      if (factor > 0) {
        lo += factor * this.#curveLo[k];
        hi += factor * this.#curveHi[k];
      } else {
        lo += factor * this.#curveHi[k];
        hi += factor * this.#curveLo[k];
      }
      if (this.#middleSlope[k] === 0) continue;
      const share = factor * this.#middleSlope[k];
      vZ += share * this.#alphaZ[k];
      v0 += share * alpha[k * WIDTH];
      v1 += share * alpha[k * WIDTH + 1];
      v2 += share * alpha[k * WIDTH + 2];
      v3 += share * alpha[k * WIDTH + 3];
      v4 += share * alpha[k * WIDTH + 4];
      v5 += share * alpha[k * WIDTH + 5];
      v6 += share * alpha[k * WIDTH + 6];
    }
    const v = this.#v;
    v[0] = v0;
    v[1] = v1;
    v[2] = v2;
    v[3] = v3;
    v[4] = v4;
    v[5] = v5;
    v[6] = v6;
    let stepLo = 0;
    let stepHi = 0;
    for (let m = 0; m < WIDTH; m++) {
      const p = v[m] * this.#rangesLo[CENTERED + m];
      const q = v[m] * this.#rangesHi[CENTERED + m];
      stepLo += Math.min(p, q);
      stepHi += Math.max(p, q);
    }
    const atLo = vZ + Math.min(0, stepLo);
    const atHi = vZ + Math.max(0, stepHi);
    this.#bendLo = lo + leastProduct(secondLo, secondHi, atLo, atHi) +
      2 * leastProduct(firstLo, firstHi, stepLo, stepHi);
    this.#bendHi = hi + mostProduct(secondLo, secondHi, atLo, atHi) + 2 * mostProduct(firstLo, firstHi, stepLo, stepHi);
  }

  /** What the final norm's scale and its derivatives can be: n3 = |y|^2 / 7 + eps, where y' = J d + t y'' for some y'' within its bounds. */
  #boundFinalNorm(): void {
    const jacobian = this.#x2Jacobian;
    let [squaresLo, squaresHi, slopeSumLo, slopeSumHi, bendSumLo, bendSumHi] = [0, 0, 0, 0, 0, 0];
    for (let m = 0; m < WIDTH; m++) {
      this.#boundBend(this.#centeredW2.subarray(m * HIDDEN, (m + 1) * HIDDEN));
      const [bendLo, bendHi] = [this.#bendLo, this.#bendHi];
      let [slopeLo, slopeHi] = [Math.min(0, bendLo), Math.max(0, bendHi)];
      for (let l = 0; l < WIDTH; l++) {
        let mean = 0;
        for (let i = 0; i < WIDTH; i++) mean += jacobian[i * WIDTH + l] / WIDTH;
        const factor = jacobian[m * WIDTH + l] - mean;
        slopeLo += Math.min(factor * this.#rangesLo[l], factor * this.#rangesHi[l]);
        slopeHi += Math.max(factor * this.#rangesLo[l], factor * this.#rangesHi[l]);
      }
      const [yLo, yHi] = [this.#y[m] + Math.min(0, slopeLo), this.#y[m] + Math.max(0, slopeHi)];
      squaresLo += leastSquare(yLo, yHi);
      squaresHi += mostSquare(yLo, yHi);
      slopeSumLo += leastProduct(yLo, yHi, slopeLo, slopeHi);
      slopeSumHi += mostProduct(yLo, yHi, slopeLo, slopeHi);
      // |y|^2 / 2 has the second derivative |y'|^2 + y.y''
      bendSumLo += leastSquare(slopeLo, slopeHi) + leastProduct(yLo, yHi, bendLo, bendHi);
      bendSumHi += mostSquare(slopeLo, slopeHi) + mostProduct(yLo, yHi, bendLo, bendHi);
    }
    boundInverseRoot(this.#norm3, this.#n3, {
      ...{ squaresLo, squaresHi, slopeLo: slopeSumLo, slopeHi: slopeSumHi, bendLo: bendSumLo, bendHi: bendSumHi },
      epsilon: this.#epsilon,
    });
  }

  /** The least second derivative of logit(wanted) - logit(other) that {@linkcode curvature} leaves possible. */
  marginBend(wanted: number, other: number): number {
    for (let k = 0; k < HIDDEN; k++) {
      this.#factors[k] = this.#activationToReadout[wanted * HIDDEN + k] - this.#activationToReadout[other * HIDDEN + k];
    }
    this.#boundBend(this.#factors);
    if (this.#tensors.finalNorm === undefined) return this.#bendLo;
    for (let m = 0; m < WIDTH; m++) {
      this.#reading[m] = this.#readout[wanted * WIDTH + m] - this.#readout[other * WIDTH + m];
    }
    this.#bendThroughFinalNorm(this.#reading);
    return this.#bendLo;
  }

  /** Bounds how far each coordinate of the output, of which the logits are read, is from that at the center. */
  outputMoves(lo: Float64Array, hi: Float64Array): void {
    for (let m = 0; m < WIDTH; m++) {
      const row = TOKENS + m;
      this.#boundBend(this.#activationToReadout.subarray(row * HIDDEN, (row + 1) * HIDDEN));
      if (this.#tensors.finalNorm !== undefined) {
        this.#bendThroughFinalNorm(this.#readout.subarray(row * WIDTH, (row + 1) * WIDTH));
      }
      let least = this.#bendLo / 2;
      let most = this.#bendHi / 2;
      for (let l = 0; l < WIDTH; l++) {
        const slope = this.#jacobian[m * WIDTH + l];
        least += slope * (slope > 0 ? this.#rangesLo[l] : this.#rangesHi[l]);
        most += slope * (slope > 0 ? this.#rangesHi[l] : this.#rangesLo[l]);
      }
      lo[m] = least;
      hi[m] = most;
    }
  }

  /** From the bounds of (e.y)'' to those of the reading r3 e.y, into the same fields: (r3 e.y)'' = r3'' e.y + 2 r3' e.y' + r3 e.y''. */
  #bendThroughFinalNorm(e: Float64Array): void {
    const { rLo, rHi, firstLo, firstHi, secondLo, secondHi } = this.#norm3;
    let at = 0;
    let slopeLo = Math.min(0, this.#bendLo);
    let slopeHi = Math.max(0, this.#bendHi);
    for (let m = 0; m < WIDTH; m++) at += e[m] * this.#y[m];
    for (let l = 0; l < WIDTH; l++) {
      let factor = 0; // e is centered, so that the columns of the Jacobian need not be
      for (let m = 0; m < WIDTH; m++) factor += e[m] * this.#x2Jacobian[m * WIDTH + l];
      slopeLo += Math.min(factor * this.#rangesLo[l], factor * this.#rangesHi[l]);
      slopeHi += Math.max(factor * this.#rangesLo[l], factor * this.#rangesHi[l]);
    }
    const atLo = at + Math.min(0, slopeLo);
    const atHi = at + Math.max(0, slopeHi);
    const lo = leastProduct(secondLo, secondHi, atLo, atHi) +
      2 * leastProduct(firstLo, firstHi, slopeLo, slopeHi) + leastProduct(rLo, rHi, this.#bendLo, this.#bendHi);
    const hi = mostProduct(secondLo, secondHi, atLo, atHi) +
      2 * mostProduct(firstLo, firstHi, slopeLo, slopeHi) + mostProduct(rLo, rHi, this.#bendLo, this.#bendHi);
    this.#bendLo = lo;
    this.#bendHi = hi;
  }

  /**
   * How much each hidden unit has to do with the bend of a margin, for each unit of length that it is moved: what its own curve leaves
   * open, and its share in what the norm's scale does to all of them. It steers how regions are cut and proves nothing.
   */
  importance(wanted: number, other: number | undefined): Float64Array {
    const importance = this.#importance.fill(1);
    if (other === undefined) return importance;
    const { firstLo, firstHi } = this.#norm2;
    for (let k = 0; k < HIDDEN; k++) {
      const factor = this.#activationToReadout[wanted * HIDDEN + k] - this.#activationToReadout[other * HIDDEN + k];
      const width = this.#rangesHi[INTO_HIDDEN + k] - this.#rangesLo[INTO_HIDDEN + k];
      const curve = (this.#curveHi[k] - this.#curveLo[k]) / Math.max(width, 1e-12);
      importance[k] = Math.abs(factor) * (curve + this.#middleSlope[k] * (firstHi - firstLo)) + 1e-9;
    }
    return importance;
  }
}

/** Writes x - mean(x), possibly over x, and gives the biased variance. */
function center(x: Float64Array, centered: Float64Array): number {
  let mean = 0;
  for (let m = 0; m < WIDTH; m++) mean += x[m] / WIDTH;
  let variance = 0;
  for (let m = 0; m < WIDTH; m++) {
    centered[m] = x[m] - mean;
    variance += centered[m] * centered[m] / WIDTH;
  }
  return variance;
}

function newInverseRoot(): InverseRoot {
  return { rLo: 0, rHi: 0, firstLo: 0, firstHi: 0, secondLo: 0, secondHi: 0 };
}

/**
 * r = n^(-1/2) and its derivatives along a segment, for n = |z|^2 / 7 + eps; n' = 2 z.z' / 7, and n'' / 2 = (|z'|^2 + z.z'') / 7. What n can be
 * follows from its start and slope by the mean value theorem, and from the box of z: the better of the two counts on either side.
 *
 * @param start n at the segment's start
 * @param bounds Of |z|^2 over the box of z, of z.z' over the segment (`slope`), and of 7 n'' / 2 (`bend`)
 */
function boundInverseRoot(
  root: InverseRoot,
  start: number,
  { squaresLo, squaresHi, slopeLo, slopeHi, bendLo, bendHi, epsilon }: {
    squaresLo: number;
    squaresHi: number;
    slopeLo: number;
    slopeHi: number;
    bendLo: number;
    bendHi: number;
    epsilon: number;
  },
): void {
  const nLo = Math.max(start + Math.min(0, slopeLo) * 2 / WIDTH, epsilon + squaresLo / WIDTH);
  const nHi = Math.min(start + Math.max(0, slopeHi) * 2 / WIDTH, epsilon + squaresHi / WIDTH);
  const [rLo, rHi] = [1 / Math.sqrt(nHi), 1 / Math.sqrt(nLo)];
  const [cubeLo, cubeHi] = [rLo * rLo * rLo, rHi * rHi * rHi];
  root.rLo = rLo;
  root.rHi = rHi;
  root.firstLo = -mostProduct(cubeLo, cubeHi, slopeLo, slopeHi) / WIDTH;
  root.firstHi = -leastProduct(cubeLo, cubeHi, slopeLo, slopeHi) / WIDTH;
  const squareFactor = 3 / (WIDTH * WIDTH);
  root.secondLo = squareFactor * cubeLo * rLo * rLo * leastSquare(slopeLo, slopeHi) -
    mostProduct(cubeLo, cubeHi, bendLo, bendHi) / WIDTH;
  root.secondHi = squareFactor * cubeHi * rHi * rHi * mostSquare(slopeLo, slopeHi) -
    leastProduct(cubeLo, cubeHi, bendLo, bendHi) / WIDTH;
}
