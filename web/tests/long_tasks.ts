/** Tasks that held up a page's main thread. */
import type { CDPSession, Page } from "puppeteer-core";

/** A task of the main thread. */
export interface Task {
  /** Milliseconds from its beginning to its end. */
  wall: number;
  /** Milliseconds that it had a core; the rest of the time other processes had it. */
  cpu: number;
}

/** An event of Chromium's trace, times in microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args: { readonly name?: string; readonly fileName?: string };
}

/** Observes a page from now on: what the browser itself reports as long tasks, and a trace that tells their share of a core. */
export async function observeTasks(page: Page): Promise<() => Promise<{ reported: number[]; tasks: Task[] }>> {
  await page.evaluateOnNewDocument(() => {
    const reported: number[] = [];
    Object.assign(globalThis, { reported });
    new PerformanceObserver((list) => reported.push(...list.getEntries().map(({ duration }) => duration)))
      .observe({ type: "longtask", buffered: true });
  });
  const session = await page.createCDPSession();
  const events = traceOf(session);
  await session.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: ["toplevel", "v8", "devtools.timeline"] },
  });
  return async () => {
    const reported = await page.evaluate(() => (globalThis as unknown as { reported: number[] }).reported);
    await session.send("Tracing.end");
    return { reported, tasks: tasksOf(await events) };
  };
}

async function traceOf(session: CDPSession): Promise<TraceEvent[]> {
  const events: TraceEvent[] = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...value as unknown as TraceEvent[]));
  await new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
  return events;
}

/** The tasks of the main thread of the page's process. */
function tasksOf(events: readonly TraceEvent[]): Task[] {
  const script = events.find(({ args }) => args.fileName?.endsWith("/main.js"));
  const main = events.find(({ name, args, pid }) =>
    name === "thread_name" && args.name === "CrRendererMain" && pid === script?.pid
  );
  if (main === undefined) throw new Error("Cannot measure as the trace must have the page's main thread: it has none");
  return events
    .filter(({ name, pid, tid }) => name === "ThreadControllerImpl::RunTask" && pid === main.pid && tid === main.tid)
    .map(({ dur = 0, tdur = 0 }) => ({ wall: dur / 1000, cpu: tdur / 1000 }));
}
