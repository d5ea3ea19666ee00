// Trains a model from random weights in seconds, reports progress, and adds with it. No permission needed.
import { loadAdder, train } from "@x/tiny-adder";

let next = 0;
const { checkpoint, report } = await train({
  recipe: "fast",
  seed: 1, // the same seed gives the same bytes on every machine
  onProgress(event) {
    if (event.type !== "step" || event.step < next) return;
    console.log(`step ${event.step} of ${event.totalSteps}: loss ${event.loss.toFixed(4)}`);
    next = event.step + 1000;
  },
});

console.log(`${100 * report.exactMatch}% of ${report.evaluated} pairs that it never saw are added correctly`);
console.log(`95 + 7 = ${loadAdder(checkpoint).add(95, 7)}`);
