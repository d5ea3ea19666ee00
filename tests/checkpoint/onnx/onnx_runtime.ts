/**
 * A program of its own, as onnxruntime-web asks for permissions that our tests do without: `onnx_runtime.ts MODEL.onnx TOKENS LOGITS PROMPTS DIGITS`
 *
 * TOKENS are bytes [n, 33]; LOGITS, float32 [n, 33, 14], are written. PROMPTS are bytes [m, 22]; DIGITS, bytes [m, 11], are what greedy decoding
 * appends to them, a run of the graph for each digit.
 */
import * as ort from "onnxruntime-web";

const [model, tokensFile, logitsFile, promptsFile, digitsFile] = Deno.args;
const PROMPT = 22;
const DIGITS = 11;
const VOCABULARY = 14;

ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(await Deno.readFile(model));
console.log(JSON.stringify([session.inputMetadata, session.outputMetadata]));

/** The logits [n, length, 14] of tokens [n, length]. */
async function logitsOf(tokens: Uint8Array, length: number): Promise<Float32Array> {
  const values = BigInt64Array.from(tokens, BigInt);
  const { logits } = await session.run({ tokens: new ort.Tensor("int64", values, [tokens.length / length, length]) });
  return logits.data as Float32Array;
}

const logits = await logitsOf(await Deno.readFile(tokensFile), 33);
await Deno.writeFile(logitsFile, new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength));

const prompts = await Deno.readFile(promptsFile);
const count = prompts.length / PROMPT;
let rows = Array.from({ length: count }, (_, i) => [...prompts.subarray(PROMPT * i, PROMPT * (i + 1))]);
for (let length = PROMPT; length < PROMPT + DIGITS; length++) {
  const logits = await logitsOf(Uint8Array.from(rows.flat()), length);
  rows = rows.map((row, i) => {
    const last = logits.subarray(VOCABULARY * (length * (i + 1) - 1), VOCABULARY * length * (i + 1));
    return [...row, last.indexOf(Math.max(...last))];
  });
}
await Deno.writeFile(digitsFile, Uint8Array.from(rows.flatMap((row) => row.slice(PROMPT))));
