/**
 * Evaluates exp2 and both forms of GELU, as compiled, at every float32 argument that the bounds of src/engine/wasm/elementary_bounds.ts are for, and says how near
 * to its bound the worst error comes. Takes some minutes. Names of functions as arguments choose among them.
 */
import { ARITHMETICS } from "../../../src/engine/mod.ts";
import { compare, type ElementaryFunction, evaluator, FUNCTIONS, type WorstError } from "./elementary.ts";

/** Arguments at a time. */
const CHUNK = 2 ** 15;

function enumerate(f: ElementaryFunction): boolean {
  const bits = new Uint32Array(CHUNK);
  const x = new Float32Array(bits.buffer);
  const truth = new Float64Array(CHUNK);
  const modules = ARITHMETICS.map((arithmetic) => ({
    arithmetic,
    evaluate: evaluator(f, arithmetic, CHUNK),
    worst: { share: 0, x: 0 } as WorstError,
  }));
  let count = 0;
  let different = 0;
  const begin = performance.now();
  for (const [first, last] of f.ranges) {
    for (let from = first; from <= last; from += CHUNK) {
      const length = Math.min(CHUNK, last - from + 1);
      for (let i = 0; i < length; i++) bits[i] = from + i;
      for (let i = 0; i < length; i++) truth[i] = f.truth(x[i]);
      const results = modules.map(({ evaluate, worst }) => {
        const found = evaluate(bits.subarray(0, length));
        compare(f, x, truth, found, worst);
        return found;
      });
      for (let i = 0; i < length; i++) different += Number(results[0][i] !== results[1][i]);
      count += length;
    }
  }
  const seconds = ((performance.now() - begin) / 1000).toFixed(0);
  console.log(`${f.name}: ${count} arguments in ${seconds} s, ${different} of them give another result with fast`);
  for (const { arithmetic, worst: { share, x } } of modules) {
    console.log(`  ${arithmetic}: the worst error is ${share.toFixed(4)} of its bound, at ${x}`);
  }
  if (different === 0) {
    console.log("  this machine does not fuse multiply and add, so nothing is shown for one that does");
  }
  return modules.every(({ worst }) => worst.share <= 1);
}

const chosen = Deno.args.length === 0 ? FUNCTIONS : FUNCTIONS.filter(({ name }) => Deno.args.includes(name));
const holds = chosen.map(enumerate);
if (holds.length === 0) {
  console.error(
    `Cannot enumerate as a function is one of ${FUNCTIONS.map(({ name }) => name).join(", ")}: ${Deno.args}`,
  );
}
if (!holds.length || holds.includes(false)) Deno.exit(1);
