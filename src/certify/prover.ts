/**
 * What a thread of the prover does: bounds for the regions that it is told. Nothing here depends on when or where it is asked.
 *
 * @module
 */
import { tensorsOf } from "../engine/reference/model.ts";
import { type ModelName, TOKENS, variantOf, WIDTH } from "../model/variant.ts";
import { EQUALS, QUERIES, targetTokens } from "../model/vocabulary.ts";
import { Bounder, type Cut } from "./bound.ts";
import { attentionOf } from "./extremes.ts";
import { Head } from "./head.ts";
import { Query } from "./query.ts";
import { type Region, regionsOf } from "./region.ts";
import { quickBounds } from "./scan.ts";
import type { Input } from "./types.ts";

/** A part of a region, to be bounded. */
export interface Part {
  /** Which token of the answer. */
  readonly step: number;
  /** The token at the position that asks. */
  readonly token: number;
  /** The region's number among those of its step and token. */
  readonly number: number;
  /** The digits of the part; those of the region where it is not cut. */
  readonly digits?: Uint16Array;
  /** The part's box, where it is cut along an axis. */
  readonly box?: Float64Array;
}

/** A part, what is known of it, and how it can be cut. */
export interface BoundedPart extends Part {
  /** No input in it has a smaller margin; Infinity where it holds none. */
  readonly bound: number;
  /** The smallest margin met in its region. */
  readonly found?: Input & { readonly margin: number };
  /** How to cut it; undefined where it is a single input, or its bound was large enough. */
  readonly cut?: Cut;
}

/** The prover's machinery for one model. */
export class Prover {
  readonly #tensors;
  readonly #variant;
  readonly #head: Head;
  readonly #bounder: Bounder;
  readonly #queries = new Map<number, Query>();
  readonly #regions = new Map<number, Region[]>();

  /** Takes the weights. */
  constructor(model: ModelName, parameters: Float32Array) {
    this.#variant = variantOf(model);
    this.#tensors = tensorsOf(Float64Array.from(parameters), this.#variant);
    this.#head = new Head(this.#tensors, this.#variant);
    this.#bounder = new Bounder(this.#head);
  }

  #query(step: number, token: number): Query {
    return remembered(this.#queries, 100 * step + token, () => new Query(this.#tensors, this.#variant, step, token));
  }

  #regionsOf(step: number, token: number): Region[] {
    return remembered(this.#regions, 100 * step + token, () => regionsOf(step, token));
  }

  #regionOf({ step, token, number, digits, box }: Part): Region {
    const region = this.#regionsOf(step, token)[number];
    return { ...region, ...(digits && { digits }), ...(box && { box }) };
  }

  /** Quick bounds of all regions of a step and token. */
  scan(step: number, token: number): Float64Array {
    const { tokenEmbedding } = this.#tensors;
    return quickBounds(this.#head, tokenEmbedding, this.#query(step, token), this.#regionsOf(step, token));
  }

  /** Bounds parts: those that are known to be in need of it are cut in two first. @param enough A bound that large need not be improved */
  refine(parts: readonly (Part & { cut?: Cut })[], enough: number): BoundedPart[][] {
    return parts.map(({ cut, ...part }) => {
      const query = this.#query(part.step, part.token);
      const region = this.#regionOf(part);
      if (cut === undefined) return [this.#bound(query, part, region, enough)];
      return this.#bounder.parts(query, region, cut).map((side) =>
        this.#bound(query, { ...part, digits: side.digits, ...(side.box && { box: side.box }) }, side, enough)
      );
    });
  }

  #bound(query: Query, part: Part, region: Region, enough: number): BoundedPart {
    const { bound, found, cut } = this.#bounder.bound(query, region, enough);
    return {
      ...{ ...part, bound },
      ...(found && { found: { a: valueOf(found.input.a), b: valueOf(found.input.b), margin: found.margin } }),
      ...(cut && { cut }),
    };
  }

  /** The axes along which the regions of a step and token are cut, one a row. */
  axes(step: number, token: number): number[][] {
    const axes = this.#bounder.axesOf(this.#query(step, token), step);
    return Array.from({ length: WIDTH }, (_, i) => [...axes.subarray(i * WIDTH, (i + 1) * WIDTH)]);
  }

  /** The largest difference of an engine's logits [n, 12, 14] from those in float64. */
  largestError(operands: Float64Array, logits: Float32Array): number {
    let largest = 0;
    const o = new Float64Array(WIDTH);
    for (let i = 0; i < operands.length; i += 2) {
      const [a, b] = [operands[i], operands[i + 1]];
      const digits = { a: digitsOf(a), b: digitsOf(b) };
      const targets = targetTokens(a, b);
      for (let step = 0; step < QUERIES; step++) {
        const query = this.#query(step, step === 0 ? EQUALS : targets[step - 1]);
        attentionOf(step, query, digits, o);
        const exact = this.#head.logitsAt(query.x0, o);
        const at = (i / 2 * QUERIES + step) * TOKENS;
        for (let t = 0; t < TOKENS; t++) {
          const error = Math.abs(logits[at + t] - exact[t]);
          if (!(error <= largest)) largest = Number.isNaN(error) ? Infinity : error;
        }
      }
    }
    return largest;
  }
}

/** The ten digits of an operand, ones first. */
function digitsOf(value: number): number[] {
  const digits = new Array<number>(10);
  for (let place = 0; place < 10; place++) {
    digits[place] = value % 10;
    value = Math.floor(value / 10);
  }
  return digits;
}

function valueOf(digits: readonly number[]): number {
  return digits.reduceRight((total, digit) => 10 * total + digit, 0);
}

function remembered<V>(values: Map<number, V>, key: number, make: () => V): V {
  let value = values.get(key);
  if (value === undefined) values.set(key, value = make());
  return value;
}
