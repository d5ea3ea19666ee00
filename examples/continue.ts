// Trains half a recipe into a folder, then trains on from the saved file.
import { continueTraining, train } from "@x/tiny-adder";

const half = await train({ recipe: "fast", seed: 1, steps: 6500, out: "run" });
console.log(`after ${half.report.steps} steps: ${100 * half.report.exactMatch}% added correctly`);

const whole = await continueTraining({
  from: "run/model.safetensors", // or its bytes: half.checkpoint
  recipe: "fast",
  out: "run/continued",
});
console.log(`after ${whole.report.steps} more: ${100 * whole.report.exactMatch}% added correctly`);
console.log(`written to ${whole.report.checkpoint}`);
