import { createBackgroundEngine } from "../engine/create_engine.ts";
import type { Journal, LogEvent } from "./journal.ts";
import { freshProgress, type RunProgress } from "./progress.ts";
import { GateClosed, Run, type RunJournal, type RunTools } from "./run.ts";
import type { ProgressEvent, RestartReport, TrainResult } from "./types.ts";

/** What all attempts share. */
export interface SideBySideOptions {
  /** The run before its first step. */
  start: Pick<RunProgress, "kind" | "recipe" | "model" | "seed" | "arithmetic" | "from">;
  /** How many attempts are trained at once. */
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

/** Keeps the log of an attempt until it is known whether the attempt counts. Nothing is saved meanwhile. */
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

/** An attempt at work. */
interface Attempt {
  run: Run;
  progress: RunProgress;
  tools: RunTools;
  log: WaitingLog;
  /** Undefined once all its steps are done, or what closed it. */
  outcome: Promise<RestartReport | undefined>;
  stop: AbortController;
}

/**
 * Trains attempts of a recipe side by side; the first that passes its gates, in their order, counts. Its weights, its checkpoint and its report are
 * those of {@linkcode Run.finish} on one attempt after the other; `examples` counts the attempts up to it.
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
  /** The attempt that counts, if it passes. */
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
    outcome.catch(() => {}); // looked at when its turn comes
    atWork.push({ run, progress, tools, log, outcome, stop });
  };

  try {
    while (next < Math.min(attempts, most)) await launch();
    for (;;) {
      const { run, progress, tools, log, outcome } = atWork[lead];
      const closed = await outcome;
      events.push(...log.events.slice(lead === 0 ? 0 : 1)); // one line tells of the start
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
