/** Writes Protocol Buffers: https://protobuf.dev/programming-guides/encoding/ */
import { concatenate, littleEndian } from "./bytes.ts";

/** One field of a message, with its tag. */
export type Field = Uint8Array;

const WIRE_TYPES = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;

/** A whole number as a varint, in two's complement of 64 bits. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.of(...bytes, Number(rest));
}

function field(number: number, wireType: keyof typeof WIRE_TYPES, ...content: readonly Uint8Array[]): Field {
  return concatenate([varint(number << 3 | WIRE_TYPES[wireType]), ...content]);
}

/** A field of type int32, int64 or enum. */
export const int = (number: number, value: number): Field => field(number, "varint", varint(value));
export const float = (number: number, value: number): Field =>
  field(number, "fixed32", littleEndian(Float32Array.of(value)));
export const double = (number: number, value: number): Field =>
  field(number, "fixed64", littleEndian(Float64Array.of(value)));
export const bytes = (number: number, value: Uint8Array): Field =>
  field(number, "lengthDelimited", varint(value.length), value);
export const string = (number: number, value: string): Field => bytes(number, new TextEncoder().encode(value));
export const message = (number: number, ...fields: readonly Field[]): Field => bytes(number, concatenate(fields));
