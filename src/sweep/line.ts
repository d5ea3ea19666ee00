import { excerpt, reasonOf } from "../checkpoint/common/error.ts";
import type { Arithmetic } from "../engine/interface/types.ts";
import { MODEL_NAMES, type ModelName, parseModel } from "../model/variant.ts";
import { SweepFileError } from "./error.ts";

/** The result of a run, a line of JSON. The fields up to `certify` determine all others but the two times. */
export interface SweepLine {
  /** Version of this format. */
  readonly format: 1;
  readonly recipe: string;
  /** The first 16 digits of the SHA-256 of the recipe's data. */
  readonly recipeHash: string;
  readonly model: ModelName;
  readonly seed: number;
  readonly arithmetic: Arithmetic;
  readonly backend: string;
  /** The GPU, if it ran on one. Another GPU may round differently, so the same seed on it is another run. */
  readonly adapter?: string;
  /** The number of held-out uniform pairs of 10-digit numbers that the model was tested on. */
  readonly pairs: number;
  /** The number of hard pairs, with long carries or at the edges. */
  readonly hard: number;
  /** Whether the run ended with a proof, and with hardening if the recipe has it. */
  readonly certify: boolean;
  /** Wrong sums of uniform pairs. */
  readonly errors: number;
  /** Wrong sums of hard pairs. */
  readonly hardErrors: number;
  /** Attempts: 1, and one more for each gate that closed. */
  readonly attempts: number;
  /** Whether the weights were proved right on all inputs; false if refuted or undecided, null if no proof was tried. */
  readonly certified: boolean | null;
  /** Rounds of hardening; null if the recipe has none. */
  readonly hardeningRounds: number | null;
  /** Steps of the last attempt. */
  readonly steps: number;
  /** Examples of all attempts. */
  readonly examples: number;
  /** SHA-256 of the weights as little-endian float32, or null if the run failed. */
  readonly weights: string | null;
  /** Why there are no weights; then all sums count as wrong. */
  readonly failure: string | null;
  readonly trainSeconds: number;
  /** From start to end, tests and proof included. */
  readonly seconds: number;
}

type Field = keyof SweepLine;

const COUNTS: readonly Field[] = ["seed", "pairs", "hard", "errors", "hardErrors", "attempts", "steps", "examples"];
const TEXTS: readonly Field[] = ["recipe", "recipeHash", "arithmetic", "backend"];
const TIMES: readonly Field[] = ["trainSeconds", "seconds"];

/** The identity of a run: two lines with the same key are the same run, which is done only once. */
export function keyOf(
  { recipe, recipeHash, model, seed, arithmetic, backend, adapter, pairs, hard, certify }: Pick<
    SweepLine,
    "recipe" | "recipeHash" | "model" | "seed" | "arithmetic" | "backend" | "adapter" | "pairs" | "hard" | "certify"
  >,
): string {
  return JSON.stringify([recipe, recipeHash, model, seed, arithmetic, backend, adapter ?? "", pairs, hard, certify]);
}

/** A line without the times, which always differ. */
export function withoutTimes(line: SweepLine): Omit<SweepLine, "trainSeconds" | "seconds"> {
  const { trainSeconds: _, seconds: __, ...rest } = line;
  return rest;
}

/**
 * Reads one line.
 *
 * @param source The file and line, for errors
 * @throws {SweepFileError} If it is not the line of a run
 */
export function parseLine(text: string, source: string): SweepLine {
  const fail = (reason: string) =>
    new SweepFileError(`Cannot read ${source} as it must be the line of a run: ${reason}`);
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw fail(reasonOf(error));
  }
  if (typeof found !== "object" || found === null || Array.isArray(found)) throw fail("it is not a JSON object");
  const line = found as Record<Field, unknown>;
  const check = (fields: readonly Field[], wanted: string, fits: (value: unknown) => boolean) => {
    for (const field of fields) {
      if (!fits(line[field])) throw fail(`${field} must be ${wanted}: it is ${excerpt(line[field])}`);
    }
  };
  check(["format"], "1", (value) => value === 1);
  check(["model"], MODEL_NAMES, (value) => parseModel(String(value)) === value);
  check(COUNTS, "a whole number, 0 or more", (value) => Number.isSafeInteger(value) && (value as number) >= 0);
  check(TEXTS, "a string", (value) => typeof value === "string");
  check(TIMES, "a number, 0 or more", (value) => typeof value === "number" && value >= 0);
  check(["certify"], "true or false", (value) => typeof value === "boolean");
  check(["certified"], "true, false or null", (value) => value === null || typeof value === "boolean");
  check(["hardeningRounds"], "a whole number or null", (value) => value === null || Number.isSafeInteger(value));
  check(["adapter"], "a string, if present", (value) => value === undefined || typeof value === "string");
  check(["weights", "failure"], "a string or null", (value) => value === null || typeof value === "string");
  check(["errors"], `at most ${line.pairs}`, (value) => (value as number) <= (line.pairs as number));
  check(["hardErrors"], `at most ${line.hard}`, (value) => (value as number) <= (line.hard as number));
  return line as unknown as SweepLine;
}
