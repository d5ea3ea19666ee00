import { permission, shellQuoted } from "./next_command.ts";
import { Interruption } from "./progress.ts";

/** Errors of a request that is at fault; V8's own TypeErrors also begin with "Cannot", but are our faults. */
const USAGE_ERRORS = /^(Range|Usage|Checkpoint|CaseFile|Lab|SweepFile|Training)?Error$/;

/** An error as one sentence for stderr, and the exit code: 2 for a bad request, 1 for a failure, 128 + n after signal n. */
export function explain(error: unknown): { message: string; exitCode: number } {
  if (error instanceof Interruption) return { message: error.message, exitCode: error.exitCode };
  const denied = [error, (error as Error | undefined)?.cause].find((one) => one instanceof Deno.errors.NotCapable);
  if (denied !== undefined) return { message: missingPermission((denied as Error).message), exitCode: 2 };
  const { name, message } = error instanceof Error ? error : { name: "", message: String(error) };
  const isUsage = message.startsWith("Cannot ") && USAGE_ERRORS.test(name);
  return { message: (message || name).split("\n")[0], exitCode: isUsage ? 2 : 1 };
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
