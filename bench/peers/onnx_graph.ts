/**
 * Greedy decoding as one ONNX graph, for ONNX Runtime: keys and values of the prompt once, then twelve steps written out, each of
 * one position. `prompts` (int64, [batch, 22]) to `decoded` (int64, [batch, 12]).
 */
import type { tensorsToWrite } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { OnnxGraph } from "../../src/checkpoint/onnx/onnx.ts";
import { WIDTH } from "../../src/model/variant.ts";
import { FIRST_QUERY, PROMPT_LENGTH, QUERIES } from "../../src/model/vocabulary.ts";

export function encodeDecoder(tensors: ReturnType<typeof tensorsToWrite>["tensors"]): Uint8Array {
  const graph = new OnnxGraph();
  for (const { name, ...constant } of tensors) graph.weights(name, constant);
  let nodes = 0;
  /** Adds a node that computes one value. */
  const node = (operator: string, inputs: string[], attributes?: Parameters<typeof graph.node>[3]) =>
    graph.node(operator, inputs, `x${nodes++}`, attributes);
  const list = (...values: number[]) => graph.list(`list${nodes++}`, ...values);
  const [one, half] = [graph.number("one", 1), graph.number("half", 0.5)];
  const [rootHalf, scale] = [graph.number("root_half", Math.SQRT1_2), graph.number("scale", WIDTH ** -0.5)];
  const [parts, axis1] = [list(WIDTH, WIDTH, WIDTH), list(1)];
  const last = { axis: -1 };
  const transpose = (x: string, ...perm: number[]) => node("Transpose", [x], { perm });
  const linear = (x: string, name: string) => node("MatMul", [x, transpose(`${name}.weight`, 1, 0)]);
  const layerNorm = (x: string, name: string) => graph.layerNorm(x, name, `x${nodes++}`, 1e-5);

  /** From tokens at positions [from, to): x of these, their queries, keys and values. */
  const read = (tokens: string, from: number, to: number) => {
    const positions = node("Slice", ["pos_emb.weight", list(from), list(to)]);
    const x = node("Add", [node("Gather", ["tok_emb.weight", tokens]), positions]);
    const qkv = linear(layerNorm(x, "blocks.0.ln1"), "blocks.0.attn.qkv");
    return [x, ...graph.nodes("Split", [qkv, parts], ["q", "k", "v"].map((name) => `${name}${from}`), last)];
  };

  let [x, q, k, v] = read("prompts", 0, PROMPT_LENGTH);
  [x, q] = [x, q].map((rows) => node("Slice", [rows, list(FIRST_QUERY), list(PROMPT_LENGTH), axis1]));
  const decoded: string[] = [];
  for (let step = 1; step <= QUERIES; step++) {
    const shares = node("Softmax", [node("MatMul", [node("Mul", [q, scale]), transpose(k, 0, 2, 1)])], last);
    const x1 = node("Add", [x, linear(node("MatMul", [shares, v]), "blocks.0.attn.proj")]);
    const hidden = linear(layerNorm(x1, "blocks.0.ln2"), "blocks.0.ffn.w1");
    const phi = node("Mul", [node("Add", [node("Erf", [node("Mul", [hidden, rootHalf])]), one]), half]);
    const x2 = node("Add", [x1, linear(node("Mul", [hidden, phi]), "blocks.0.ffn.w2")]);
    const token = node("ArgMax", [linear(x2, "tok_emb")], { ...last, keepdims: 0 }); // [batch, 1]
    decoded.push(token);
    if (step === QUERIES) break;
    const next = read(token, FIRST_QUERY + step, FIRST_QUERY + step + 1);
    [x, q] = next;
    [k, v] = [k, v].map((rows, i) => node("Concat", [rows, next[2 + i]], { axis: 1 }));
  }
  graph.node("Concat", decoded, "decoded", { axis: 1 });
  const input = { name: "prompts", elements: "int64", shape: ["batch", PROMPT_LENGTH] } as const;
  const output = { name: "decoded", elements: "int64", shape: ["batch", QUERIES] } as const;
  return graph.model("tiny-adder-decoder", input, output);
}
