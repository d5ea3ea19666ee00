/** Writes Protocol Buffers: https://protobuf.dev/programming-guides/encoding/ */
import { concatenate, littleEndian } from "./bytes.ts";

/** What a message holds, by the numbers of its fields; they are written in ascending order. */
export type Message = { readonly [field: number]: Field };

/** A number is of type int32, int64 or enum, an element of a Float32Array float, of a Float64Array double, and a list a repeated field. */
export type Field = number | Float32Array | Float64Array | string | Uint8Array | Message | readonly Field[] | undefined;

const [VARINT, FIXED64, LENGTH_DELIMITED, FIXED32] = [0, 1, 2, 5];

/** A whole number as a varint, in two's complement of 64 bits. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.of(...bytes, Number(rest));
}

export function encodeMessage(message: Message): Uint8Array<ArrayBuffer> {
  return concatenate(Object.entries(message).flatMap(([number, value]) => fieldParts(Number(number), value)));
}

function fieldParts(number: number, value: Field): Uint8Array[] {
  const tag = (wireType: number) => varint(number << 3 | wireType);
  if (value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((element: Field) => fieldParts(number, element));
  if (typeof value === "number") return [tag(VARINT), varint(value)];
  if (value instanceof Float32Array) return [tag(FIXED32), littleEndian(value)];
  if (value instanceof Float64Array) return [tag(FIXED64), littleEndian(value)];
  const isText = typeof value === "string";
  const bytes = isText ? new TextEncoder().encode(value) : value instanceof Uint8Array ? value : encodeMessage(value);
  return [tag(LENGTH_DELIMITED), varint(bytes.length), bytes];
}
