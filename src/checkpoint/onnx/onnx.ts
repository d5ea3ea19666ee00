/** Writes ONNX models. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto defines the messages and their field numbers. */
import { TOKENS, type Variant, variantOf } from "../../model/variant.ts";
import { littleEndian } from "../common/bytes.ts";
import { encodeMessage, type Message } from "../common/protobuf.ts";
import { type CheckpointSource, tensorsToWrite } from "../safetensors/checkpoint.ts";

/** Operators of 2021; LayerNormalization is the youngest that we use. onnxruntime reads it from 1.12 on. */
const OPSET = 17;
/** The version of the format that came with these operators. */
const IR_VERSION = 8;
/** `TensorProto.DataType`. */
const ELEMENTS = { float32: 1, int64: 7 } as const;
/** `AttributeProto.AttributeType`. */
const ATTRIBUTES = { float: 1, int: 2, tensor: 4, ints: 7 } as const;

/** Attributes of a node. A whole number is of type int, another one of type float. */
type Attributes = Readonly<Record<string, number | readonly number[] | Constant>>;

/** A tensor in the model, row-major: float32 where it holds a Float32Array, else int64. */
type Constant = Readonly<{ shape: readonly number[]; values: Float32Array | readonly number[] }>;

/** What goes in or comes out; an extent that is text is only known at run time. */
type Port = Readonly<{ name: string; elements: keyof typeof ELEMENTS; shape: readonly (number | string)[] }>;

/** Builds a graph, its nodes in the order of computation. Methods return the names of the values that they add. */
export class OnnxGraph {
  readonly #nodes: Message[] = [];
  readonly #initializers: Message[] = [];

  weights(name: string, constant: Constant): void {
    this.#initializers.push(tensorProto(constant, name));
  }

  nodes(operator: string, inputs: readonly string[], outputs: readonly string[], attributes: Attributes = {}) {
    const attribute = Object.entries(attributes).map(attributeProto);
    this.#nodes.push({ 1: inputs, 2: outputs, 3: outputs[0], 4: operator, 5: attribute });
    return outputs;
  }

  node(operator: string, inputs: readonly string[], output: string, attributes: Attributes = {}): string {
    return this.nodes(operator, inputs, [output], attributes)[0];
  }

  /** A float32 number that is no weight. */
  number(name: string, value: number): string {
    return this.constant(name, { shape: [], values: Float32Array.of(value) });
  }

  list(name: string, ...values: number[]): string {
    return this.constant(name, { shape: [values.length], values });
  }

  constant(name: string, constant: Constant): string {
    return this.node("Constant", [], name, { value: constant });
  }

  /** A LayerNorm over the last extent, with the weights of that name. */
  layerNorm(x: string, name: string, output: string, epsilon: number): string {
    return this.node("LayerNormalization", [x, `${name}.weight`, `${name}.bias`], output, { axis: -1, epsilon });
  }

  model(name: string, input: Port, output: Port, metadata: readonly (readonly [string, string])[] = []) {
    const [inputs, outputs] = [input, output].map(valueInfoProto);
    const graph = { 1: this.#nodes, 2: name, 5: this.#initializers, 11: inputs, 12: outputs };
    const properties = metadata.map(([key, text]) => ({ 1: key, 2: text }));
    return encodeMessage({ 1: IR_VERSION, 2: "tiny-adder", 7: graph, 8: { 1: "", 2: OPSET }, 14: properties });
  }
}

function attributeProto([name, value]: [name: string, value: Attributes[string]]): Message {
  if (typeof value === "object" && "shape" in value) return { 1: name, 5: tensorProto(value), 20: ATTRIBUTES.tensor };
  if (typeof value === "object") return { 1: name, 8: value, 20: ATTRIBUTES.ints };
  if (Number.isInteger(value)) return { 1: name, 3: value, 20: ATTRIBUTES.int };
  return { 1: name, 2: Float32Array.of(value), 20: ATTRIBUTES.float };
}

function tensorProto({ shape, values }: Constant, name?: string): Message {
  return values instanceof Float32Array
    ? { 1: shape, 2: ELEMENTS.float32, 8: name, 9: littleEndian(values) }
    : { 1: shape, 2: ELEMENTS.int64, 7: values, 8: name };
}

function valueInfoProto({ name, elements, shape }: Port): Message {
  const dimensions = shape.map((extent) => typeof extent === "number" ? { 1: extent } : { 2: extent });
  return { 1: name, 2: { 1: { 1: ELEMENTS[elements], 2: { 1: dimensions } } } };
}

/**
 * Writes a model as ONNX, opset 17, with the input `tokens` (int64, [batch, length], length at most 35) and the output `logits` (float32,
 * [batch, length, 14]). The initializers are the weights alone, under PyTorch's names. To add, append the most likely token of the last
 * position, eleven times.
 *
 * @example Usage
 * ```ts
 * import { encodeOnnx } from "@x/tiny-adder/checkpoint";
 *
 * const bytes = encodeOnnx({ model: 763, parameters: new Float32Array(763), metadata: {} });
 * console.log(bytes.length); // about 6 kB; ort.InferenceSession.create(bytes) runs it
 * ```
 *
 * @returns The bytes of the file; the same checkpoint gives the same bytes
 * @throws {CheckpointError} If the number of parameters is wrong, or one is not finite
 */
export function encodeOnnx(source: CheckpointSource): Uint8Array<ArrayBuffer> {
  const { model, tensors, metadata } = tensorsToWrite(source);
  const graph = new OnnxGraph();
  for (const { name, ...constant } of tensors) graph.weights(name, constant);
  addForwardPass(graph, variantOf(model));
  const input = { name: "tokens", elements: "int64", shape: ["batch", "length"] } as const;
  const output = { name: "logits", elements: "float32", shape: ["batch", "length", TOKENS] } as const;
  return graph.model(`tiny-adder-${model}`, input, output, metadata);
}

/** The lines of `forward` in src/engine/reference/model.ts for a batch; the comments give the shapes of 763. */
function addForwardPass(graph: OnnxGraph, variant: Variant): void {
  const { width, layerNormEpsilon } = variant;
  /** x W^T, for weights as PyTorch stores them, [out, in] */
  const linear = (x: string, weight: string, output: string) =>
    graph.node("MatMul", [x, graph.node("Transpose", [weight], `${weight}.T`, { perm: [1, 0] })], output);
  const layerNorm = (x: string, name: string) => graph.layerNorm(x, name, `${name}.y`, layerNormEpsilon);

  const length = graph.node("Shape", ["tokens"], "length", { start: 1, end: 2 }); // [1]
  const positions = graph.node("Slice", ["pos_emb.weight", graph.list("first", 0), length], "positions"); // [length, 7]
  const embedded = graph.node("Gather", ["tok_emb.weight", "tokens"], "embedded"); // [batch, length, 7]
  const x0 = graph.node("Add", [embedded, positions], "x0");

  const qkv = linear(layerNorm(x0, "blocks.0.ln1"), "blocks.0.attn.qkv.weight", "qkv"); // [batch, length, 21]
  const parts = graph.list("qkv_parts", width, width, width);
  const [query, key, value] = graph.nodes("Split", [qkv, parts], ["query", "key", "value"], { axis: -1 });
  const transposed = graph.node("Transpose", [key], "key_transposed", { perm: [0, 2, 1] });
  const products = graph.node("MatMul", [query, transposed], "products"); // [batch, length, length]
  const scores = graph.node("Mul", [products, graph.number("scale", 1 / Math.sqrt(width))], "scores");
  const square = graph.node("Concat", [length, length], "square", { axis: 0 });
  const future = { value: { shape: [1], values: Float32Array.of(-Infinity) } };
  const filled = graph.node("ConstantOfShape", [square], "filled", future);
  const one = graph.constant("one_above", { shape: [], values: [1] });
  const mask = graph.node("Trilu", [filled, one], "mask", { upper: 1 }); // -Infinity above the diagonal, 0 elsewhere
  const causal = graph.node("Add", [scores, mask], "causal");
  const attention = graph.node("Softmax", [causal], "attention", { axis: -1 });
  const attended = graph.node("MatMul", [attention, value], "attended");
  const x1 = graph.node("Add", [x0, linear(attended, "blocks.0.attn.proj.weight", "projected")], "x1");

  const hidden = linear(layerNorm(x1, "blocks.0.ln2"), "blocks.0.ffn.w1.weight", "hidden"); // [batch, length, 14]
  const activated = gelu(graph, variant.gelu, hidden);
  const x2 = graph.node("Add", [x1, linear(activated, "blocks.0.ffn.w2.weight", "fed_forward")], "x2");
  linear(variant.finalNorm ? layerNorm(x2, "ln_f") : x2, "tok_emb.weight", "logits");
}

/** Both forms of src/engine/reference/gelu.ts, of the operators that opset 17 has. */
function gelu(graph: OnnxGraph, form: Variant["gelu"], x: string): string {
  const apply = (operator: string, output: string, ...inputs: string[]) => graph.node(operator, inputs, output);
  let inner: string;
  if (form === "erf") { // x/2 (1 + erf(x / sqrt 2))
    inner = apply("Erf", "gelu_inner", apply("Mul", "gelu_scaled", x, graph.number("root_half", Math.SQRT1_2)));
  } else { // x/2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
    const square = apply("Mul", "gelu_square", x, x);
    const cubic = apply("Mul", "gelu_cubic_term", square, graph.number("gelu_cubic", 0.044715));
    const sum = apply("Mul", "gelu_sum", x, apply("Add", "gelu_factor", cubic, graph.number("gelu_one", 1)));
    const scaled = apply("Mul", "gelu_scaled", sum, graph.number("gelu_root", Math.sqrt(2 / Math.PI)));
    inner = apply("Tanh", "gelu_inner", scaled);
  }
  const gate = apply("Add", "gelu_gate", inner, graph.number("one", 1));
  return apply("Mul", "activated", apply("Mul", "gelu_half", x, graph.number("half", 0.5)), gate);
}
