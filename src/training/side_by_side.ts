import { createBackgroundEngine } from "../engine/create_engine.ts";
import { emitted, type RunEvent, type RunEvents } from "./events.ts";
import { type AttemptEvents, conclude, trainSteps } from "./loop.ts";
import { Run, type RunProgress } from "./run.ts";
import type { RestartReport, RunOptions } from "./types.ts";

/**
 * Trains several attempts of a run in parallel, each in a worker; the first one that passes its gates is the result. Events, weights, checkpoint
 * and report are those of `runEvents`, but no state is due before the end: no attempt can be resumed alone.
 *
 * @param start The run before its first step
 */
export async function* trainSideBySide(start: RunProgress, attempts: number, options: RunOptions): RunEvents {
  const { model, arithmetic, recipe: { maxAttempts } } = start;
  const begin = performance.now();
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const all: { run: Run; events: AttemptEvents; outcome: Promise<unknown> }[] = [];

  const launch = async () => {
    const engine = await createBackgroundEngine({ model, arithmetic });
    const seconds = (performance.now() - begin) / 1000;
    const attempt = all.length;
    const run = new Run(engine, { progress: { ...structuredClone(start), attempt, seconds } });
    const take = async (emit: (event: RunEvent) => void) => {
      const steps = trainSteps(run, { ...options, signal, interimProblems: 0 }, true);
      for (;;) {
        const { done, value } = await steps.next();
        if (done) return value;
        if (value.type !== "state" && (value.type !== "start" || attempt === 0)) emit(value);
      }
    };
    let outcome!: Promise<unknown>;
    const events = emitted<RunEvent, RestartReport | undefined>((emit) => outcome = take(emit));
    all.push({ run, events, outcome });
  };

  const restarts: RestartReport[] = [];
  let [examples, trainSeconds] = [0, 0];
  try {
    for (let lead = 0;; lead++) {
      while (all.length < Math.min(lead + attempts, maxAttempts)) await launch();
      const { run, events } = all[lead];
      const failed = yield* events;
      examples += run.progress.examples;
      trainSeconds += run.progress.trainSeconds;
      if (failed === undefined) {
        stop.abort(); // leaves the cores to the proof
        Object.assign(run.progress, { restarts, examples, trainSeconds });
        return yield* conclude(run, options);
      }
      restarts.push(failed);
      await run.engine.dispose();
    }
  } finally {
    stop.abort();
    for (const { run, outcome } of all) {
      await outcome.catch(() => {});
      await run.engine.dispose();
    }
  }
}
