/** Writes ONNX models. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto defines the messages and their field numbers. */
import { concatenate, littleEndian } from "../common/bytes.ts";
import { bytes, type Field, float, int, message, string } from "../common/protobuf.ts";

/** Operators of 2021; LayerNormalization is the youngest that we use. onnxruntime reads it from 1.12 on. */
const OPSET = 17;
/** The version of the format that came with these operators. */
const IR_VERSION = 8;
/** `TensorProto.DataType`. */
const ELEMENTS = { float32: 1, int64: 7 } as const;
/** `AttributeProto.AttributeType`. */
const ATTRIBUTES = { float: 1, int: 2, tensor: 4, ints: 7 } as const;

/** The value of a node's attribute. */
export type Attribute =
  | { readonly float: number }
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly tensor: Constant };

/** A tensor in the model, row-major: float32 where it holds a Float32Array, else int64. */
export interface Constant {
  readonly shape: readonly number[];
  readonly values: Float32Array | readonly number[];
}

/** What goes in or comes out; an extent that is text is only known at run time. */
export interface Port {
  readonly name: string;
  readonly elements: keyof typeof ELEMENTS;
  readonly shape: readonly (number | string)[];
}

type Attributes = Readonly<Record<string, Attribute>>;

/** Builds a graph. Every value has a name; nodes are in the order of computation. */
export class OnnxGraph {
  readonly #nodes: Field[] = [];
  readonly #initializers: Field[] = [];

  /** Adds weights. @returns Their name */
  weights(name: string, constant: Constant): string {
    this.#initializers.push(message(5, ...tensorFields(constant, name)));
    return name;
  }

  /** Adds a node. @returns The names of what it computes */
  nodes(operator: string, inputs: readonly string[], outputs: readonly string[], attributes: Attributes = {}) {
    this.#nodes.push(message(
      1,
      ...inputs.map((name) => string(1, name)),
      ...outputs.map((name) => string(2, name)),
      string(3, outputs[0]),
      string(4, operator),
      ...Object.entries(attributes).map(([name, value]) => message(5, string(1, name), ...attributeFields(value))),
    ));
    return outputs;
  }

  /** Adds a node with one output. @returns The name of what it computes */
  node(operator: string, inputs: readonly string[], output: string, attributes: Attributes = {}): string {
    return this.nodes(operator, inputs, [output], attributes)[0];
  }

  /** Adds a number or a list of numbers that are no weights. @returns Its name */
  constant(name: string, constant: Constant): string {
    return this.node("Constant", [], name, { value: { tensor: constant } });
  }

  /** The bytes of a model with this graph. */
  model(
    { name, inputs, outputs, metadata }: {
      name: string;
      inputs: readonly Port[];
      outputs: readonly Port[];
      metadata: Readonly<Record<string, string>>;
    },
  ): Uint8Array<ArrayBuffer> {
    const graph = message(
      7,
      ...this.#nodes,
      string(2, name),
      ...this.#initializers,
      ...inputs.map((port) => message(11, ...portFields(port))),
      ...outputs.map((port) => message(12, ...portFields(port))),
    );
    const texts = Object.entries(metadata).sort(([a], [b]) => a < b ? -1 : 1);
    return concatenate([
      int(1, IR_VERSION),
      string(2, "tiny-adder"),
      graph,
      message(8, string(1, ""), int(2, OPSET)),
      ...texts.map(([key, text]) => message(14, string(1, key), string(2, text))),
    ]);
  }
}

function attributeFields(value: Attribute): Field[] {
  if ("float" in value) return [float(2, value.float), int(20, ATTRIBUTES.float)];
  if ("int" in value) return [int(3, value.int), int(20, ATTRIBUTES.int)];
  if ("ints" in value) return [...value.ints.map((one) => int(8, one)), int(20, ATTRIBUTES.ints)];
  return [message(5, ...tensorFields(value.tensor)), int(20, ATTRIBUTES.tensor)];
}

/** `TensorProto` */
function tensorFields({ shape, values }: Constant, name?: string): Field[] {
  const isFloat = values instanceof Float32Array;
  return [
    ...shape.map((extent) => int(1, extent)),
    int(2, isFloat ? ELEMENTS.float32 : ELEMENTS.int64),
    ...(name === undefined ? [] : [string(8, name)]),
    ...(isFloat ? [bytes(9, littleEndian(values))] : values.map((value) => int(7, value))),
  ];
}

/** `ValueInfoProto` */
function portFields({ name, elements, shape }: Port): Field[] {
  const extents = shape.map((extent) => message(1, typeof extent === "number" ? int(1, extent) : string(2, extent)));
  return [string(1, name), message(2, message(1, int(1, ELEMENTS[elements]), message(2, ...extents)))];
}
