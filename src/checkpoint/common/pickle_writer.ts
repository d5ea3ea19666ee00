/**
 * Writes the few opcodes of pickle protocols 2 and 3 that a state dict needs. https://github.com/python/cpython/blob/main/Lib/pickletools.py
 *
 * @module
 */
import { concatenate } from "./bytes.ts";

/** A piece of a pickle that leaves one value on the stack. */
export type Pickled = Uint8Array;

const bytes = (...values: number[]): Pickled => Uint8Array.from(values);
const ascii = (text: string): Pickled => new TextEncoder().encode(text);

/** A whole number in [-2^31, 2^31). */
export function pickledInt(value: number): Pickled {
  if (value >= 0 && value < 0x100) return bytes(0x4b, value); // BININT1
  return concatenate([bytes(0x4a), uint32(value)]); // BININT
}

/** A text. */
export function pickledText(text: string): Pickled {
  const utf8 = ascii(text);
  return concatenate([bytes(0x58), uint32(utf8.length), utf8]); // BINUNICODE
}

function uint32(value: number): Uint8Array {
  return bytes(value & 0xff, value >> 8 & 0xff, value >> 16 & 0xff, value >>> 24);
}

/** `False`. */
export function pickledFalse(): Pickled {
  return bytes(0x89); // NEWFALSE
}

/** `True`. */
export function pickledTrue(): Pickled {
  return bytes(0x88); // NEWTRUE
}

/** `None`. */
export function pickledNone(): Pickled {
  return bytes(0x4e); // NONE
}

/** Bytes. Only protocols from 3 on have them. */
export function pickledBytes(content: Uint8Array): Pickled {
  return concatenate([bytes(0x42), uint32(content.length), content]); // BINBYTES
}

/** A class or function, which the reader imports. */
export function pickledGlobal(module: string, name: string): Pickled {
  return ascii(`c${module}\n${name}\n`); // GLOBAL
}

/** A tuple. */
export function pickledTuple(...values: Pickled[]): Pickled {
  return concatenate([bytes(0x28), ...values, bytes(0x74)]); // MARK … TUPLE
}

/** `dict(entries)`. */
export function pickledDict(entries: readonly (readonly [key: string, value: Pickled])[]): Pickled {
  return withItems(bytes(0x7d), entries); // EMPTY_DICT
}

/** `OrderedDict(entries)`. */
export function pickledOrderedDict(entries: readonly (readonly [key: string, value: Pickled])[]): Pickled {
  return withItems(pickledCall(pickledGlobal("collections", "OrderedDict"), pickledTuple()), entries);
}

function withItems(dict: Pickled, entries: readonly (readonly [key: string, value: Pickled])[]): Pickled {
  const items = entries.flatMap(([key, value]) => [pickledText(key), value]);
  return concatenate([dict, bytes(0x28), ...items, bytes(0x75)]); // MARK … SETITEMS
}

/** `callable(*args)`. */
export function pickledCall(callable: Pickled, args: Pickled): Pickled {
  return concatenate([callable, args, bytes(0x52)]); // REDUCE
}

/** A value that the reader looks up by a persistent id. */
export function pickledPersistent(id: Pickled): Pickled {
  return concatenate([id, bytes(0x51)]); // BINPERSID
}

/** `object` with attributes. */
export function withAttributes(object: Pickled, attributes: Pickled): Pickled {
  return concatenate([object, attributes, bytes(0x62)]); // BUILD
}

/** The whole pickle of a value. @param protocol 3 where it has bytes */
export function pickle(value: Pickled, protocol: 2 | 3 = 2): Uint8Array<ArrayBuffer> {
  return concatenate([bytes(0x80, protocol), value, bytes(0x2e)]); // PROTO … STOP
}
