import { createBackgroundEngine } from "../engine/create_engine.ts";
import type { Journal, LogEvent } from "./journal.ts";
import { freshProgress, type RunProgress } from "./progress.ts";
import { GateClosed, Run, type RunJournal, type RunTools } from "./run.ts";
import type { ProgressEvent, RestartReport, TrainResult } from "./types.ts";

/** Settings of all attempts. */
export interface SideBySideOptions {
  /** The run before its first step. */
  start: Pick<RunProgress, "kind" | "recipe" | "model" | "seed" | "arithmetic" | "from">;
  /** Attempts at the same time. */
  attempts: number;
  journal: Journal | undefined;
  limit: number;
  evalEvery: number;
  finalProblems: number;
  certify: boolean;
  harden: boolean | undefined;
  signal: AbortSignal | undefined;
  onProgress: (event: ProgressEvent) => void;
}

/** Keeps the log of an attempt until it is accepted or given up. Nothing is saved meanwhile. */
class WaitingLog implements RunJournal {
  readonly modelFile = "";
  readonly events: LogEvent[] = [];

  log(event: LogEvent): void {
    this.events.push(event);
  }

  begin = () => Promise.resolve();
  flushLog = () => Promise.resolve(0);
  saveState = () => Promise.resolve();
  saveModel = () => Promise.resolve();
  saveCertificate = () => Promise.resolve();
}

/** A running attempt. */
interface Attempt {
  run: Run;
  progress: RunProgress;
  tools: RunTools;
  log: WaitingLog;
  /** Undefined if it finished its steps, or the gate that it failed. */
  outcome: Promise<RestartReport | undefined>;
  stop: AbortController;
}

/**
 * Trains attempts of a recipe in parallel. The first attempt, in their order, that passes its gates is the result. Weights, checkpoint and report
 * are those of {@linkcode Run.finish}, which trains one attempt after the other; `examples` counts the attempts up to the result.
 */
export async function trainSideBySide(options: SideBySideOptions): Promise<TrainResult> {
  const { start, attempts, journal, signal, onProgress } = options;
  const most = start.recipe.maxAttempts;
  const atWork: Attempt[] = [];
  const restarts: RestartReport[] = [];
  const events: LogEvent[] = [];
  let examples = 0;
  let trainSeconds = 0;
  let next = 0;
  /** The first attempt that has not failed. */
  let lead = 0;

  const launch = async () => {
    const number = next++;
    const log = new WaitingLog();
    const stop = new AbortController();
    const progress: RunProgress = { ...freshProgress(start), attempt: number };
    const { limit, evalEvery, finalProblems, certify, harden } = options;
    const engine = await createBackgroundEngine({ model: start.model, arithmetic: start.arithmetic });
    engine.initialize(start.seed, number);
    const tools: RunTools = {
      ...{ engine, journal: log, limit, evalEvery, finalProblems, certify, harden, singleAttempt: true },
      signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]),
      onProgress: (event) => {
        if (number === lead && (event.type !== "start" || number === 0)) onProgress(event);
      },
    };
    const run = new Run(progress, tools);
    const outcome = run.train().then(() => undefined, (error) => {
      if (error instanceof GateClosed) return error.restart;
      throw error;
    });
    outcome.catch(() => {}); // handled when its turn comes
    atWork.push({ run, progress, tools, log, outcome, stop });
  };

  try {
    while (next < Math.min(attempts, most)) await launch();
    for (;;) {
      const { run, progress, tools, log, outcome } = atWork[lead];
      const closed = await outcome;
      events.push(...log.events.slice(lead === 0 ? 0 : 1)); // one start line is enough
      examples += progress.examples;
      trainSeconds += progress.trainSeconds;
      if (closed === undefined) {
        Object.assign(progress, { restarts, examples, trainSeconds });
        tools.journal = undefined;
        if (journal !== undefined) await run.startJournal(journal, events);
        return await run.conclude();
      }
      restarts.push(closed);
      events.push({ event: "restart", attempt: progress.attempt + 1, ...closed });
      await tools.engine.dispose();
      lead++;
      onProgress({ type: "restart", attempt: lead, ...closed });
      if (next < most) await launch();
    }
  } finally {
    for (const { stop, outcome, tools } of atWork) {
      stop.abort();
      await outcome.catch(() => {});
      await tools.engine.dispose();
    }
  }
}
