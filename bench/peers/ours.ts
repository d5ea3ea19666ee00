/**
 * Our side of `deno task bench:peers`, a process of its own that speaks the protocol of the rivals:
 * `ours.ts exact|fast check FILE` or `ours.ts exact|fast train|decode BATCH SECONDS REPEATS`.
 *
 * @module
 */
import { createEngine } from "../../src/engine/mod.ts";
import { decoding, measure, training } from "../measure.ts";
import { GOLDEN_HYPERPARAMETERS, type Output, readCheckFile } from "./protocol.ts";

if (import.meta.main) {
  const [arithmetic, task, ...args] = Deno.args;
  const engine = await createEngine({ backend: "wasm", arithmetic: arithmetic as "exact" | "fast" });
  let output: Output;
  if (task === "check") {
    const { parameters, operands } = await readCheckFile(args[0]);
    engine.setParameters(parameters);
    const tokens = Array.from(await engine.decode(operands));
    const losses = [];
    for (let step = 0; step < 10; step++) {
      losses.push((await engine.trainStep(operands, GOLDEN_HYPERPARAMETERS)).loss);
    }
    output = { losses, tokens };
  } else {
    const [batch, seconds, repeats] = args.map(Number);
    engine.initialize(1);
    output = await measure((task === "train" ? training : decoding)(engine, batch), { seconds, repeats });
  }
  await engine.dispose();
  console.log(JSON.stringify(output));
}
