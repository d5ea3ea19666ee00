import { createBackgroundEngine } from "../engine/create_engine.ts";
import type { Emit, RunEvent } from "./events.ts";
import { conclude, trainSteps } from "./loop.ts";
import type { RunProgress } from "./progress.ts";
import { Run } from "./run.ts";
import type { RestartReport, RunOptions, TrainResult } from "./types.ts";

/**
 * Trains several attempts of a run in parallel, each in a worker; the first one that passes its gates is the result. Events, weights, checkpoint
 * and report are those of `completeRun`, but no state is saved before the end: no attempt can be resumed alone.
 */
export async function trainSideBySide(start: RunProgress, options: RunOptions, emit: Emit): Promise<TrainResult> {
  const { model, arithmetic, recipe: { maxAttempts } } = start;
  const { attempts = 1 } = options;
  const begin = performance.now();
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const all: { run: Run; queue: RunEvent[]; outcome: ReturnType<typeof trainSteps> }[] = [];
  let turn = -1; // the attempt whose events no longer wait in its queue

  const launch = async () => {
    const engine = await createBackgroundEngine({ model, arithmetic });
    const seconds = (performance.now() - begin) / 1000;
    const attempt = all.length;
    const queue: RunEvent[] = [];
    const run = new Run(engine, { progress: { ...structuredClone(start), attempt, seconds } }, async (event) => {
      if ((event.type === "state" && !event.due) || (event.type === "start" && attempt > 0)) return;
      if (attempt === turn) await emit(event);
      else queue.push(event);
    });
    const outcome = trainSteps(run, { ...options, signal, interimProblems: 0 }, true);
    outcome.catch(() => {}); // awaited in its turn
    all.push({ run, queue, outcome });
  };

  const restarts: RestartReport[] = [];
  let [examples, trainSeconds] = [0, 0];
  try {
    for (let lead = 0;; lead++) {
      while (all.length < Math.min(lead + attempts, maxAttempts)) await launch();
      const { run, queue, outcome } = all[lead];
      for (const event of queue) await emit(event); // it may grow meanwhile
      turn = lead;
      const failed = await outcome;
      examples += run.progress.examples;
      trainSeconds += run.progress.trainSeconds;
      if (failed === undefined) {
        stop.abort(); // leaves the cores to the proof
        Object.assign(run.progress, { restarts, examples, trainSeconds });
        return await conclude(run, options);
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
