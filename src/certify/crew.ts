/**
 * The threads that a proof runs on.
 *
 * @module
 */
import { EngineError } from "../engine/error.ts";
import { eventLoopTurn } from "../event_loop.ts";
import type { ModelName } from "../model/variant.ts";
import { Prover } from "./prover.ts";
import { WORKER_SOURCE } from "./worker_source.ts";

/** What can be asked of a thread: the prover's methods. */
type Method = "scan" | "refine" | "axes" | "largestError";
type Arguments<M extends Method> = Parameters<Prover[M]>;
type Answer<M extends Method> = ReturnType<Prover[M]>;

/** A message to a thread of the crew. */
export type Order =
  | { model: ModelName; parameters: Float32Array }
  | { method: Method; args: unknown[] };

/** A question that waits for a thread. */
interface Question {
  method: Method;
  args: unknown[];
  urgency: number;
  resolve: (answer: never) => void;
  reject: (reason: unknown) => void;
  /** How often somebody has looked whether a thread that has it is done. */
  looks: number;
}

/** Between two looks at workers lie that many milliseconds. */
const LOOK_MS = 1000;
/** A worker that has no answer after so many looks counts as dead: none of our questions takes a second (measured: 0.15). */
const PATIENCE = 60;

/** Between two turns of the event loop lie at most about this many milliseconds where the caller's own thread does the work. */
const TURN_MS = 50;

/** Answers a proof's questions on as many threads as there are; which thread answers, and when, changes no answer. */
export interface Crew {
  /** Threads at work. */
  readonly threads: number;
  /** Takes other weights. Nothing may be waiting. */
  load(model: ModelName, parameters: Float32Array): void;
  /** Asks for what a method of {@linkcode Prover} gives. Of the questions that wait, the most urgent is next, then the oldest. */
  ask<M extends Method>(method: M, args: Arguments<M>, urgency: number): Promise<Answer<M>>;
  /** Gives up all questions that wait; the promises reject with the reason. Threads go on with what they have. */
  giveUp(reason: unknown): void;
  /** Ends the threads. */
  dismiss(): void;
}

/** The questions that wait. */
class Queue {
  #waiting: Question[] = [];

  put<M extends Method>(method: M, args: Arguments<M>, urgency: number): Promise<Answer<M>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ method, args, urgency, resolve: resolve as (answer: never) => void, reject, looks: 0 });
    });
  }

  take(): Question | undefined {
    let best = 0;
    for (let i = 1; i < this.#waiting.length; i++) {
      if (this.#waiting[i].urgency > this.#waiting[best].urgency) best = i;
    }
    return this.#waiting.splice(best, 1).at(0);
  }

  giveUp(reason: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }
}

/** One thread, the caller's own. */
class OwnThread implements Crew {
  readonly threads = 1;
  readonly #queue = new Queue();
  #prover: Prover | undefined;
  #working = false;

  load(model: ModelName, parameters: Float32Array): void {
    this.#prover = new Prover(model, parameters);
  }

  ask<M extends Method>(method: M, args: Arguments<M>, urgency: number): Promise<Answer<M>> {
    const answer = this.#queue.put(method, args, urgency);
    if (!this.#working) void this.#work();
    return answer;
  }

  async #work(): Promise<void> {
    this.#working = true;
    let turned = performance.now();
    await Promise.resolve(); // all that is asked in one go is there before the first is answered
    for (let question = this.#queue.take(); question !== undefined; question = this.#queue.take()) {
      const { method, args, resolve, reject } = question;
      try {
        const prover = this.#prover! as unknown as Record<Method, (...args: unknown[]) => never>;
        resolve(prover[method](...args));
      } catch (error) {
        reject(error);
      }
      if (performance.now() - turned < TURN_MS) {
        await Promise.resolve();
        continue;
      }
      await eventLoopTurn();
      turned = performance.now();
    }
    this.#working = false;
  }

  giveUp(reason: unknown): void {
    this.#queue.giveUp(reason);
  }

  dismiss(): void {
    this.giveUp(new Error("Cannot answer as the crew is dismissed"));
  }
}

/** Workers. */
class Workers implements Crew {
  readonly #workers: readonly Worker[];
  readonly #queue = new Queue();
  readonly #idle: Worker[];
  readonly #atWork = new Map<Worker, Question>();
  readonly #timer: ReturnType<typeof setInterval>;
  /** Why nothing is answered any more. */
  #failure: EngineError | undefined;

  constructor(workers: readonly Worker[], look: number) {
    this.#workers = workers;
    this.#idle = [...workers];
    this.#timer = setInterval(() => this.#lookAtWorkers(), look);
    for (const worker of workers) {
      worker.onmessage = ({ data: { answer, error } }) => {
        const question = this.#atWork.get(worker);
        if (question === undefined) return; // it was given up
        const { resolve, reject } = question;
        this.#atWork.delete(worker);
        this.#idle.push(worker);
        if (error === undefined) resolve(answer as never);
        else reject(new Error(error));
        this.#assign();
      };
      worker.onerror = (event) => {
        event.preventDefault();
        this.#fail(`one failed (${event.message})`);
      };
    }
  }

  /** A worker that the system took away tells nobody. */
  #lookAtWorkers(): void {
    for (const question of this.#atWork.values()) {
      if (++question.looks > PATIENCE) return this.#fail("one has not answered for too long");
    }
  }

  #fail(reason: string): void {
    this.#failure ??= new EngineError(`Cannot go on with a proof as its workers must live: ${reason}`);
    this.#giveUpAll(this.#failure);
  }

  #giveUpAll(error: unknown): void {
    this.giveUp(error);
    for (const { reject } of this.#atWork.values()) reject(error);
    this.#atWork.clear();
  }

  get threads(): number {
    return this.#workers.length;
  }

  load(model: ModelName, parameters: Float32Array): void {
    for (const worker of this.#workers) worker.postMessage({ model, parameters } satisfies Order);
  }

  ask<M extends Method>(method: M, args: Arguments<M>, urgency: number): Promise<Answer<M>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const answer = this.#queue.put(method, args, urgency);
    this.#assign();
    return answer;
  }

  #assign(): void {
    while (this.#idle.length > 0) {
      const question = this.#queue.take();
      if (question === undefined) return;
      const worker = this.#idle.pop()!;
      this.#atWork.set(worker, question);
      worker.postMessage({ method: question.method, args: question.args } satisfies Order);
    }
  }

  giveUp(reason: unknown): void {
    this.#queue.giveUp(reason);
  }

  dismiss(): void {
    clearInterval(this.#timer);
    this.#giveUpAll(new Error("Cannot answer as the crew is dismissed"));
    for (const worker of this.#workers) worker.terminate();
  }
}

/**
 * Gathers a crew. Its workers run a source that is part of this package, from a Blob: a worker from a file would need permission to read it, and
 * would have to be found again by every bundler. Where there are no workers the crew is the caller's own thread, and says so in `threads`.
 *
 * @param look Milliseconds between two looks whether the workers live
 */
export async function gatherCrew(threads: number, look: number = LOOK_MS): Promise<Crew> {
  if (threads === 1 || typeof Worker !== "function" || typeof Blob !== "function") return new OwnThread();
  const url = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: "text/javascript" }));
  const workers: Worker[] = [];
  try {
    for (let i = 0; i < threads; i++) workers.push(new Worker(url, { type: "module", name: `prover ${i + 1}` }));
    await Promise.all(workers.map((worker) => ready(worker)));
    return new Workers(workers, look);
  } catch {
    for (const worker of workers) worker.terminate();
    return new OwnThread(); // a page may forbid workers from a Blob
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Resolves at the worker's first message. */
async function ready(worker: Worker): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.onmessage = () => resolve();
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  const limit = setTimeout(() => reject(new Error("it does not start")), PATIENCE * LOOK_MS);
  try {
    await promise;
  } finally {
    clearTimeout(limit);
  }
}
