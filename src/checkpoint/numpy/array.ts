import {
  type Buildable,
  PickleGlobal,
  PickleRefusal,
  type PickleValue,
  type PickleWorld,
} from "../common/pickle_reader.ts";
import { denseStrides, FileTensor, isShape, type Layout } from "../common/tensor.ts";

/** Types by NumPy's one letter for a kind of number and its bytes, or by the name that NumPy gives them. */
const TYPES = new Map(Object.entries({
  ...{ f2: "float16", f4: "float32", f8: "float64", bfloat16: "bfloat16" },
  ...{ i8: "int64", i4: "int32", i2: "int16", i1: "int8", u1: "uint8", b1: "bool" },
}));

/** The type of an array's elements, with the order of their bytes. */
export class NumpyType implements Buildable {
  readonly name: string;

  /** @param code `f4`, or whatever NumPy calls it */
  constructor(code: string, public littleEndian = true) {
    this.name = TYPES.get(code) ?? code;
  }

  /** `(version, order of bytes, …)` */
  build(state: PickleValue): void {
    this.littleEndian = !Array.isArray(state) || state[1] !== ">";
  }
}

/** Where the elements of an array are. */
export function layoutOf(of: NumpyType, shape: readonly number[], columnMajor: boolean, bytes: Uint8Array): Layout {
  const strides = columnMajor ? denseStrides(shape.toReversed()).reverse() : denseStrides(shape);
  return { type: of.name, shape, strides, bytes, littleEndian: of.littleEndian };
}

/** An array of a pickle, which is completed after it was made. */
class NumpyArray extends FileTensor implements Buildable {
  /** @param state `(version, shape, type, column-major, bytes)` */
  constructor(state?: PickleValue) {
    super({ type: "float32", shape: [0], bytes: new Uint8Array() });
    if (state !== undefined) this.build(state);
  }

  build(state: PickleValue): void {
    const [, shape, of, columnMajor, bytes] = Array.isArray(state) ? state : [];
    if (!isShape(shape) || !(of instanceof NumpyType)) throw new PickleRefusal("an array has no shape and no type");
    const content = bytes instanceof Uint8Array ? bytes : new Uint8Array(); // an array of objects has a list
    this.layout = layoutOf(of, [...shape], columnMajor === true, content); // a copy: the pickle could append to its list
  }
}

/** `numpy.dtype("f4", …)`, and `numpy.dtype(ml_dtypes.bfloat16)` */
function makeType([of]: PickleValue[]): NumpyType {
  return new NumpyType(of instanceof PickleGlobal ? of.name.split(" ")[1] : String(of));
}

/** `numpy.core.numeric._frombuffer(bytes, type, shape, order)`, as protocol 5 has it */
function fromBuffer([bytes, of, shape, order]: PickleValue[]): FileTensor {
  return new NumpyArray([1, shape, of, order === "F", bytes]);
}

/** `jax._src.array._reconstruct_array(function, arguments, state, …)`: NumPy's array in other words */
function fromJax([, , state]: PickleValue[]): FileTensor {
  return new NumpyArray(state ?? null);
}

/** `_codecs.encode(text, "latin1")`: bytes, as protocol 2 has them */
function encode([text, encoding]: PickleValue[]): PickleValue {
  if (typeof text !== "string" || encoding !== "latin1") throw new PickleRefusal("bytes are no text in latin1");
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** What a pickle of NumPy's arrays, or of JAX's, names. The modules have moved between versions. */
export const NUMPY_GLOBALS: PickleWorld["globals"] = {
  "numpy dtype": makeType,
  "numpy.core.multiarray _reconstruct": () => new NumpyArray(),
  "numpy._core.multiarray _reconstruct": () => new NumpyArray(),
  "numpy.core.numeric _frombuffer": fromBuffer,
  "numpy._core.numeric _frombuffer": fromBuffer,
  "jax._src.array _reconstruct_array": fromJax,
  "jax._src.device_array reconstruct_device_array": fromJax,
  "jax.interpreters.xla reconstruct_device_array": fromJax,
  "_codecs encode": encode,
};
