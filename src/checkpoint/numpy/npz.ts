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
import { bytesOfLatin1, latin1 } from "../../common/encoding.ts";
import { formatJson } from "../../common/format_value.ts";
import { concatenate, viewOf } from "../common/bytes.ts";
import { refuse } from "../common/error.ts";
import { type PickleCall, PickleDict, PickleGlobal, PickleObject, type PickleValue } from "../common/pickle_reader.ts";
import { denseStrides, FileTensor, isShape, typeNamed } from "../common/tensor.ts";
import { writeZip, type ZipEntries } from "../common/zip.ts";
import { type CheckpointSource, tensorsToWrite } from "../safetensors/checkpoint.ts";

/** An array as a tensor. Its shape is a copy, because a pickle could append to its list. @param order Of bytes, `>` where it is big-endian */
function fieldsOf(code: string, order: unknown, shape: readonly number[], columnMajor: boolean, bytes: Uint8Array) {
  const strides = columnMajor ? denseStrides(shape.toReversed()).reverse() : denseStrides(shape);
  return { type: typeNamed(code, "numpy"), littleEndian: order !== ">", shape: [...shape], strides, bytes };
}

/** An array of a pickle, which is completed after it was made. */
class NumpyArray extends FileTensor {
  /** @param state `(version, shape, dtype, column-major, bytes)`; a dtype is made of `"f4"` or `ml_dtypes.bfloat16`, and has a state `(version, order, …)` */
  build(state: PickleValue, fail: (reason: string) => never): this {
    const [, shape, of, columnMajor, content] = Array.isArray(state) ? state : [];
    const isType = of instanceof PickleObject && of.name === "numpy dtype";
    if (!isShape(shape) || !isType) return fail("an array has no shape and no type");
    const [type, own] = [of.parts[0], of.parts.at(-1)];
    const code = type instanceof PickleGlobal ? type.name.split(" ")[1] : String(type);
    const order = Array.isArray(own) ? own[1] : "<";
    const bytes = content instanceof Uint8Array ? content : new Uint8Array(); // an array of objects has a list
    return Object.assign(this, fieldsOf(code, order, shape, columnMajor === true, bytes));
  }
}

const emptyArray = () => new NumpyArray({ type: "float32", shape: [0], bytes: new Uint8Array() });

/** `numpy.core.numeric._frombuffer(bytes, type, shape, order)`, as protocol 5 has it */
const fromBuffer: PickleCall = ([bytes, of, shape, order], fail) =>
  emptyArray().build([1, shape, of, order === "F", bytes], fail);

/** `jax._src.array._reconstruct_array(function, arguments, state, …)`: NumPy's array in other words */
const fromJax: PickleCall = ([, , state], fail) => emptyArray().build(state, fail);

/** What a pickle of NumPy's arrays, or of JAX's, calls. The modules have moved between versions. */
export const NUMPY_CALLS: Readonly<Record<string, PickleCall>> = {
  "numpy.core.multiarray _reconstruct": emptyArray,
  "numpy._core.multiarray _reconstruct": emptyArray,
  "numpy.core.numeric _frombuffer": fromBuffer,
  "numpy._core.numeric _frombuffer": fromBuffer,
  "jax._src.array _reconstruct_array": fromJax,
  "jax._src.device_array reconstruct_device_array": fromJax,
  "jax.interpreters.xla reconstruct_device_array": fromJax,
  /** `_codecs.encode(text, "latin1")`: bytes, as protocol 2 has them */
  "_codecs encode": ([text, encoding], fail) =>
    typeof text === "string" && encoding === "latin1" ? bytesOfLatin1(text) : fail("bytes are no text in latin1"),
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
  return new FileTensor(fieldsOf(code, order, shape, columnMajor === "True", bytes.subarray(start + length)));
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
