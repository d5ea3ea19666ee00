/**
 * Greedy decoding in ONNX Runtime, one thread; the graph of ../onnx_graph.ts has the loop inside.
 *
 *   node onnx.mjs check|decode …
 */
import { createRequire } from "node:module";
import process from "node:process";
import { FIRST_QUERY, main, POSITIONS } from "./protocol.mjs";

const { InferenceSession, Tensor } = createRequire(import.meta.url)("onnxruntime-node");
const PROMPT = FIRST_QUERY + 1;

const session = await InferenceSession.create("decode.onnx", { intraOpNumThreads: 1, interOpNumThreads: 1 });

async function decode(tokens) {
  const batch = tokens.length / POSITIONS;
  const prompts = BigInt64Array.from(
    { length: batch * PROMPT },
    (_, i) => BigInt(tokens[Math.floor(i / PROMPT) * POSITIONS + i % PROMPT]),
  );
  const { decoded } = await session.run({ prompts: new Tensor("int64", prompts, [batch, PROMPT]) });
  return Array.from(decoded.data, Number);
}

await main(process.argv.slice(2), { decode });
