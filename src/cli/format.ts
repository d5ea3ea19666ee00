import type { CertifyResult } from "../certify/types.ts";
import type { AdapterDescription, Engine } from "../engine/interface/types.ts";

/** A share in per cent, rounded down, so that 100% means all. */
export function share({ correct, total }: { correct: number; total: number }): string {
  return `${Math.floor(100_000 * correct / total) / 1000}%`;
}

/** `42 + 7 = 49  ✓`, or with ✗ and the right sum. @param sum `got` is what the model answered; null if it was not a number */
export function sumLine({ a, b, got }: { a: number; b: number; got: number | null }): string {
  return `${a} + ${b} = ${got ?? "no number"}  ${got === a + b ? "✓" : `✗  ${a + b} is right`}`;
}

/** A pair that a model adds wrongly, with what it answers. */
export function counterexampleText({ a, b, got, step }: NonNullable<CertifyResult["counterexample"]>): string {
  return step === 11 ? `${a} + ${b} is not ended after its sum` : sumLine({ a, b, got });
}

export function plural(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

type Backend = Pick<Engine, "backend"> & { readonly adapter?: AdapterDescription | null };

/** `wasm`, or `webgpu on` and the name of the GPU. */
export function backendName({ backend, adapter }: Backend): string {
  return adapter ? `${backend} on ${adapter.name}${adapter.software ? ", a software adapter" : ""}` : backend;
}

/** The engine of a run: `wasm, exact, 2 threads`, or its GPU. */
export function machinery(run: Backend & Pick<Engine, "arithmetic" | "threads">): string {
  return backendName(run) + (run.adapter ? "" : `, ${run.arithmetic}, ${plural(run.threads, "thread")}`);
}

/** Prints a result: as JSON, or as text, which goes to stderr if `output` is standard output. @returns The exit code: 0, or 1 unless it is `ok` */
export function printResult(
  value: unknown,
  text: string,
  { json, output, ok = true }: { json: boolean; output?: string; ok?: boolean },
): number {
  if (json) console.log(JSON.stringify(value));
  else (output === "-" ? console.error : console.log)(text);
  return ok ? 0 : 1;
}
