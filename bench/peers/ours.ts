/** Our side of `deno task bench:peers`, a process of its own that speaks the protocol of the rivals: `ours.ts exact|fast|webgpu …`. */
import { type Arithmetic, createEngine } from "../../src/engine/mod.ts";
import { measure, training } from "../measure.ts";
import { golden } from "./protocol.ts";

const [form, task, ...numbers] = Deno.args;
const onGpu = form === "webgpu";
const engine = await createEngine(onGpu ? { backend: "webgpu" } : { backend: "wasm", arithmetic: form as Arithmetic });
if (task === "check") {
  const { parameters, operands, hyperparameters } = await golden();
  engine.setParameters(parameters);
  const tokens = Array.from(await engine.decode(operands));
  const losses = [];
  for (let step = 0; step < 10; step++) losses.push((await engine.trainStep(operands, hyperparameters)).loss);
  console.log(JSON.stringify({ losses, tokens }));
} else {
  const [batch, seconds, repeats] = numbers.map(Number);
  engine.initialize(1);
  const operands = engine.sample({ seed: 1, stream: "evaluation", count: batch });
  const steps = onGpu ? 40 : undefined; // so many that a GPU's 11 ms of waiting hardly count
  const work = task === "train" ? training(engine, batch, steps) : () => engine.decode(operands).then(() => batch);
  console.log(JSON.stringify(await measure(work, { seconds, repeats })));
}
await engine.dispose();
