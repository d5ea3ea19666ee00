/** What every program must say of the same sums. */
import { assert } from "@std/assert";
import type { Checkpoint } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { createEngine } from "../../src/engine/mod.ts";
import { TOKENS } from "../../src/model/variant.ts";
import { FIRST_QUERY, POSITIONS_READ, promptTokens, QUERIES, targetTokens } from "../../src/model/vocabulary.ts";

const SEED = 77;

/** Operands of `count` random sums. */
async function operandsOf(count: number): Promise<Float64Array> {
  const engine = await createEngine();
  try {
    return engine.sample({ seed: SEED, stream: "evaluation", count });
  } finally {
    await engine.dispose();
  }
}

/** Tokens [count, 33] of random sums, with the right digits after the prompt. */
export async function tokensOf(count: number): Promise<Uint8Array> {
  const operands = await operandsOf(count);
  const rows = Array.from({ length: count }, (_, i) => {
    const [a, b] = operands.subarray(2 * i);
    return [...promptTokens(a, b), ...targetTokens(a, b)].slice(0, POSITIONS_READ);
  });
  return Uint8Array.from(rows.flat());
}

/** Logits [count, 12, 14] of the same sums by an engine of ours. */
export async function engineLogits(
  { model, parameters }: Checkpoint,
  backend: "wasm" | "reference",
  count: number,
): Promise<Float32Array> {
  const engine = await createEngine({ backend, model });
  try {
    engine.setParameters(parameters);
    return await engine.logits(await operandsOf(count));
  } finally {
    await engine.dispose();
  }
}

/** The rows 21 … 32 of logits [count, 33, 14]. */
export function queried(logits: Float32Array, count: number): Float32Array {
  const rows = Array.from(
    { length: count },
    (_, i) => logits.subarray(TOKENS * (i * POSITIONS_READ + FIRST_QUERY), TOKENS * (i + 1) * POSITIONS_READ),
  );
  const all = new Float32Array(count * QUERIES * TOKENS);
  rows.forEach((row, i) => all.set(row, i * QUERIES * TOKENS));
  return all;
}

/**
 * Asserts that logits agree to `closeness`, and to that share of the largest logit of their row where that is above 1: trained weights give logits
 * above 1,000, where neighbouring float32 numbers are 1.2e-4 apart.
 */
export function assertLogitsClose(actual: Float32Array, expected: Float32Array, of: string, closeness = 1e-4): void {
  assert(actual.length === expected.length && actual.length > 0, `${of}: ${actual.length} logits`);
  for (let row = 0; row < actual.length; row += TOKENS) {
    const wanted = expected.subarray(row, row + TOKENS);
    const allowed = closeness * Math.max(1, ...wanted.map(Math.abs));
    for (let i = 0; i < TOKENS; i++) {
      const distance = Math.abs(actual[row + i] - wanted[i]);
      assert(
        distance <= allowed,
        `${of}: logit ${i} of row ${row / TOKENS} is ${distance} apart, ${allowed} is allowed`,
      );
    }
  }
}
