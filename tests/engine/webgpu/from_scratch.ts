/**
 * `deno task test:webgpu:scratch`: from random weights to a model that adds, all steps of a recipe on the GPU. Exit code 1 below 99.9%.
 *
 * @module
 */
import { train } from "../../../src/training/train.ts";

const LEAST = 0.999;

const { report } = await train({
  ...{ recipe: "fast", seed: 2, backend: "webgpu", evalEvery: 0 },
  onProgress: (event) => {
    if (event.type === "step" && event.step % 1000 < 100) {
      console.error(`step ${event.step}, loss ${event.loss.toFixed(4)}`);
    }
  },
});
const { exactMatch, examples, trainSeconds, adapter } = report;
console.log(JSON.stringify({ exactMatch, examples, trainSeconds, adapter }));
if (exactMatch < LEAST) {
  console.error(`Cannot call this learned as at least ${LEAST} of the sums must be right: it is ${exactMatch}`);
  Deno.exit(1);
}
