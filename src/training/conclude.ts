/** The end of a run: hardening, the final evaluation, the checkpoint, the proof. */
import type { HardenResult } from "../certify/harden.ts";
import type { CertifyProgress } from "../certify/types.ts";
import { encodeCheckpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import { emitted, type RunEvent, type RunEvents } from "./events.ts";
import { FINAL_EVALUATION, HARDENING_ROUNDS, PROOF_SECONDS } from "./recipes.ts";
import { FINAL_SAMPLE, isDone, type Run } from "./run.ts";
import type { EvaluationReport, RunOptions } from "./types.ts";

type Evaluating = RunEvents<EvaluationReport>;

/** Held-out problems of the final evaluation where the weights are proved right already. */
const PROVED_EVALUATION = 10_000;

/** Evaluates on held-out problems. @throws The reason of the signal, if it stops the run meanwhile */
export async function* evaluateRun(run: Run, sample: number, count: number, signal?: AbortSignal): Evaluating {
  const { step } = run.progress;
  const { errors: _, ...result } = await evaluate(run.engine, run.heldOut(sample, count), { maxErrors: 0, signal });
  yield { type: "evaluation", step, ...result };
  return { step, total: result.total, correct: result.correct };
}

export async function* conclude(run: Run, options: RunOptions): RunEvents {
  const { engine, progress } = run;
  const { backend, adapter = null, threads, arithmetic } = engine;
  const { recipe, model, seed, step, trainSeconds, restarts, evaluations, stoppedEarly } = progress;
  // a resume goes on from the last step, even if better weights are kept; hardening and proof are slow, and start again then
  yield { type: "state", due: true, state: () => run.state() };
  if (run.best !== undefined) engine.setParameters(run.best);
  const rounds = hardeningRounds(run, options);
  const hardened = rounds === 0 ? null : yield* prove(run, options, rounds);
  if (hardened !== null) engine.setParameters(hardened.parameters);
  const examples = progress.examples + (hardened?.examples ?? 0);
  const parameters = engine.parameters();
  const { signal, finalProblems = hardened?.result.certified ? PROVED_EVALUATION : FINAL_EVALUATION } = options;
  const { total, correct } = yield* evaluateRun(run, FINAL_SAMPLE, finalProblems, signal);
  const exactMatch = correct / total;
  const metadata = {
    ...run.metadata(),
    step: String(run.best === undefined ? step : progress.best!.step),
    examples: String(examples),
    exact_match: `${correct} of ${total}`,
    ...(hardened !== null && hardened.rounds > 0 && { hardening_rounds: String(hardened.rounds) }),
  };
  const checkpoint = encodeCheckpoint({ model, parameters, metadata });
  yield { type: "model", step, exactMatch, examples, parameters, checkpoint };
  const { result: proof } = hardened ?? (options.certify ? yield* prove(run, options) : { result: null });
  const certificate = proof?.certificate ?? null;
  if (certificate !== null) yield { type: "certificate", certificate };
  yield { type: "end", step, exactMatch };
  const report = {
    ...{ model, recipe: recipe.name, seed, steps: step, examples, seconds: run.seconds, trainSeconds },
    ...{ backend, adapter, threads, arithmetic, exactMatch, evaluated: total, checkpoint: null },
    ...{ certified: proof?.certified ?? null, hardeningRounds: hardened?.rounds ?? null },
    ...{ worstMargin: proof?.worstMargin ?? null, counterexample: proof?.counterexample ?? null },
    ...{ restarts, evaluations, stoppedEarly, finished: isDone(progress) },
  };
  yield { type: "finished", result: { parameters, checkpoint, report, certificate } };
}

/** Most rounds of training on pairs where the proof fails. After a recipe that `steps` cut short, the recipe's own rounds would not help. */
function hardeningRounds({ progress }: Run, { harden, certify }: RunOptions): number {
  const { hardeningRounds = 0 } = progress.recipe;
  if (harden === undefined) return certify && isDone(progress) ? hardeningRounds : 0;
  return harden ? Math.max(hardeningRounds, HARDENING_ROUNDS) : 0;
}

/** Proves the weights of the engine, or hardens them in at most `rounds` rounds. A reader who leaves stops it. */
async function* prove(run: Run, { threads, signal }: RunOptions, rounds = 0): RunEvents<HardenResult> {
  const { engine, progress: { model, seed, step, recipe } } = run;
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const parameters = engine.parameters();
  try {
    return yield* emitted<RunEvent, HardenResult>(async (emit) => {
      const onProgress = (progress: CertifyProgress) => emit({ type: "certification", step, ...progress });
      const watched = { threads, signal: either, onProgress };
      if (rounds === 0) {
        const { certify } = await import("../certify/certify.ts"); // loaded lazily
        const seconds = recipe.proofSeconds ?? PROOF_SECONDS;
        const result = await certify({ model, parameters }, { seconds, ...watched });
        return { parameters, rounds, examples: 0, result };
      }
      const { hardenOn } = await import("../certify/harden.ts");
      return await hardenOn(() => engine, model, parameters, {
        ...{ rounds, seed, ...watched },
        onRound: (round) => emit({ type: "hardening", step, ...round }),
      });
    });
  } finally {
    stop.abort();
  }
}
