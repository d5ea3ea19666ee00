/**
 * Shows which weights and tokens `tfjs_careful_peer.mjs` computes its first loss from: the script takes neither from outside.
 *
 *   node --import ./tfjs_careful_loss.mjs tfjs_careful_peer.mjs --batch=8 --steps=1
 *
 * prints one JSON line { parameters: [{ shape, values }], inputs: [{ shape, values }] } before the script's own, which has the loss.
 * The script stays as it is: the two functions of TensorFlow.js through which weights and tokens go are wrapped before it starts.
 *
 * Runs in the workshop, where the pinned packages are installed.
 */
import { createRequire } from "node:module";

const core = createRequire(import.meta.url)("@tensorflow/tfjs-core");
const { tensor, variableGrads } = core;
const inputs = [];
let recorded = false;

core.tensor = (values, shape, type) => {
  if (type === "int32" && !recorded) inputs.push({ shape, values: Array.from(values) });
  return tensor(values, shape, type);
};

core.variableGrads = (loss, variables) => {
  const result = variableGrads(loss, variables);
  if (!recorded) {
    recorded = true; // the weights are still those of the loss: they change after their gradient is known
    const parameters = variables.map((variable) => ({
      shape: variable.shape,
      values: Array.from(variable.dataSync()),
    }));
    console.log(JSON.stringify({ parameters, inputs }));
  }
  return result;
};
