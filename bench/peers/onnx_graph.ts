/**
 * Greedy decoding as one ONNX graph, for ONNX Runtime: keys and values of the prompt once, then twelve steps written out, each of
 * one position. `prompts` (int64, [batch, 22]) to `decoded` (int64, [batch, 12]).
 */
import { OnnxGraph } from "../../src/checkpoint/onnx/onnx.ts";
import { variantOf, WIDTH } from "../../src/model/variant.ts";
import { FIRST_QUERY, QUERIES } from "../../src/model/vocabulary.ts";

export function encodeDecoder(parameters: Float32Array): Uint8Array {
  const graph = new OnnxGraph();
  for (const { name, shape, offset, size } of variantOf(763).tensors) {
    graph.weights(name, { shape, values: parameters.subarray(offset, offset + size) });
  }
  const one = graph.number("one", 1);
  const half = graph.number("half", 0.5);
  const rootHalf = graph.number("root_half", Math.SQRT1_2);
  const scale = graph.number("scale", WIDTH ** -0.5);
  const parts = graph.list("parts", WIDTH, WIDTH, WIDTH);
  const axis = graph.list("axis", 1);
  const transpose = (x: string, perm: number[]) => graph.node("Transpose", [x], `${x}.T`, { perm: { ints: perm } });
  const matrices = new Map(
    ["blocks.0.attn.qkv", "blocks.0.attn.proj", "blocks.0.ffn.w1", "blocks.0.ffn.w2", "tok_emb"]
      .map((name) => [name, transpose(`${name}.weight`, [1, 0])]),
  );
  const linear = (x: string, name: string, out: string) => graph.node("MatMul", [x, matrices.get(name)!], out);
  const layerNorm = (x: string, name: string, out: string) => graph.layerNorm(x, name, out, 1e-5);

  /** From tokens at positions [from, to): x of these, their queries, keys and values. */
  const read = (tokens: string, from: number, to: number) => {
    const at = `at${from}`;
    const positions = graph.node(
      "Slice",
      ["pos_emb.weight", graph.list(`${at}.from`, from), graph.list(`${at}.to`, to)],
      `${at}.pos`,
    );
    const x = graph.node("Add", [graph.node("Gather", ["tok_emb.weight", tokens], `${at}.tok`), positions], `${at}.x`);
    const qkv = linear(layerNorm(x, "blocks.0.ln1", `${at}.norm`), "blocks.0.attn.qkv", `${at}.qkv`);
    const [q, k, v] = graph.nodes("Split", [qkv, parts], [`${at}.q`, `${at}.k`, `${at}.v`], { axis: { int: -1 } });
    return { x, q, k, v };
  };

  const last = graph.list("last", FIRST_QUERY);
  const end = graph.list("end", FIRST_QUERY + 1);
  const lastRow = (x: string) => graph.node("Slice", [x, last, end, axis], `${x}.last`);
  let { x, q, k, v } = read("prompts", 0, FIRST_QUERY + 1);
  [x, q] = [lastRow(x), lastRow(q)];
  const decoded: string[] = [];
  for (let step = 0; step < QUERIES; step++) {
    const at = `step${step}`;
    const scores = graph.node(
      "MatMul",
      [graph.node("Mul", [q, scale], `${at}.q`), transpose(k, [0, 2, 1])],
      `${at}.scores`,
    );
    const shares = graph.node("Softmax", [scores], `${at}.shares`, { axis: { int: -1 } });
    const attended = graph.node("MatMul", [shares, v], `${at}.attended`);
    const x1 = graph.node("Add", [x, linear(attended, "blocks.0.attn.proj", `${at}.projected`)], `${at}.x1`);
    const hidden = linear(layerNorm(x1, "blocks.0.ln2", `${at}.norm`), "blocks.0.ffn.w1", `${at}.hidden`);
    const erf = graph.node("Erf", [graph.node("Mul", [hidden, rootHalf], `${at}.scaled`)], `${at}.erf`);
    const gate = graph.node("Mul", [graph.node("Add", [erf, one], `${at}.gate`), half], `${at}.phi`);
    const fed = linear(graph.node("Mul", [hidden, gate], `${at}.gelu`), "blocks.0.ffn.w2", `${at}.fed`);
    const logits = linear(graph.node("Add", [x1, fed], `${at}.x2`), "tok_emb", `${at}.logits`);
    const token = graph.node("ArgMax", [logits], `${at}.token`, { axis: { int: -1 }, keepdims: { int: 0 } }); // [batch, 1]
    decoded.push(token);
    if (step + 1 === QUERIES) break;
    const next = read(token, FIRST_QUERY + step + 1, FIRST_QUERY + step + 2);
    [x, q] = [next.x, next.q];
    k = graph.node("Concat", [k, next.k], `${at}.keys`, { axis: { int: 1 } });
    v = graph.node("Concat", [v, next.v], `${at}.values`, { axis: { int: 1 } });
  }
  graph.node("Concat", decoded, "decoded", { axis: { int: 1 } });
  return graph.model({
    name: "tiny-adder-decoder",
    inputs: [{ name: "prompts", elements: "int64", shape: ["batch", FIRST_QUERY + 1] }],
    outputs: [{ name: "decoded", elements: "int64", shape: ["batch", QUERIES] }],
    metadata: {},
  });
}
