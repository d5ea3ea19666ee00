import { isObject, isWhole } from "../common/checks.ts";
import { formatJson } from "../common/format_value.ts";
import { parseJson } from "../common/text.ts";
import { MODEL_NAMES, parseModel } from "../model/variant.ts";
import type { TrainReport } from "../training/types.ts";

/** The file of a sweep cannot be read or written, or holds something else. */
export class SweepFileError extends Error {
  override readonly name = "SweepFileError";
}

type Reported = "recipe" | "model" | "seed" | "arithmetic" | "certified" | "hardeningRounds" | "steps" | "examples";

/** The result of a run, a line of JSON. The fields of {@linkcode SweepIdentity} determine all others but the two times. */
export interface SweepLine extends Readonly<Pick<TrainReport, Reported | "trainSeconds">> {
  readonly format: 1;
  /** The first 16 digits of the SHA-256 of the recipe's data. */
  readonly recipeHash: string;
  readonly backend: string;
  /** The GPU, if it ran on one. Another GPU may round differently, so the same seed on it is another run. */
  readonly adapter?: string;
  /** The number of held-out uniform pairs of 10-digit numbers that the model was tested on. */
  readonly pairs: number;
  /** The number of hard pairs, with long carries or at the edges. */
  readonly hard: number;
  /** Whether the run ended with a proof, and with hardening if the recipe has it. */
  readonly certify: boolean;
  readonly errors: number;
  readonly hardErrors: number;
  /** Attempts: 1, and one more for each gate that closed. */
  readonly attempts: number;
  /** SHA-256 of the weights as little-endian float32, or null if the run failed. */
  readonly weights: string | null;
  /** Why there are no weights; then all sums count as wrong. */
  readonly failure: string | null;
  /** From start to end, tests and proof included. */
  readonly seconds: number;
}

/** The fields that determine all others but the times. */
const IDENTITY = [
  ...["recipe", "model", "arithmetic", "backend", "adapter", "recipeHash", "pairs", "hard", "certify", "seed"] as const,
];

export type SweepIdentity = Pick<SweepLine, typeof IDENTITY[number]>;

/** An identity as a text: two lines with the same key are the same run, which is done only once. */
export function keyOf(identity: SweepIdentity): string {
  return JSON.stringify(IDENTITY.map((field) => identity[field] ?? ""));
}

/** Reads one line. @param source The file and line, for errors @throws {SweepFileError} If it is not the line of a run */
export function parseLine(text: string, source: string): SweepLine {
  const fail = (reason: string) =>
    new SweepFileError(`Cannot read ${source} as it must be the line of a run: ${reason}`);
  const found: unknown = parseJson(text, fail);
  if (!isObject(found)) throw fail("it is not a JSON object");
  const check = (right: string, fits: (value: unknown) => boolean, ...fields: (keyof SweepLine)[]) => {
    const wrong = fields.find((field) => !fits(found[field]));
    if (wrong !== undefined) throw fail(`${wrong} must be ${right}: it is ${formatJson(found[wrong])}`);
  };
  const isText = (value: unknown) => typeof value === "string";
  check("1", (value) => value === 1, "format");
  check(MODEL_NAMES, (value) => parseModel(String(value)) === value, "model");
  const counts = ["seed", "pairs", "hard", "errors", "hardErrors", "attempts", "steps", "examples"] as const;
  check("a whole number, 0 or more", (value) => isWhole(value, 0), ...counts);
  check("a string", isText, "recipe", "recipeHash", "arithmetic", "backend");
  check("a number, 0 or more", (value) => typeof value === "number" && value >= 0, "trainSeconds", "seconds");
  check("true or false", (value) => typeof value === "boolean", "certify");
  check("true, false or null", (value) => value === null || typeof value === "boolean", "certified");
  check("a whole number or null", (value) => value === null || Number.isSafeInteger(value), "hardeningRounds");
  check("a string, if present", (value) => value === undefined || isText(value), "adapter");
  check("a string or null", (value) => value === null || isText(value), "weights", "failure");
  const line = found as unknown as SweepLine;
  check(`at most ${line.pairs}`, (value) => value as number <= line.pairs, "errors");
  check(`at most ${line.hard}`, (value) => value as number <= line.hard, "hardErrors");
  return line;
}
