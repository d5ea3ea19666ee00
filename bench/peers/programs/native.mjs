/**
 * The training step and greedy decoding of native.c, compiled as a library.
 *
 *   deno run --allow-read=. --allow-ffi native.mjs LIBRARY check|train|decode …
 */
import { main, POSITIONS, QUERIES } from "./protocol.mjs";

const [library, ...args] = Deno.args;
const { symbols } = Deno.dlopen(library, {
  train: { parameters: ["buffer", "buffer", "buffer", "i32", "i32", "f32"], result: "f32" },
  decode: { parameters: ["buffer", "buffer", "buffer", "i32"], result: "void" },
});

const flat = (weights) => Float32Array.from(weights.flatMap(({ values }) => values));

function trainStep(weights) {
  const parameters = flat(weights);
  return async (tokens, targets, rate, count) =>
    await symbols.train(parameters, tokens, targets, tokens.length / POSITIONS, count, rate);
}

function decoder(weights) {
  const parameters = flat(weights);
  return async (tokens) => {
    const batch = tokens.length / POSITIONS;
    const decoded = new Int32Array(batch * QUERIES);
    await symbols.decode(parameters, tokens, decoded, batch);
    return decoded;
  };
}

await main(args, { trainStep, decoder });
