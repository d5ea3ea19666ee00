import { CheckpointError, excerpt, tensorLabel } from "../common/error.ts";
import { type ElementType, elementType } from "../common/element_type.ts";
import {
  type Buildable,
  PickleGlobal,
  PickleRefusal,
  type PickleValue,
  type PickleWorld,
} from "../common/pickle_reader.ts";
import { denseStrides, elementCount, FileTensor, gather } from "../common/tensor.ts";

/** NumPy's one letter for a kind of number, and its bytes: the name that NumPy gives to the type. */
const NAMES: Readonly<Record<string, string>> = {
  ...{ f2: "float16", f4: "float32", f8: "float64", bfloat16: "bfloat16" },
  ...{ i8: "int64", i4: "int32", i2: "int16", i1: "int8", u1: "uint8", b1: "bool" },
};

/** The type of the elements of an array: `f4`, with the order of the bytes. */
export class NumpyType implements Buildable {
  /** The type, if its numbers can be read. */
  readonly type: ElementType | undefined;
  /** Whether the lowest byte comes first. */
  littleEndian = true;

  /** Names it. */
  constructor(
    /** `f4`, or whatever NumPy calls it. */
    readonly code: string,
  ) {
    this.type = elementType(NAMES[code]);
  }

  /** `(version, order of bytes, …)` */
  build(state: PickleValue): void {
    this.littleEndian = !Array.isArray(state) || state[1] !== ">";
  }
}

/** An array. Its form is checked, its agreement with its bytes is not. */
export class NumpyArray extends FileTensor implements Buildable {
  shape: readonly number[] = [0];
  #of = new NumpyType("f4");
  #columnMajor = false;
  #bytes: Uint8Array = new Uint8Array();

  /** An array of these bytes. */
  static of(of: NumpyType, shape: readonly number[], columnMajor: boolean, bytes: Uint8Array): NumpyArray {
    const array = new NumpyArray();
    array.shape = shape;
    array.#of = of;
    array.#columnMajor = columnMajor;
    array.#bytes = bytes;
    return array;
  }

  override get type(): string {
    return this.#of.type?.name ?? this.#of.code;
  }

  /** `(version, shape, type, column-major, bytes)` */
  build(state: PickleValue): void {
    const [, shape, of, columnMajor, bytes] = Array.isArray(state) ? state : [];
    if (!isShape(shape) || !(of instanceof NumpyType)) throw new PickleRefusal("an array has no shape and no type");
    this.shape = [...shape]; // a copy: the pickle could still append to its list
    this.#of = of;
    this.#columnMajor = columnMajor === true;
    this.#bytes = bytes instanceof Uint8Array ? bytes : new Uint8Array(); // an array of objects has a list
  }

  override elements(name: string, asked: string): Float32Array {
    const { type, littleEndian } = this.#of;
    if (type === undefined) {
      throw new CheckpointError(
        `Cannot ${asked} as ${tensorLabel(name)} must be of a known type: current type is ${excerpt(this.type)}`,
      );
    }
    const size = elementCount(this.shape) * type.bytes;
    if (this.#bytes.length !== size) {
      throw new CheckpointError(
        `Cannot ${asked} as ${tensorLabel(name)} of shape ${
          excerpt(this.shape)
        } must have ${size} bytes: current size is ${this.#bytes.length}`,
      );
    }
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, size);
    const strides = this.#columnMajor ? denseStrides(this.shape.toReversed()).reverse() : denseStrides(this.shape);
    return gather(this.shape, strides, (index) => type.read(view, index * type.bytes, littleEndian));
  }
}

/** A shape; NumPy allows 64 extents, more than 8 are no tensor of a model. */
export function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 8 &&
    value.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
}

/** `numpy.dtype("f4", …)`, and `numpy.dtype(ml_dtypes.bfloat16)` */
function makeType([of]: PickleValue[]): NumpyType {
  return new NumpyType(of instanceof PickleGlobal ? of.name.split(" ")[1] : String(of));
}

/** `numpy.core.numeric._frombuffer(bytes, type, shape, order)`, as protocol 5 has it */
function fromBuffer([bytes, of, shape, order]: PickleValue[]): NumpyArray {
  const array = new NumpyArray();
  array.build([1, shape, of, order === "F", bytes]);
  return array;
}

/** `jax._src.array._reconstruct_array(function, arguments, state, …)`: NumPy's array in other words */
function fromJax([, , state]: PickleValue[]): NumpyArray {
  const array = new NumpyArray();
  array.build(state);
  return array;
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
