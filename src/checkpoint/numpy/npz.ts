/**
 * NumPy's containers: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * ```
 * .npz   a ZIP file with an entry NAME.npy for each array
 * .npy   \x93NUMPY, version (2 bytes), length of the header (2 bytes, 4 from version 2 on), header, elements
 * ```
 *
 * The header is a Python dict: `{'descr': '<f4', 'fortran_order': False, 'shape': (14, 7), }`.
 */
import { formatJson } from "../../common/format_value.ts";
import { bytesOfLatin1, concatenate, latin1, viewOf } from "../common/bytes.ts";
import { refuse } from "../common/error.ts";
import {
  PickleDict,
  PickleGlobal,
  PickleRefusal,
  type PickleValue,
  type PickleWorld,
} from "../common/pickle_reader.ts";
import { denseStrides, FileTensor, isShape, type Layout, typeNamed } from "../common/tensor.ts";
import { writeZip, type ZipEntries } from "../common/zip.ts";
import { type CheckpointSource, tensorsToWrite } from "../safetensors/checkpoint.ts";

/** The type of an array's elements, with the order of their bytes. */
class NumpyType {
  readonly name: string;

  /** @param code NumPy's one letter for a kind of number and its bytes, such as `f4`, or a name */
  constructor(code: string, public littleEndian = true) {
    this.name = typeNamed(code, "numpy");
  }

  /** `(version, order of bytes, …)` */
  build(state: PickleValue): void {
    this.littleEndian = !Array.isArray(state) || state[1] !== ">";
  }
}

function layoutOf(of: NumpyType, shape: readonly number[], columnMajor: boolean, bytes: Uint8Array): Layout {
  const strides = columnMajor ? denseStrides(shape.toReversed()).reverse() : denseStrides(shape);
  return { type: of.name, shape, strides, bytes, littleEndian: of.littleEndian };
}

/** An array of a pickle, which is completed after it was made. */
class NumpyArray extends FileTensor {
  /** @param state `(version, shape, type, column-major, bytes)` */
  build(state: PickleValue): this {
    const [, shape, of, columnMajor, bytes] = Array.isArray(state) ? state : [];
    if (!isShape(shape) || !(of instanceof NumpyType)) throw new PickleRefusal("an array has no shape and no type");
    const content = bytes instanceof Uint8Array ? bytes : new Uint8Array(); // an array of objects has a list
    return Object.assign(this, layoutOf(of, [...shape], columnMajor === true, content)); // the pickle could append to its list
  }
}

const emptyArray = () => new NumpyArray({ type: "float32", shape: [0], bytes: new Uint8Array() });

/** `numpy.core.numeric._frombuffer(bytes, type, shape, order)`, as protocol 5 has it */
const fromBuffer = ([bytes, of, shape, order]: PickleValue[]) =>
  emptyArray().build([1, shape, of, order === "F", bytes]);

/** `jax._src.array._reconstruct_array(function, arguments, state, …)`: NumPy's array in other words */
const fromJax = ([, , state]: PickleValue[]) => emptyArray().build(state);

/** `_codecs.encode(text, "latin1")`: bytes, as protocol 2 has them */
function encode([text, encoding]: PickleValue[]): PickleValue {
  if (typeof text !== "string" || encoding !== "latin1") throw new PickleRefusal("bytes are no text in latin1");
  return bytesOfLatin1(text);
}

/** What a pickle of NumPy's arrays, or of JAX's, names. The modules have moved between versions. */
export const NUMPY_GLOBALS: PickleWorld["globals"] = {
  /** `numpy.dtype("f4", …)`, and `numpy.dtype(ml_dtypes.bfloat16)` */
  "numpy dtype": ([of]) => new NumpyType(of instanceof PickleGlobal ? of.name.split(" ")[1] : String(of)),
  "numpy.core.multiarray _reconstruct": emptyArray,
  "numpy._core.multiarray _reconstruct": emptyArray,
  "numpy.core.numeric _frombuffer": fromBuffer,
  "numpy._core.numeric _frombuffer": fromBuffer,
  "jax._src.array _reconstruct_array": fromJax,
  "jax._src.device_array reconstruct_device_array": fromJax,
  "jax.interpreters.xla reconstruct_device_array": fromJax,
  "_codecs encode": encode,
};

const MAGIC = "\x93NUMPY";
/** Our own headers have 118 bytes. */
const MAX_HEADER_BYTES = 4096;
const HEADER = /^\{'descr': '([<>|=])(\w+)', 'fortran_order': (True|False), 'shape': \(((?:\d+, ?)*\d*)\), ?\} *\n?$/;

export function readNpz(entries: ZipEntries, asked: string): PickleDict {
  const arrays = [...entries].map(([name, bytes]) => [name.slice(0, -4), readNpy(bytes, name, asked)] as const);
  return new PickleDict(new Map(arrays));
}

function readNpy(bytes: Uint8Array, name: string, asked: string): FileTensor {
  const fail = (found: string): never =>
    refuse(asked, `its entry ${formatJson(name)} must be an array of NumPy: ${found}`);
  if (bytes.length < 12 || latin1(bytes.subarray(0, MAGIC.length)) !== MAGIC) return fail("it begins otherwise");
  const isOld = bytes[MAGIC.length] === 1;
  const [start, length] = isOld ? [10, viewOf(bytes).getUint16(8, true)] : [12, viewOf(bytes).getUint32(8, true)];
  if (length > Math.min(MAX_HEADER_BYTES, bytes.length - start)) return fail(`its header has ${length} bytes`);
  const header = latin1(bytes.subarray(start, start + length));
  const [, order, code, columnMajor, extents = "none"] = HEADER.exec(header) ?? [];
  const shape = extents.split(",").filter((extent) => extent.trim() !== "").map(Number);
  if (!isShape(shape)) return fail(`its header is ${formatJson(header.trim())}`);
  const of = new NumpyType(code, order !== ">");
  return new FileTensor(layoutOf(of, shape, columnMajor === "True", bytes.subarray(start + length)));
}

/**
 * Writes the weights as `numpy.savez` would, one array for each tensor, under PyTorch's names and without metadata; `numpy.load` reads the file.
 *
 * @example Usage
 * ```ts
 * import { encodeNpz, importCheckpoint } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodeNpz({ model: 763, parameters: new Float32Array(763), metadata: {} });
 * assertEquals((await importCheckpoint(bytes)).model, 763);
 * ```
 *
 * @returns The bytes of the file; the same weights give the same bytes
 * @throws {CheckpointError} If the number of parameters is wrong, or one is not finite
 */
export function encodeNpz(source: CheckpointSource): Uint8Array<ArrayBuffer> {
  const { tensors } = tensorsToWrite(source);
  return writeZip(tensors.map(({ name, shape, bytes }) => [`${name}.npy`, npy(shape, bytes)] as const));
}

function npy(shape: readonly number[], elements: Uint8Array): Uint8Array {
  const extents = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${extents}), }`;
  const padded = `${dict.padEnd(117)}\n`; // 128 bytes with what comes before: elements begin at a multiple of 64
  return concatenate([bytesOfLatin1(`${MAGIC}\x01\x00${String.fromCharCode(padded.length, 0)}${padded}`), elements]);
}
