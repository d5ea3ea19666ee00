/**
 * Throughput of the elementary functions of assembly/elementary.ts: exp and GELU with its derivative, on 4096 elements in cache.
 *
 * The baselines are the functions of the reference engine.
 *
 * @module
 */
import { gelu, geluBackward } from "../src/engine/reference/gelu.ts";
import { variantOf } from "../src/model/variant.ts";
import { hasRelaxedSimd, instantiate } from "../src/engine/wasm/core.ts";
import { WASM as EXACT } from "../src/engine/wasm/exact_module.ts";
import { WASM as FAST } from "../src/engine/wasm/fast_module.ts";
import type { Arithmetic } from "../src/engine/mod.ts";

const ELEMENTS = 4096;

/** Evenly spaced points from -4 to 4. */
const POINTS = Float64Array.from({ length: ELEMENTS }, (_, i) => 8 * i / (ELEMENTS - 1) - 4);
const ONES = new Float64Array(ELEMENTS).fill(1);

/**
 * A function of the module over all points. It works in place, so each call first copies the points, which takes less than a tenth of
 * the time.
 */
function mapper(arithmetic: Arithmetic, name: "mapExp2" | "mapGelu", model: 763 | 777): () => void {
  const { memory, exports } = instantiate(arithmetic === "fast" ? FAST : EXACT, variantOf(model));
  const at = exports.problemsBase(1);
  const values = new Float32Array(memory.buffer, at, ELEMENTS);
  const points = Float32Array.from(POINTS);
  return () => {
    values.set(points);
    exports[name](at, ELEMENTS / 4);
  };
}

function group(what: string, name: "mapExp2" | "mapGelu", reference: () => unknown, model: 763 | 777 = 763): void {
  const group = `${what}, ${ELEMENTS} elements`;
  Deno.bench({ name: "reference", group, baseline: true, fn: () => void reference() });
  Deno.bench({ name: "wasm exact", group, fn: mapper("exact", name, model) });
  if (hasRelaxedSimd()) Deno.bench({ name: "wasm fast", group, fn: mapper("fast", name, model) });
}

group("exp", "mapExp2", () => POINTS.map((x) => Math.exp(x)));
group("GELU by erf and its derivative", "mapGelu", () => [gelu(POINTS, "erf"), geluBackward(ONES, POINTS, "erf")]);
group(
  "GELU by tanh and its derivative",
  "mapGelu",
  () => [gelu(POINTS, "tanh"), geluBackward(ONES, POINTS, "tanh")],
  777,
);
