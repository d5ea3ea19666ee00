import { CheckpointError } from "../checkpoint/common/error.ts";
import { CaseFileError } from "../evaluation/cases.ts";
import { LabError } from "../lab/error.ts";
import { SweepFileError } from "../sweep/error.ts";
import { TrainingError } from "../training/error.ts";
import { Interruption } from "./interruption.ts";
import { permission, shellQuoted } from "./next_command.ts";
import { UsageError } from "./usage_error.ts";

/** An error as the command line reports it. */
export interface Failure {
  /** One sentence for stderr. */
  message: string;
  /** 2 for a bad request, 1 for a failure, 128 + n after signal n. */
  exitCode: number;
}

export function explain(error: unknown): Failure {
  if (error instanceof Interruption) return { message: error.message, exitCode: error.exitCode };
  const denied = [error, (error as Error | undefined)?.cause].find((one) => one instanceof Deno.errors.NotCapable);
  if (denied !== undefined) return { message: missingPermission((denied as Error).message), exitCode: 2 };
  const message = (error instanceof Error ? error.message || error.name : String(error)).split("\n")[0];
  return { message, exitCode: isUsage(error) ? 2 : 1 };
}

const USAGE_ERRORS = [UsageError, CheckpointError, CaseFileError, LabError, SweepFileError, TrainingError];

/**
 * Whether the request was at fault. The library reports bad options and missing backends by plain errors that begin with "Cannot". V8's
 * TypeErrors also begin so; those are our faults.
 */
function isUsage(error: unknown): boolean {
  if (USAGE_ERRORS.some((kind) => error instanceof kind)) return true;
  return error instanceof Error && ["Error", "RangeError"].includes(error.name) && error.message.startsWith("Cannot ");
}

/** Rewrites Deno's `Requires read access to "x", run again with the --allow-read flag`. */
function missingPermission(message: string): string {
  const [, kind, what, flag] = /Requires (\w+) access to (.+), run again with the (--[\w-]+) flag/.exec(message) ?? [];
  if (flag === undefined) return message;
  const target = what.replace(/^"(.*)"$/, "$1");
  if (flag === "--allow-all") {
    return `Cannot go on as Deno opens ${target} with --allow-all alone, which permits everything: ` +
      "copy it to a file, or write - for standard input or output, which needs no permission";
  }
  const doing = kind === "net" ? "use the network at" : kind;
  const [allowed] = permission(flag, [target]);
  return `Cannot go on as Deno may not ${doing} ${target}: run again with deno run ${shellQuoted(allowed)} cli.ts …`;
}
