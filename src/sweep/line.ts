/**
 * The result of one run of a sweep: one line of JSON.
 *
 * @module
 */
import { excerpt, reasonOf } from "../checkpoint/error.ts";
import type { Arithmetic } from "../engine/types.ts";
import { type ModelName, MODELS } from "../model/variant.ts";
import { SweepFileError } from "./error.ts";

/** What came of a run. All but the two times follows from the first ten fields. */
export interface SweepLine {
  /** Version of this format. */
  readonly format: 1;
  /** The recipe's name. */
  readonly recipe: string;
  /** The first 16 digits of the SHA-256 of the recipe's data. */
  readonly recipeHash: string;
  /** The variant of the model. */
  readonly model: ModelName;
  /** The seed. */
  readonly seed: number;
  /** The arithmetic that ran. */
  readonly arithmetic: Arithmetic;
  /** The backend that ran. */
  readonly backend: string;
  /** The GPU that it ran on; missing where it ran on none. Another one may round otherwise, which makes another run of it. */
  readonly adapter?: string;
  /** Held-out uniform pairs of 10-digit numbers that the model was asked. */
  readonly pairs: number;
  /** Hard pairs that it was asked: long carries, edges. */
  readonly hard: number;
  /** Whether the run ended with a proof, and with hardening where the recipe has it. */
  readonly certify: boolean;
  /** Wrong sums of uniform pairs. */
  readonly errors: number;
  /** Wrong sums of hard pairs. */
  readonly hardErrors: number;
  /** How often the run was started: 1, and once more for each gate that closed. */
  readonly attempts: number;
  /** Whether the weights were proved right on all inputs; null where no proof was tried, false where it found a wrong sum or came to no end. */
  readonly certified: boolean | null;
  /** Rounds of hardening; null where the recipe has none. */
  readonly hardeningRounds: number | null;
  /** Steps of the attempt that counts. */
  readonly steps: number;
  /** Examples of all attempts. */
  readonly examples: number;
  /** SHA-256 of the weights as little-endian float32, or null where the run failed. */
  readonly weights: string | null;
  /** Why there are no weights; all sums count as wrong then. */
  readonly failure: string | null;
  /** Seconds of training. */
  readonly trainSeconds: number;
  /** Seconds of all. */
  readonly seconds: number;
}

type Field = keyof SweepLine;

const COUNTS: readonly Field[] = ["seed", "pairs", "hard", "errors", "hardErrors", "attempts", "steps", "examples"];
const TEXTS: readonly Field[] = ["recipe", "recipeHash", "arithmetic", "backend"];
const TIMES: readonly Field[] = ["trainSeconds", "seconds"];

/** What a run is, so that it is done once: two lines with the same key are the same run. */
export function keyOf(
  { recipe, recipeHash, model, seed, arithmetic, backend, adapter, pairs, hard, certify }: Pick<
    SweepLine,
    "recipe" | "recipeHash" | "model" | "seed" | "arithmetic" | "backend" | "adapter" | "pairs" | "hard" | "certify"
  >,
): string {
  return JSON.stringify([recipe, recipeHash, model, seed, arithmetic, backend, adapter ?? "", pairs, hard, certify]);
}

/** A line without what no two runs have alike. */
export function withoutTimes(line: SweepLine): Omit<SweepLine, "trainSeconds" | "seconds"> {
  const { trainSeconds: _, seconds: __, ...rest } = line;
  return rest;
}

/**
 * Reads one line.
 *
 * @param source What it is called in errors: file and number of the line
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
  if (typeof found !== "object" || found === null || Array.isArray(found)) throw fail("it is no JSON object");
  const line = found as Record<Field, unknown>;
  const check = (fields: readonly Field[], wanted: string, fits: (value: unknown) => boolean) => {
    for (const field of fields) {
      if (!fits(line[field])) throw fail(`${field} must be ${wanted}: it is ${excerpt(line[field])}`);
    }
  };
  check(["format"], "1", (value) => value === 1);
  check(["model"], `one of ${MODELS.join(", ")}`, (value) => MODELS.includes(value as ModelName));
  check(COUNTS, "a whole number, 0 or more", (value) => Number.isSafeInteger(value) && (value as number) >= 0);
  check(TEXTS, "a text", (value) => typeof value === "string");
  check(TIMES, "a number, 0 or more", (value) => typeof value === "number" && value >= 0);
  check(["certify"], "true or false", (value) => typeof value === "boolean");
  check(["certified"], "true, false or null", (value) => value === null || typeof value === "boolean");
  check(["hardeningRounds"], "a whole number or null", (value) => value === null || Number.isSafeInteger(value));
  check(["adapter"], "a text, if it is there", (value) => value === undefined || typeof value === "string");
  check(["weights", "failure"], "a text or null", (value) => value === null || typeof value === "string");
  check(["errors"], `at most ${line.pairs}`, (value) => (value as number) <= (line.pairs as number));
  check(["hardErrors"], `at most ${line.hard}`, (value) => (value as number) <= (line.hard as number));
  return line as unknown as SweepLine;
}
