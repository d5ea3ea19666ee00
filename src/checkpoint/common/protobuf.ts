/** Writes Protocol Buffers: https://protobuf.dev/programming-guides/encoding/ */
import { concatenate, littleEndian } from "./bytes.ts";

/** One field of a message, with its tag. */
export type Field = Uint8Array;

const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

/** A whole number as a varint, in two's complement of 64 bits. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

function tag(field: number, wireType: number): number[] {
  return varint(field << 3 | wireType);
}

/** A field of type int32, int64 or enum. */
export function int(field: number, value: number): Field {
  return Uint8Array.from([...tag(field, VARINT), ...varint(value)]);
}

export function float(field: number, value: number): Field {
  return concatenate([Uint8Array.from(tag(field, FIXED_32)), littleEndian(Float32Array.of(value))]);
}

export function double(field: number, value: number): Field {
  return concatenate([Uint8Array.from(tag(field, FIXED_64)), new Uint8Array(Float64Array.of(value).buffer)]);
}

export function bytes(field: number, value: Uint8Array): Field {
  return concatenate([Uint8Array.from([...tag(field, LENGTH_DELIMITED), ...varint(value.length)]), value]);
}

export function string(field: number, value: string): Field {
  return bytes(field, new TextEncoder().encode(value));
}

export function message(field: number, ...fields: readonly Field[]): Field {
  return bytes(field, concatenate(fields));
}
