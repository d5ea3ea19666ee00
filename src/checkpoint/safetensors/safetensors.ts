/**
 * The safetensors container: https://huggingface.co/docs/safetensors
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
import { type Bytes, bytesFrom } from "../common/bytes.ts";
import { type ElementType, elementType } from "../common/element_type.ts";
import { CheckpointError, excerpt, tensorLabel } from "../common/error.ts";
import { identify } from "../common/identify.ts";
import { elementCount, FileTensor, weightsOf } from "../common/tensor.ts";
import { parseHeader, type TensorEntry } from "./header.ts";

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
  /** The type of its elements in the file. Float16 and bfloat16 are read exactly, float64 is rounded to float32. */
  dtype: "F32" | "F16" | "BF16" | "F64";
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
/** The first byte of every header. */
const OPENING_BRACE = 0x7b;
const METADATA_KEY = "__metadata__";
/** The name of a type by what safetensors calls it. */
const TYPES: Readonly<Record<string, string>> = {
  ...{ F32: "float32", F16: "float16", BF16: "bfloat16", F64: "float64" },
  ...{ I64: "int64", I32: "int32", I16: "int16", I8: "int8", U8: "uint8", BOOL: "bool" },
};

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
    const size = elementCount(shape);
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
 * Reads a safetensors file whose tensors are all of a floating-point type. The values are copies, so the bytes need no alignment and can be
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
 * @param file The bytes of the whole file
 * @param options What errors call it
 * @throws {CheckpointError} If the bytes are not a well-formed safetensors file of finite numbers
 */
export function decodeSafetensors(
  file: Bytes,
  { source = "the checkpoint" }: DecodeOptions = {},
): SafetensorsContent {
  const asked = `read ${source}`;
  const bytes = bytesFrom(file, asked);
  const { tensors, metadata } = openSafetensors(bytes, asked);
  return {
    tensors: [...tensors].map(([name, tensor]) => {
      const values = weightsOf(name, tensor, asked);
      return { name, dtype: tensor.entry.dtype as DecodedTensor["dtype"], shape: tensor.shape, values };
    }),
    metadata,
  };
}

/** A safetensors file whose header is checked, and whose numbers are not read yet. */
export interface OpenedSafetensors {
  /** The tensors by name, in the order of their data. */
  tensors: Map<string, SafetensorsWindow>;
  /** Text by key. */
  metadata: Record<string, string>;
}

/** Whether bytes can be a safetensors file: a header is an object of JSON, and its length is in bounds. */
export function looksLikeSafetensors(bytes: Uint8Array): boolean {
  return bytes[LENGTH_BYTES] === OPENING_BRACE && bytes.subarray(3, LENGTH_BYTES).every((byte) => byte === 0);
}

/** Reads the header of a safetensors file. @throws {CheckpointError} If it does not describe the file */
export function openSafetensors(bytes: Uint8Array, asked: string): OpenedSafetensors {
  const dataStart = LENGTH_BYTES + headerLength(bytes, asked);
  const { tensors, metadata } = parseHeader(bytes.subarray(LENGTH_BYTES, dataStart), asked);
  const inOrder = tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkOffsets(inOrder, bytes.length - dataStart, asked);
  const data = new DataView(bytes.buffer, bytes.byteOffset + dataStart, bytes.byteLength - dataStart);
  return {
    tensors: new Map(inOrder.map((entry) => [entry.name, new SafetensorsWindow(entry, data, asked)])),
    metadata,
  };
}

/** A tensor of a safetensors file, as long as its shape says. */
class SafetensorsWindow extends FileTensor {
  /** As the header describes it. */
  readonly entry: TensorEntry;
  readonly #type: ElementType | undefined;
  readonly #data: DataView;

  constructor(entry: TensorEntry, data: DataView, asked: string) {
    super();
    this.entry = entry;
    this.#type = elementType(TYPES[entry.dtype]);
    this.#data = data;
    const { name, shape, begin, end } = entry;
    const expected = elementCount(shape) * (this.#type?.bytes ?? NaN);
    if (this.#type !== undefined && end - begin !== expected) {
      throw new CheckpointError(
        `Cannot ${asked} as ${tensorLabel(name)} of shape ${
          excerpt(shape)
        } must have ${expected} bytes: current size is ${end - begin}`,
      );
    }
  }

  override get type(): string {
    return this.#type?.name ?? this.entry.dtype;
  }

  override get shape(): readonly number[] {
    return this.entry.shape;
  }

  override elements(): Float32Array {
    const { bytes, read } = this.#type!; // weights and masks alone are read, and their types are known
    const values = new Float32Array((this.entry.end - this.entry.begin) / bytes);
    for (let i = 0; i < values.length; i++) values[i] = read(this.#data, this.entry.begin + i * bytes, true);
    return values;
  }
}

function notFinite(asked: string, name: string, index: number, value: number): CheckpointError {
  return new CheckpointError(
    `Cannot ${asked} as ${tensorLabel(name)} must hold finite numbers: value ${index} is ${value}`,
  );
}

/** The length of the header, compared with our limit and with the length of the file. */
function headerLength(bytes: Uint8Array, asked: string): number {
  if (bytes.length < LENGTH_BYTES) {
    throw new CheckpointError(
      `Cannot ${asked} as a safetensors file has at least ${LENGTH_BYTES} bytes: the file holds ${bytes.length}`,
    );
  }
  const found = looksLikeSafetensors(bytes) ? undefined : identify(bytes, asked);
  if (found !== undefined) {
    throw new CheckpointError(`Cannot ${asked} as it must be a safetensors file: it is ${found}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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
