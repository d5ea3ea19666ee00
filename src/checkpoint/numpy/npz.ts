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
import { concatenate, viewOf } from "../common/bytes.ts";
import { refuse } from "../common/error.ts";
import { PickleDict } from "../common/pickle_reader.ts";
import { FileTensor, isShape } from "../common/tensor.ts";
import { writeZip, type ZipEntries } from "../common/zip.ts";
import { type CheckpointSource, tensorsToWrite } from "../safetensors/checkpoint.ts";
import { layoutOf, NumpyType } from "./array.ts";

const MAGIC = "\x93NUMPY";
/** Our own headers have 118 bytes. */
const MAX_HEADER_BYTES = 4096;
const ENDING = ".npy";
const HEADER = /^\{'descr': '([<>|=])(\w+)', 'fortran_order': (True|False), 'shape': \(((?:\d+, ?)*\d*)\), ?\} *\n?$/;

/** The arrays of an `.npz` by name. @throws {CheckpointError} If one of them is malformed, or not of numbers */
export function readNpz(entries: ZipEntries, asked: string): PickleDict {
  return PickleDict.of(
    [...entries].map(([name, bytes]) => [name.slice(0, -ENDING.length), readNpy(bytes, name, asked)] as const),
  );
}

function readNpy(bytes: Uint8Array, name: string, asked: string): FileTensor {
  const fail = (found: string): never =>
    refuse(asked, `its entry ${formatJson(name)} must be an array of NumPy: ${found}`);
  const latin1 = (start: number, end: number) => String.fromCharCode(...bytes.subarray(start, end));
  if (bytes.length < 12 || latin1(0, MAGIC.length) !== MAGIC) return fail("it begins otherwise");
  const start = bytes[MAGIC.length] === 1 ? 10 : 12;
  const end = start + (start === 10 ? viewOf(bytes).getUint16(8, true) : viewOf(bytes).getUint32(8, true));
  if (end > Math.min(start + MAX_HEADER_BYTES, bytes.length)) return fail(`its header has ${end - start} bytes`);
  const header = latin1(start, end);
  const [, order, code, columnMajor, extents = "none"] = HEADER.exec(header) ?? [];
  const shape = extents.split(",").filter((extent) => extent.trim() !== "").map(Number);
  if (!isShape(shape)) return fail(`its header is ${formatJson(header.trim())}`);
  return new FileTensor(
    layoutOf(new NumpyType(code, order !== ">"), shape, columnMajor === "True", bytes.subarray(end)),
  );
}

/**
 * Writes the weights as `numpy.savez` would: one array for each tensor, under PyTorch's names. Metadata are left out.
 * `numpy.load` reads it.
 *
 * @example Usage
 * ```ts
 * import { encodeNpz, importCheckpoint } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const parameters = new Float32Array(763).fill(0.5);
 * const bytes = encodeNpz({ model: 763, parameters, metadata: {} });
 * assertEquals((await importCheckpoint(bytes)).parameters, parameters);
 * ```
 *
 * @returns The bytes of the file; the same weights give the same bytes
 * @throws {CheckpointError} If the number of parameters is wrong, or one is not finite
 */
export function encodeNpz(source: CheckpointSource): Uint8Array<ArrayBuffer> {
  return writeZip(
    tensorsToWrite(source).tensors.map(({ name, shape, bytes }) => [`${name}${ENDING}`, npy(shape, bytes)] as const),
  );
}

function npy(shape: readonly number[], elements: Uint8Array): Uint8Array {
  const extents = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${extents}), }`;
  const padded = `${dict.padEnd(117)}\n`; // 128 bytes with what comes before: elements begin at a multiple of 64
  const header = `${MAGIC}\x01\x00${String.fromCharCode(padded.length, 0)}${padded}`;
  return concatenate([Uint8Array.from(header, (letter) => letter.charCodeAt(0)), elements]);
}
