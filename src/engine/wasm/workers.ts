/** Workers: how they are started, and how it is noticed that one has died. */
import { EngineError } from "../interface/error.ts";

/** Milliseconds between two looks at a worker that is waited for. */
export const LOOK_MS = 1000;
/** Looks at a worker that starts, maybe with 63 others on a machine that is busy. */
const PATIENCE_AT_START = 120;

/** Who waits for a worker, a number that changes where it gets on, the looks without a change after which it counts as dead, and milliseconds between two. */
type Watch = Readonly<{ user: string; heartbeats?: () => number; patience: number; every: number }>;

/** Ends a worker; who waits for a message of it is told. */
export function endWorker(worker: Worker): void {
  worker.terminate();
  worker.dispatchEvent(new Event("end"));
}

/**
 * The worker's next message. Patience is counted in looks, not by the clock: a process that was stopped for an hour has looked once.
 *
 * @throws {EngineError} If it fails, is ended, or gets no further: a worker that the system took away tells nobody
 */
export function nextMessage<Message>(worker: Worker, watch: Watch): Promise<Message> {
  const { user, heartbeats = () => 0, patience, every } = watch;
  const waiting = new AbortController();
  const { signal } = waiting;
  let timer: ReturnType<typeof setInterval>;
  return new Promise<Message>((resolve, reject) => {
    const dead = (reason: string) =>
      new EngineError(`Cannot go on with ${user} as its workers must live: ${reason}. Create another one`);
    worker.addEventListener("message", ({ data }) => resolve(data), { signal });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      // a script that could not be loaded has no message
      reject(event.message === undefined ? forbidden() : dead(`one failed (${event.message})`));
    }, { signal });
    worker.addEventListener("end", () => reject(dead("one was ended")), { signal });
    let [seen, looks] = [heartbeats(), 0];
    timer = setInterval(() => {
      const now = heartbeats();
      looks = now === seen ? looks + 1 : 0;
      seen = now;
      if (looks >= patience) reject(dead("one has done nothing for too long"));
    }, every);
  }).finally(() => {
    waiting.abort();
    clearInterval(timer);
  });
}

/** The error of a page that lets no worker start from a Blob. */
function forbidden(cause?: unknown): EngineError {
  const reason = cause instanceof Error ? ` (${cause.message})` : "";
  return new EngineError(
    `Cannot start threads as workers from blob: URLs must be allowed: they are forbidden${reason}. ` +
      "Add worker-src blob: to the page's Content-Security-Policy, or use threads: 1",
    { cause },
  );
}

/**
 * Starts workers and waits until each has sent a message, whatever it is.
 *
 * @param source What they run, from a Blob: a file would need permission to read it, and every bundler would have to find it
 * @param greetings The first message to each, by its name
 * @throws {EngineError} If one cannot be started; none is left then
 */
export async function startWorkers(source: string, user: string, greetings: Readonly<Record<string, unknown>>) {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const workers: Worker[] = [];
  try {
    for (const [name, greeting] of Object.entries(greetings)) {
      const worker = new Worker(url, { type: "module", name });
      workers.push(worker);
      worker.postMessage(greeting);
    }
    const watch = { user, patience: PATIENCE_AT_START, every: LOOK_MS };
    await Promise.all(workers.map((worker) => nextMessage(worker, watch)));
    return workers;
  } catch (error) {
    workers.forEach(endWorker);
    throw error instanceof EngineError ? error : forbidden(error);
  } finally {
    URL.revokeObjectURL(url);
  }
}
