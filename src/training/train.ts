import type { ContinueOptions, TrainOptions, TrainResult } from "./types.ts";

/**
 * Trains a model from random weights. Takes from a second (recipe `fast`) to several minutes (recipe `paper`). The code for training is loaded
 * lazily, so programs that only add do not wait for it.
 *
 * @example Usage
 * ```ts
 * import { loadAdder, train } from "@x/tiny-adder";
 *
 * // all steps of recipe "sure" and `certify: true` give a model that is proved right, as the command line does
 * const { checkpoint, report } = await train({ recipe: "sure", seed: 1, steps: 100 });
 * console.log(report.exactMatch, loadAdder(checkpoint).add(42, 7));
 * ```
 *
 * @throws {RangeError} If an option is out of its range, or there is no such recipe
 * @throws {TrainingError} If a loss or weight is not finite, or `out` holds an unfinished run
 * @throws {CheckpointError} If `out` cannot be written to
 * @throws {EngineError} If a thread dies or memory is refused; the last saved state remains
 */
export async function train(options: TrainOptions = {}): Promise<TrainResult> {
  return await (await import("./start.ts")).startRun("train", options);
}

/**
 * Trains a checkpoint further with a new optimizer state: the second pass of a recipe. Its learning rate is lower, and it has no restarts.
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
 * @throws {TrainingError} If a loss or weight is not finite, or `out` holds an unfinished run
 * @throws {CheckpointError} If `from` is not a checkpoint, or `out` cannot be written to
 * @throws {EngineError} If a thread dies or memory is refused; the last saved state remains
 */
export async function continueTraining(options: ContinueOptions): Promise<TrainResult> {
  return await (await import("./start.ts")).startRun("continue", options);
}
