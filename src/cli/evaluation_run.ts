import { formatInteger } from "../common/format_integer.ts";
import { createEngine } from "../engine/mod.ts";
import type { Engine } from "../engine/interface/types.ts";
import { evaluate, type Evaluation } from "../evaluation/evaluate.ts";
import type { Operands } from "../model/problem.ts";
import { modelFrom } from "./files.ts";
import { defaultThreads, type ENGINE_FLAGS, type FlagValues } from "./flags.ts";
import { printJson, sumLine } from "./format.ts";
import { ProgressDisplay } from "./progress.ts";

/** Wrong sums in the printed list; the JSON has up to 100. */
const ERRORS_SHOWN = 10;

/** The result of `eval` and `verify`: the seconds spent adding, what ran, and the path of the checkpoint, or `shipped`. */
export type EvaluationResult =
  & Evaluation
  & Pick<Engine, "backend" | "adapter" | "threads" | "arithmetic">
  & { seconds: number; checkpoint: string };

/** Adds all problems with a model, with progress on stderr. Lists at most 100 errors. */
export async function runEvaluation(
  title: string,
  { from, backend, threads, arithmetic }: FlagValues<typeof ENGINE_FLAGS> & { from?: string },
  operands: Operands | ((engine: Engine) => Operands),
): Promise<EvaluationResult> {
  const { checkpoint: { model, parameters }, name } = await modelFrom(from);
  const engine = await createEngine({ backend, model, threads: threads ?? defaultThreads(), arithmetic });
  const display = new ProgressDisplay(title);
  try {
    engine.setParameters(parameters);
    const problems = typeof operands === "function" ? operands(engine) : operands;
    const start = performance.now();
    const evaluation = await evaluate(engine, problems, {
      onProgress: ({ done, total }) =>
        display.update(done, total, `${formatInteger(done)} of ${formatInteger(total)} sums`),
    });
    return {
      ...evaluation,
      seconds: (performance.now() - start) / 1000,
      backend: engine.backend,
      ...(engine.adapter !== undefined && { adapter: engine.adapter }),
      threads: engine.threads,
      arithmetic: engine.arithmetic,
      checkpoint: name,
    };
  } finally {
    display.end();
    await engine.dispose();
  }
}

/** Prints the result: as JSON, or as a summary and the first errors. @returns The exit code */
export function reportEvaluation(
  result: EvaluationResult,
  { json, summary }: { json: boolean; summary: string },
): number {
  if (json) {
    printJson(result);
  } else {
    console.log(summary);
    for (const error of result.errors.slice(0, ERRORS_SHOWN)) console.log(sumLine(error));
  }
  return result.correct === result.total ? 0 : 1;
}
