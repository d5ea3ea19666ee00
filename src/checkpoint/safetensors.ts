/**
 * The safetensors container, float32 only: https://huggingface.co/docs/safetensors
 *
 * ```
 * 8 bytes            n bytes                                    the rest
 * n (little endian)  header: JSON, padded with spaces           tensors, one after the other, no gaps
 * ```
 *
 * The header maps each tensor's name to `{ dtype, shape, data_offsets: [begin, end] }`, counted from the end of the header, and
 * `__metadata__` to an object of strings. Every claim of the header is compared with the file before it is used.
 *
 * @module
 */
import { CheckpointError, excerpt, tensorLabel } from "./error.ts";
import { parseHeader, type TensorEntry } from "./safetensors_header.ts";

/** One named tensor of a safetensors file. */
export interface SafetensorsTensor {
  /** A name that no other tensor of the file has. */
  name: string;
  /** Sizes of its dimensions, row-major; `[]` is a single number. */
  shape: readonly number[];
  /** Its elements, finite, as many as the product of `shape`. */
  values: Float32Array;
}

/** The content of a file for {@linkcode encodeSafetensors}. */
export interface SafetensorsInput {
  /** The tensors, in the order in which they are written. */
  tensors: readonly SafetensorsTensor[];
  /** Text by key. @default {{}} */
  metadata?: Readonly<Record<string, string>>;
}

/** A tensor that {@linkcode decodeSafetensors} read. */
export interface DecodedTensor extends SafetensorsTensor {
  /** The type of its elements; files with others are refused. */
  dtype: "F32";
}

/** The content of a file that {@linkcode decodeSafetensors} read. */
export interface SafetensorsContent {
  /** The tensors, in the order of their data. */
  tensors: DecodedTensor[];
  /** Text by key; empty if the file has no metadata. */
  metadata: Record<string, string>;
}

/** Options of {@linkcode decodeSafetensors}. */
export interface DecodeOptions {
  /** The name of the bytes in errors, such as the path of their file. @default {"the checkpoint"} */
  source?: string;
}

const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 2 ** 20;
/** The first bytes of a ZIP file. As the length of a header they would be above the limit. */
const ZIP_SIGNATURE = 0x04034b50;
const METADATA_KEY = "__metadata__";

/**
 * Writes a safetensors file. The same tensors and metadata give the same bytes, whatever the order of the metadata's keys.
 *
 * @example Usage
 * ```ts
 * import { decodeSafetensors, encodeSafetensors } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodeSafetensors({
 *   tensors: [{ name: "weight", shape: [2, 2], values: new Float32Array([1, 2, 3, 4]) }],
 *   metadata: { step: "100" },
 * });
 * assertEquals(decodeSafetensors(bytes).metadata, { step: "100" });
 * ```
 *
 * @returns The bytes of the file; the data begins at a multiple of 8
 * @throws {CheckpointError} If two tensors share a name, a shape does not fit its values, or a value is not finite
 */
export function encodeSafetensors({ tensors, metadata = {} }: SafetensorsInput): Uint8Array<ArrayBuffer> {
  const entries: [string, unknown][] = [];
  const sorted = Object.entries(metadata).sort(([a], [b]) => a < b ? -1 : 1);
  if (sorted.length > 0) entries.push([METADATA_KEY, Object.fromEntries(sorted)]);

  const names = new Set([METADATA_KEY]);
  let dataBytes = 0;
  for (const { name, shape, values } of tensors) {
    if (names.has(name)) {
      throw new CheckpointError(
        `Cannot write a checkpoint as every tensor must have a name of its own: ${excerpt(name)} is taken`,
      );
    }
    const size = elements(shape);
    if (size !== values.length) {
      const wanted = `${tensorLabel(name)} of shape ${excerpt(shape)} must have ${size} values`;
      throw new CheckpointError(`Cannot write a checkpoint as ${wanted}: current length is ${values.length}`);
    }
    names.add(name);
    const begin = dataBytes;
    dataBytes += values.byteLength;
    entries.push([name, { dtype: "F32", shape, data_offsets: [begin, dataBytes] }]);
  }

  // not an object literal filled by key: a tensor named `__proto__` would set the prototype
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new CheckpointError(
      `Cannot write a checkpoint as its header must have at most ${MAX_HEADER_BYTES} bytes: current size is ${headerBytes}`,
    );
  }

  const bytes = new Uint8Array(LENGTH_BYTES + headerBytes + dataBytes);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  bytes.set(json, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerBytes;
  for (const { name, values } of tensors) {
    for (const [i, value] of values.entries()) {
      if (!Number.isFinite(value)) throw notFinite("write a checkpoint", name, i, value);
      view.setFloat32(at, value, true);
      at += Float32Array.BYTES_PER_ELEMENT;
    }
  }
  return bytes;
}

/**
 * Reads a safetensors file whose tensors are all float32. The values are copies, so the bytes need no alignment and can be
 * reused afterwards.
 *
 * @example Usage
 * ```ts
 * import { decodeSafetensors, encodeSafetensors } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodeSafetensors({ tensors: [{ name: "scale", shape: [], values: new Float32Array([0.5]) }] });
 * const [scale] = decodeSafetensors(bytes).tensors;
 * assertEquals(scale, { name: "scale", dtype: "F32", shape: [], values: new Float32Array([0.5]) });
 * ```
 *
 * @param bytes The whole file
 * @param options What errors call it
 * @throws {CheckpointError} If the bytes are not a well-formed safetensors file of finite float32 numbers
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  { source = "the checkpoint" }: DecodeOptions = {},
): SafetensorsContent {
  const asked = `read ${source}`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dataStart = LENGTH_BYTES + headerLength(view, asked);
  const { tensors, metadata } = parseHeader(bytes.subarray(LENGTH_BYTES, dataStart), asked);

  const inOrder = tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkOffsets(inOrder, bytes.length - dataStart, asked);
  return { tensors: inOrder.map((entry) => readTensor(view, dataStart, entry, asked)), metadata };
}

/** The product of the extents; 1 for a single number. */
function elements(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

function notFinite(asked: string, name: string, index: number, value: number): CheckpointError {
  return new CheckpointError(
    `Cannot ${asked} as ${tensorLabel(name)} must hold finite numbers: value ${index} is ${value}`,
  );
}

/** The length of the header, compared with our limit and with the length of the file. */
function headerLength(view: DataView, asked: string): number {
  if (view.byteLength < LENGTH_BYTES) {
    throw new CheckpointError(
      `Cannot ${asked} as a safetensors file has at least ${LENGTH_BYTES} bytes: the file holds ${view.byteLength}`,
    );
  }
  if (view.getUint32(0, true) === ZIP_SIGNATURE) {
    throw new CheckpointError(
      `Cannot ${asked} as it must be a safetensors file: it is a ZIP file, as torch.save writes; \`import\` makes a checkpoint of it`,
    );
  }
  const length = view.getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) {
    throw new CheckpointError(
      `Cannot ${asked} as a safetensors header has at most ${MAX_HEADER_BYTES} bytes: the file, if it is one, announces ${length}`,
    );
  }
  if (Number(length) > view.byteLength - LENGTH_BYTES) {
    throw new CheckpointError(
      `Cannot ${asked} as it announces a header of ${length} bytes: the file holds ${
        view.byteLength - LENGTH_BYTES
      } after the announcement`,
    );
  }
  return Number(length);
}

/** Refuses tensors that overlap, leave a gap, or end elsewhere than the file. */
function checkOffsets(inOrder: readonly TensorEntry[], dataBytes: number, asked: string): void {
  let end = 0;
  for (const { name, begin, end: next } of inOrder) {
    if (begin !== end) {
      throw new CheckpointError(
        `Cannot ${asked} as ${
          tensorLabel(name)
        } must begin where the one before it ends, at byte ${end}: current value is ${begin}`,
      );
    }
    end = next;
  }
  if (end !== dataBytes) {
    throw new CheckpointError(
      `Cannot ${asked} as its header promises ${end} bytes of tensors: the file holds ${dataBytes}`,
    );
  }
}

function readTensor(view: DataView, dataStart: number, entry: TensorEntry, asked: string): DecodedTensor {
  const { name, shape, begin, end } = entry;
  const expectedBytes = elements(shape) * Float32Array.BYTES_PER_ELEMENT;
  if (end - begin !== expectedBytes) {
    throw new CheckpointError(
      `Cannot ${asked} as ${tensorLabel(name)} of shape ${
        excerpt(shape)
      } must have ${expectedBytes} bytes: current size is ${end - begin}`,
    );
  }
  const values = new Float32Array((end - begin) / Float32Array.BYTES_PER_ELEMENT);
  for (let i = 0; i < values.length; i++) {
    const value = view.getFloat32(dataStart + begin + i * Float32Array.BYTES_PER_ELEMENT, true);
    if (!Number.isFinite(value)) throw notFinite(asked, name, i, value);
    values[i] = value;
  }
  return { name, dtype: "F32", shape, values };
}
