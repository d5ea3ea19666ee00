import type { ContinueOptions, TrainOptions, TrainResult } from "./types.ts";

/**
 * Trains a model from scratch.
 *
 * @example Usage
 * ```ts
 * import { loadAdder, train } from "@x/tiny-adder";
 *
 * const { checkpoint, report } = await train({ recipe: "fast", seed: 1, steps: 100 });
 * console.log(report.exactMatch, loadAdder(checkpoint).add(42, 7));
 * ```
 *
 * @throws {RangeError} If an option is out of its range, or there is no such recipe
 * @throws {TrainingError} If the run cannot go on, or `out` holds a run that is not finished
 * @throws {CheckpointError} If `out` cannot be written to
 * @throws {EngineError} If a thread dies, or memory is refused; what was saved last stays
 */
export async function train(options: TrainOptions = {}): Promise<TrainResult> {
  const { startTraining } = await import("./start.ts");
  return await startTraining(options);
}

/**
 * Trains on from a checkpoint, with a fresh optimizer: the second pass of a recipe.
 *
 * @example Usage
 * ```ts
 * import { continueTraining, train } from "@x/tiny-adder";
 *
 * const first = await train({ seed: 1, steps: 100 });
 * const second = await continueTraining({ from: first.checkpoint, steps: 100 });
 * console.log(second.report.steps);
 * ```
 *
 * @throws {RangeError} If an option is out of its range, or there is no such recipe
 * @throws {TrainingError} If the run cannot go on, or `out` holds a run that is not finished
 * @throws {CheckpointError} If `from` is no checkpoint, or `out` cannot be written to
 * @throws {EngineError} If a thread dies, or memory is refused; what was saved last stays
 */
export async function continueTraining(options: ContinueOptions): Promise<TrainResult> {
  const { startContinuing } = await import("./start.ts");
  return await startContinuing(options);
}
