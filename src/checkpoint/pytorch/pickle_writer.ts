/**
 * Writes the few opcodes of pickle protocol 2 that a state dict needs. https://github.com/python/cpython/blob/main/Lib/pickletools.py
 *
 * @module
 */
import { concatenate } from "../bytes.ts";

/** A piece of a pickle that leaves one value on the stack. */
export type Pickled = Uint8Array;

const bytes = (...values: number[]): Pickled => Uint8Array.from(values);
const ascii = (text: string): Pickled => new TextEncoder().encode(text);

/** A whole number in [0, 2^31). */
export function pickledInt(value: number): Pickled {
  if (value < 0x100) return bytes(0x4b, value); // BININT1
  return bytes(0x4a, value & 0xff, value >> 8 & 0xff, value >> 16 & 0xff, value >> 24); // BININT
}

/** A text. */
export function pickledText(text: string): Pickled {
  const utf8 = ascii(text);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, utf8.length, true);
  return concatenate([bytes(0x58), length, utf8]); // BINUNICODE
}

/** `False`. */
export function pickledFalse(): Pickled {
  return bytes(0x89); // NEWFALSE
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

/** The whole pickle of a value. */
export function pickle(value: Pickled): Uint8Array {
  return concatenate([bytes(0x80, 2), value, bytes(0x2e)]); // PROTO 2 … STOP
}
