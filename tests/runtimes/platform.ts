/** What a platform that lacks something answers. This is the entry of a bundle: the library's own code, no more. */
import { add, addMany, loadAdder, train } from "../../mod.ts";
import { createEngine, type EngineOptions } from "../../src/engine/mod.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";

/** Plain values, so that a page can send them. */
export interface PlatformReport {
  sums: number[];
  /** The backend of an adder. */
  adder: string;
  /** The backend and the threads of an engine, or the name and the message of its error. */
  auto: string[];
  wasm: string[];
  twoThreads: string[];
  /** The backend in the report of a run of one step. */
  trained: string;
}

async function engineOrError(options: EngineOptions): Promise<string[]> {
  try {
    const engine = await createEngine(options);
    await engine.dispose();
    return [engine.backend, String(engine.threads)];
  } catch (error) {
    const { name, message } = error as Error;
    return [name, message];
  }
}

/** Adds, and asks for each kind of engine. */
export async function platform(): Promise<PlatformReport> {
  const { report } = await train({ steps: 1, finalProblems: 1, certify: false });
  return {
    sums: [add(42, 7), ...addMany([[9999999999, 1]])],
    adder: loadAdder(shippedCheckpoint()).backend,
    auto: await engineOrError({}),
    wasm: await engineOrError({ backend: "wasm" }),
    twoThreads: await engineOrError({ threads: 2 }),
    trained: report.backend,
  };
}
