import { formatValue } from "../../common/format_value.ts";

/** Bytes in any form: a buffer, or a view of one such as a `Uint8Array` or Node's `Buffer`. */
export type Bytes = ArrayBufferLike | ArrayBufferView;

/** Bytes as a `Uint8Array` on the same memory; undefined where the value has none. */
export function viewBytes(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  const isBuffer = /^\[object (?:Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(value)); // of any realm
  return isBuffer ? new Uint8Array(value as ArrayBufferLike) : undefined;
}

/** Bytes as a `Uint8Array` on the same memory. @throws {TypeError} If the value has none, with the way to them */
export function bytesFrom(value: Bytes, asked: string): Uint8Array {
  const bytes = viewBytes(value);
  if (bytes !== undefined) return bytes;
  throw new TypeError(`Cannot ${asked} as it must be the bytes of a file: current value is ${describeSource(value)}`);
}

/** A value that is easily taken for bytes, with the way to them. */
export function describeSource(value: unknown): string {
  if (value instanceof URL) return `the URL ${value.href.slice(0, 60)}; fetch it, and give its bytes`;
  if (value instanceof Promise) return "a promise; await it";
  if (value instanceof Blob || value instanceof Response) return "not read yet; await its arrayBuffer()";
  return formatValue(value);
}

export function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Numbers as bytes in little-endian order on every machine. */
export function littleEndian(values: Float32Array | Float64Array): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(values.byteLength));
  const set = values instanceof Float32Array ? "setFloat32" : "setFloat64";
  for (let i = 0; i < values.length; i++) view[set](i * values.BYTES_PER_ELEMENT, values[i], true);
  return new Uint8Array(view.buffer);
}

export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Whole numbers in little-endian order. @param format A letter for each, as in Python's `struct`: H has 2 bytes, I 4 */
export function pack(format: string, ...values: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  for (let i = 0; i < format.length; i++) {
    for (let bit = 0; bit < (format[i] === "H" ? 16 : 32); bit += 8) bytes.push(values[i] >>> bit & 0xff);
  }
  return Uint8Array.from(bytes);
}
