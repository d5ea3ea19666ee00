import { CheckpointError } from "../checkpoint/error.ts";
import { CaseFileError } from "../evaluation/cases.ts";
import { LabError } from "../lab/error.ts";
import { SweepFileError } from "../sweep/error.ts";
import { TrainingError } from "../training/error.ts";
import { Interruption } from "./interruption.ts";
import { UsageError } from "./usage_error.ts";

/** A sentence and an exit code. */
export interface Failure {
  /** What to print on stderr. */
  message: string;
  /** 2 where another request would have worked, 1 where something broke, 128 + n where signal n ended it. */
  exitCode: number;
}

/** Explains an error. */
export function explain(error: unknown): Failure {
  if (error instanceof Interruption) return { message: error.message, exitCode: error.exitCode };
  const denied = [error, (error as Error | undefined)?.cause].find((one) => one instanceof Deno.errors.NotCapable);
  if (denied !== undefined) return { message: missingPermission((denied as Error).message), exitCode: 2 };
  const message = (error instanceof Error ? error.message || error.name : String(error)).split("\n")[0];
  return { message, exitCode: isUsage(error) ? 2 : 1 };
}

const USAGE_ERRORS = [UsageError, CheckpointError, CaseFileError, LabError, SweepFileError, TrainingError];

/**
 * Whether the request was at fault. The library's errors about its options are plain ones that begin with "Cannot", and so is
 * that of a backend which is missing here; the TypeErrors of V8 that begin so are faults of ours.
 */
function isUsage(error: unknown): boolean {
  if (USAGE_ERRORS.some((kind) => error instanceof kind)) return true;
  return error instanceof Error && ["Error", "RangeError"].includes(error.name) && error.message.startsWith("Cannot ");
}

/** Makes a sentence of Deno's `Requires read access to "x", run again with the --allow-read flag`. */
function missingPermission(message: string): string {
  const [, kind, what, flag] = /Requires (\w+) access to (.+), run again with the (--[\w-]+) flag/.exec(message) ?? [];
  if (flag === undefined) return message;
  const target = what.replace(/^"(.*)"$/, "$1");
  const doing = kind === "net" ? "use the network at" : kind;
  return `Cannot go on as Deno may not ${doing} ${target}: run again with deno run ${flag}=${target} cli.ts …`;
}
