/**
 * The training step and greedy decoding of native.c, compiled as a library.
 *
 *   deno run --allow-read=. --allow-ffi native.mjs LIBRARY check|train|decode …
 */
import { main, POSITIONS, QUERIES, readGolden } from "./protocol.mjs";

const [library, ...args] = Deno.args;
const { symbols } = Deno.dlopen(library, {
  train: { parameters: ["buffer", "buffer", "buffer", "i32", "i32", "f32"], result: "f32" },
  decode: { parameters: ["buffer", "buffer", "buffer", "i32"], result: "void" },
});

const values = readGolden().weights.flatMap(({ values }) => values);
const [trained, parameters] = [Float32Array.from(values), Float32Array.from(values)];

const step = async (tokens, targets, rate, count) =>
  await symbols.train(trained, tokens, targets, tokens.length / POSITIONS, count, rate);

async function decode(tokens) {
  const batch = tokens.length / POSITIONS;
  const decoded = new Int32Array(batch * QUERIES);
  await symbols.decode(parameters, tokens, decoded, batch);
  return decoded;
}

await main(args, { step, decode });
