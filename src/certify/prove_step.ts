/**
 * The proof of one step: bounds for all of its regions, the worst of which are cut until every bound is near what an input attains.
 *
 * @module
 */
import { EQUALS } from "../model/vocabulary.ts";
import type { Cut } from "./bound.ts";
import { Heap } from "./heap.ts";
import type { BoundedPart, Part } from "./prover.ts";
import { tokensAt } from "./region.ts";
import type { Crew } from "./crew.ts";
import type { CertificateStep, Input, Split, StepResult } from "./types.ts";

/** Cutting ends where the least bound is this share of the smallest margin met: the proof is then tight enough. */
const TIGHT = 0.95;
/** After so many cuts less will do, and after more of them nothing is cut for a tighter bound alone. */
const CUTS_TO_TIGHTEN = 4000;
const LESS_TIGHT = 0.5;
const MOST_CUTS_TO_TIGHTEN = 20_000;
/** After so many cuts a step that has a margin below what is demanded, and no wrong sum near it, is given up. */
const MOST_CUTS_WITHOUT_HOPE = 2000;
/** Parts that are bounded at once, whatever the number of threads is: what comes out must not depend on it. */
const BATCH = 64;
/** Of these, parts that a thread takes at a time. */
const SHARE = 4;
/** So many of the inputs with the smallest margins are told. */
const MOST_NARROW = 16;
/** What is claimed of a bound. The checker bounds the same regions in another way, now and then by some 5% less tightly (measured). */
const CLAIMED = 0.9;
/** A little more than what is lost when a bound is written down rounded. */
const ROUNDED = 1e-5;

/** How a region is cut, while that is not known to the end. */
interface Place {
  cut?: Cut;
  parts?: [Place, Place];
}

function splitOf({ cut, parts }: Place): Split {
  return cut === undefined ? 0 : [cut.position, cut.at, splitOf(parts![0]), splitOf(parts![1])];
}

/** A part of the inputs that is not settled yet. */
interface Open {
  bound: number;
  part: Part;
  place: Place;
  /** How it can be cut; undefined where it cannot or only the quick bound is known. */
  cut?: Cut;
  /** Whether only the quick bound is known. */
  quick: boolean;
}

/** What comes of a step. */
export type StepOutcome =
  & (
    | { proved: true; result: StepResult; certificate: CertificateStep }
    | { proved: false; counterexample: Input }
    | { proved: false; open: BoundedPart }
  )
  & {
    /** Inputs with the smallest margins met, the smallest first. */
    narrow: (Input & { margin: number })[];
  };

/** What a step's proof works with. */
export interface StepTools {
  crew: Crew;
  /** The least margin that will do. */
  demanded: number;
  /** Whether the model really adds a pair wrongly. */
  isWrong: (input: Input) => boolean;
  /** Gives up after that many cuts. */
  mostCuts: number;
  /** Whether the time is up. */
  expired: () => boolean;
  /** Is told which share of the step's regions is settled. */
  onProgress: (proved: number) => void;
}

/**
 * Proves one step, best bound last.
 *
 * The least bound of all open parts is a lower bound for the step; the margin of any input is an upper one. The parts with the least
 * bounds are bounded more tightly, then cut, until the two are near each other.
 */
export async function proveStep(step: number, tools: StepTools): Promise<StepOutcome> {
  const { crew, demanded, isWrong, mostCuts, expired, onProgress } = tools;
  const needed = (demanded + ROUNDED) / CLAIMED;
  const heap = new Heap<Open>();
  const tokens = tokensAt(step, EQUALS);
  const regionPlaces = new Map<string, [token: number, region: number, Place]>();
  let regions = 0;
  let scanned = 0;
  const scans = await Promise.all(tokens.map(async (token) => {
    const bounds = await crew.ask("scan", [step, token], step);
    onProgress(++scanned / (tokens.length + 1));
    return { token, bounds };
  }));
  for (const { token, bounds } of scans) {
    for (const [number, bound] of bounds.entries()) {
      heap.push({ bound, part: { step, token, number }, place: {}, quick: true });
    }
    regions += bounds.length;
  }

  let worst: StepResult["worst"] = { a: 0, b: 0, margin: Infinity };
  let cuts = 0;
  const narrow: StepOutcome["narrow"] = [];
  const meet = (found: Input & { margin: number }) => {
    if (narrow.length === MOST_NARROW && found.margin >= narrow[MOST_NARROW - 1].margin) return;
    if (narrow.some(({ a, b }) => a === found.a && b === found.b)) return;
    narrow.splice(narrow.findLastIndex(({ margin }) => margin <= found.margin) + 1, 0, found);
    narrow.length = Math.min(narrow.length, MOST_NARROW);
  };
  const undecided = ({ part, bound }: Open): StepOutcome => ({ proved: false, open: { ...part, bound }, narrow });
  for (;;) {
    const share = cuts < CUTS_TO_TIGHTEN ? TIGHT : cuts < MOST_CUTS_TO_TIGHTEN ? LESS_TIGHT : 0;
    const enough = Math.max(needed, share === 0 ? 0 : share * worst.margin); // worst.margin may be Infinity
    const batch: Open[] = [];
    while (batch.length < BATCH && heap.size > 0 && heap.first()!.bound < enough) batch.push(heap.pop()!);
    if (batch.length === 0) {
      onProgress(1);
      const least = heap.first()!.bound;
      const margin = Math.floor(1e6 * CLAIMED * least - 1) / 1e6;
      const splits = [...regionPlaces.values()].map(([token, number, place]): [number, number, Split] => [
        token,
        number,
        splitOf(place),
      ]);
      const axes = await axesOf(step, splits, crew);
      return {
        proved: true,
        result: { step, margin, worst, regions, splits: cuts },
        certificate: { step, margin, worst, axes, splits },
        narrow,
      };
    }
    const lowest = batch[0];
    const open = lowest.bound < needed;
    if (open && (expired() || cuts >= mostCuts)) return undecided(lowest);
    // no proof is possible, and a wrong sum was not near
    if (worst.margin < demanded && cuts >= MOST_CUTS_WITHOUT_HOPE) return undecided(lowest);
    // a single input: bound and margin are the same but for rounding, and too small
    const stuck = batch.find(({ quick, cut }) => !quick && cut === undefined);
    if (stuck !== undefined) return undecided(stuck);

    const chunks = Array.from(
      { length: Math.ceil(batch.length / SHARE) },
      (_, i) => batch.slice(i * SHARE, (i + 1) * SHARE),
    );
    const refined = (await Promise.all(chunks.map((chunk) =>
      crew.ask("refine", [chunk.map(({ part, cut }) => ({ ...part, ...(cut && { cut }) })), enough], step)
    ))).flat();
    for (const [i, bounded] of refined.entries()) {
      const { part, place, cut } = batch[i];
      if (cut !== undefined) {
        cuts++;
        place.cut = cut;
        place.parts = [{}, {}];
        const key = `${part.token} ${part.number}`;
        if (!regionPlaces.has(key)) {
          regionPlaces.set(key, [part.token, part.number, place]);
        }
      }
      for (const [side, { bound, found, cut: next, ...own }] of bounded.entries()) {
        if (found !== undefined) {
          meet(found);
          if (found.margin < worst.margin) {
            worst = found;
          }
          if (found === worst && found.margin < demanded && isWrong(found)) {
            return { proved: false, counterexample: found, narrow };
          }
        }
        heap.push({ bound, part: own, place: place.parts?.[side] ?? place, cut: next, quick: false });
      }
    }
  }
}

/** The axes along which regions are cut, by the token that asks. */
async function axesOf(
  step: number,
  splits: readonly [token: number, region: number, Split][],
  crew: Crew,
): Promise<CertificateStep["axes"]> {
  const usesAxes = (split: Split): boolean => split !== 0 && (split[0] < 0 || usesAxes(split[2]) || usesAxes(split[3]));
  const tokens = new Set(splits.filter(([, , split]) => usesAxes(split)).map(([token]) => token));
  const axes: [token: number, axes: number[][]][] = [];
  for (const token of [...tokens].sort((x, y) => x - y)) {
    axes.push([token, await crew.ask("axes", [step, token], step)]);
  }
  return axes;
}
