/**
 * NumPy's containers: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * ```
 * .npz   a ZIP file with an entry NAME.npy for each array
 * .npy   \x93NUMPY, version (2 bytes), length of the header (2 bytes, 4 from version 2 on), header, elements
 * ```
 *
 * The header is a Python dict: `{'descr': '<f4', 'fortran_order': False, 'shape': (14, 7), }`.
 *
 * @module
 */
import { variantOf } from "../../model/variant.ts";
import { concatenate, littleEndian } from "../common/bytes.ts";
import { CheckpointError, excerpt } from "../common/error.ts";
import { PickleDict } from "../common/pickle_reader.ts";
import { checkpointFrom, type CheckpointSource } from "../safetensors/source.ts";
import { checkParameters } from "../safetensors/state_dict.ts";
import { writeZip, type ZipEntries } from "../common/zip.ts";
import { isShape, NumpyArray, NumpyType } from "./array.ts";

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

function readNpy(bytes: Uint8Array, name: string, asked: string): NumpyArray {
  const fail = (found: string): never => {
    throw new CheckpointError(`Cannot ${asked} as its entry ${excerpt(name)} must be an array of NumPy: ${found}`);
  };
  if (bytes.length < 12 || latin1(bytes.subarray(0, MAGIC.length)) !== MAGIC) return fail("it begins otherwise");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = bytes[MAGIC.length] === 1 ? 10 : 12;
  const length = start === 10 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER_BYTES || start + length > bytes.length) return fail(`its header has ${length} bytes`);
  const header = latin1(bytes.subarray(start, start + length));
  const [, order, code, columnMajor, extents] = HEADER.exec(header) ?? [];
  if (extents === undefined) return fail(`its header is ${excerpt(header.trim())}`);
  if (code === "O") return fail("it holds Python objects, which only a pickle can; save the arrays themselves");
  const shape = extents.split(",").filter((extent) => extent.trim() !== "").map(Number);
  if (!isShape(shape)) return fail(`its header is ${excerpt(header.trim())}`);
  const of = new NumpyType(code);
  of.littleEndian = order !== ">";
  return NumpyArray.of(of, shape, columnMajor === "True", bytes.subarray(start + length));
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
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
  const checkpoint = checkpointFrom(source, "write a checkpoint");
  checkParameters(checkpoint);
  const { model, parameters } = checkpoint;
  return writeZip(
    variantOf(model).tensors.map(({ name, shape, offset, size }) =>
      [`${name}${ENDING}`, npy(shape, littleEndian(parameters.subarray(offset, offset + size)))] as const
    ),
  );
}

function npy(shape: readonly number[], elements: Uint8Array): Uint8Array {
  const extents = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${extents}), }`;
  const padded = `${dict.padEnd(117)}\n`; // 128 bytes with what comes before: elements begin at a multiple of 64
  const bytes = Uint8Array.from(
    `${MAGIC}\x01\x00${String.fromCharCode(padded.length, 0)}${padded}`,
    (letter) => letter.charCodeAt(0),
  );
  return concatenate([bytes, elements]);
}
