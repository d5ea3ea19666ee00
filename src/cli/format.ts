import type { AdapterDescription } from "../engine/types.ts";

/** A sum that the model was asked for. */
export interface AskedSum {
  /** The first operand. */
  a: number;
  /** The second operand. */
  b: number;
  /** What the model answered; null where that was no number. */
  got: number | null;
}

/** A share in per cent, rounded down: what is printed as 100% is all of it. */
export function share({ correct, total }: { correct: number; total: number }): string {
  if (correct === total) return "100%";
  return `${Math.floor(100_000 * correct / total) / 1000}%`;
}

/** `42 + 7 = 49  ✓`, or with ✗ and the right sum. */
export function sumLine({ a, b, got }: AskedSum): string {
  const asked = `${a} + ${b} = ${got ?? "no number"}`;
  return got === a + b ? `${asked}  ✓` : `${asked}  ✗  ${a + b} is right`;
}

/** A GPU, in words. */
export function adapterName({ name, software }: AdapterDescription): string {
  return software ? `${name}, a software adapter` : name;
}

/** What ran, in words: `wasm, exact, 2 threads`, or `webgpu on` and the name of the GPU. */
export function machinery(
  run: { backend: string; arithmetic: string; threads: number; adapter?: AdapterDescription | null },
): string {
  if (run.adapter) return `${run.backend} on ${adapterName(run.adapter)}`;
  return `${run.backend}, ${run.arithmetic}, ${run.threads} ${run.threads === 1 ? "thread" : "threads"}`;
}

/** One JSON object on one line of stdout. */
export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, (_, member) => typeof member === "bigint" ? Number(member) : member));
}
