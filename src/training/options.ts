import type { CheckpointSource } from "../checkpoint/safetensors/checkpoint.ts";
import { checkOptions, type OptionKinds } from "../common/options.ts";
import type { Arithmetic, BackendName } from "../engine/interface/types.ts";
import type { Problems } from "../model/problem.ts";
import type { ModelName } from "../model/variant.ts";
import { TrainingError } from "./error.ts";
import type { Recipe } from "./recipes.ts";
import type { ProgressEvent } from "./types.ts";

/** The function that runs: `train` or `continueTraining`. */
export type RunKind = "train" | "continue";

/** Steps after which weights are kept; `"log"`: 0, 1, 2, 4 … 512, then every 1,000. */
export type Keep = "log" | readonly number[];

/** The examples that the option `problems` must make. */
export interface ProblemRequest {
  /** The seed of the run. */
  seed: number;
  /** Restarts before, or 2^31 in a second pass. */
  attempt: number;
  /** The step of the attempt, counted from 0 over all stages. */
  step: number;
  /** The number of the first example within the step: 0. */
  first: number;
  /** How many examples are needed: the batch of the stage. */
  count: number;
  /** Fewest digits of an operand in the recipe's curriculum at this step. */
  minDigits: number;
  /** Most digits of an operand there. */
  maxDigits: number;
}

/** Options of {@linkcode train}. */
export interface TrainOptions {
  /** The name of a recipe, or a recipe of your own. @default {"sure"; "fast" for continueTraining} */
  recipe?: string | Recipe;
  /** The variant of the model. @default {763} */
  model?: ModelName;
  /** A whole number in [0, 2^32). The same recipe, model and seed give the same weights, to the byte. @default {1} */
  seed?: number;
  /** Ends the run after this number of steps, with the recipe's schedules unchanged. @default {all steps of the recipe} */
  steps?: number;
  /**
   * Trains 1 to 64 attempts in parallel, one per thread, so that an attempt that fails at a gate costs no time. The result is the same as one
   * attempt after the other, to the byte. Nothing is saved before the end.
   * @default {one attempt after the other}
   */
  attempts?: number;
  /** The engine; `auto` is `wasm`; where that is missing or forbidden `webgpu`, and without a GPU `reference`. @default {"auto"} */
  backend?: BackendName | "auto";
  /** Number of threads, 1 to 64; it does not change the result. @default {1; all cores for the proof} */
  threads?: number;
  /** `exact` gives the same weights on every machine. @default {"exact"; "fast" on a GPU} */
  arithmetic?: Arithmetic;
  /** Folder for `model.safetensors`, `state.safetensors`, `log.jsonl` and `certificate.json`; it is created. @default {nothing is written} */
  out?: string;
  /** Resumes the run in `out`, with its recipe, model and seed. @default {false} */
  resume?: boolean;
  /** Whether the run may replace the one in `out`, its weights and its proof. @default {false: a folder that holds a run is refused} */
  overwrite?: boolean;
  /** Steps between two evaluations; 0: only at the end. @default {the recipe's} */
  evalEvery?: number;
  /**
   * Whether to end with a proof that the weights add every pair correctly, or a pair that they add wrongly. With recipe `sure`, training goes
   * on with the failing pairs until the proof succeeds. The command line turns this on: there, `--no-certify` turns it off.
   * @default {false}
   */
  certify?: boolean;
  /**
   * Whether to train on the pairs where the proof fails, and to prove again, up to six times; includes `certify`.
   * @default {the recipe's with `certify`, unless `steps` cut it short; otherwise false}
   */
  harden?: boolean;
  /** Approximate seconds between two saves of the state in `out`; 0: as often as possible. @default {10} */
  saveEvery?: number;
  /**
   * Held-out problems of interim evaluations, which are reported as events of type `interim`, at most twice a second and in at most 2% of the
   * time; 0: none. They do not change the weights.
   * @default {0}
   */
  interimProblems?: number;
  /** Held-out problems of the final evaluation, 1 or more. @default {100_000; 10_000 where the weights are proved before} */
  finalProblems?: number;
  /**
   * The steps after which the weights are kept, as `steps/STEP.safetensors` in `out` and in an event of type `checkpoint`; `"log"`: 0, 1, 2, 4 … 512,
   * then every 1,000. At each of them an event of type `measures` is reported. A restart begins the series anew.
   * @default {none}
   */
  keep?: Keep;
  /**
   * Makes the examples of each step, in place of those that the engine draws. It must be a pure function of its request, so that a resume and any
   * number of threads give the same weights. The state of a run does not hold it: give it again with `resume`.
   * @default {operands of the recipe's lengths, or its mix}
   */
  problems?: (request: ProblemRequest) => Problems;
  /** Stops the run: its state is saved in `out`, and the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called with each event, in order. */
  onProgress?: (event: ProgressEvent) => void;
}

/** Options of {@linkcode continueTraining}. */
export interface ContinueOptions extends Omit<TrainOptions, "model" | "attempts"> {
  /** The checkpoint to start from, in any form. Required unless `resume` is set. */
  from?: CheckpointSource;
}

/** The options of a run of either kind. */
export type RunOptions = TrainOptions & ContinueOptions;

const KINDS: OptionKinds<RunOptions> = {
  from: "anything", // checkpointFrom checks it
  recipe: "a name or a recipe",
  ...{ seed: "a whole number from 0 to 4294967295", steps: "a whole number, 0 or more" },
  attempts: "a whole number from 1 to 64",
  ...{ evalEvery: "a whole number, 0 or more", saveEvery: "a number, 0 or more" },
  ...{ interimProblems: "a whole number, 0 or more", finalProblems: "a whole number, 1 or more" },
  ...{ backend: "anything", model: "anything", threads: "a number", arithmetic: "anything" }, // createEngine checks them
  ...{ out: "a text", resume: "true or false", overwrite: "true or false" },
  ...{ certify: "true or false", harden: "true or false", keep: "log or a list of steps" },
  ...{ signal: "an AbortSignal", onProgress: "a function", problems: "a function" },
};

const { from: _, ...TRAIN_KINDS } = KINDS;
const { model: __, attempts: ___, ...CONTINUE_KINDS } = KINDS;

/** Checks the names, types and ranges of options, and that they fit each other. @throws {TypeError | RangeError | TrainingError} If they do not */
export function checkRunOptions(kind: RunKind, options: RunOptions): void {
  const [asked, kinds] = kind === "train" ? ["train", TRAIN_KINDS] : ["continue training", CONTINUE_KINDS];
  checkOptions<object>(asked, options, kinds);
  const { attempts, backend = "auto", from, out, problems, resume } = options;
  const isParallel = attempts !== undefined;
  const parallel = "Cannot train attempts side by side as";
  const refuse = (holds: boolean | undefined, message: string) => {
    if (holds) throw new TrainingError(message);
  };
  refuse(resume && out === undefined, "Cannot resume a run as `out` must name its folder: it is missing");
  const needsFrom = kind === "continue" && !resume;
  refuse(needsFrom && from === undefined, "Cannot continue training as `from` must be a checkpoint: it is missing");
  refuse(isParallel && problems !== undefined, `${parallel} their threads draw the examples: \`problems\` is given`);
  refuse(isParallel && resume, `${parallel} they must start from the beginning: nothing of them is saved to resume`);
  refuse(isParallel && !["auto", "wasm"].includes(backend), `${parallel} the backend must be wasm: it is ${backend}`);
}
