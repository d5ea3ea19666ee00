/**
 * Writes what tensors need of pickle protocols 2 and 3, by the letters that https://github.com/python/cpython/blob/main/Lib/pickletools.py gives
 * the opcodes: N None, \x88 True, \x89 False, K and J whole numbers of 1 and 4 bytes, X text, B bytes, ( and t around a tuple, } dict, ( and u
 * around its items, c global, R call, Q persistent id, b state, \x80 protocol, . end.
 */
import { bytesOfLatin1, latin1 } from "../../common/encoding.ts";
import { pack } from "./bytes.ts";

/** Opcodes, their arguments and values, one after the other, in latin1. */
export class Pickled {
  constructor(readonly code: string) {}
}

/** What can be pickled; numbers are whole and in [-2^31, 2^31), an array is a tuple, and a Map a dict. Bytes need protocol 3. */
export type Picklable = null | boolean | number | string | Uint8Array | Pickled | readonly Picklable[] | PicklableMap;
type PicklableMap = ReadonlyMap<string, Picklable>;

function codeOf(value: Picklable): string {
  if (value instanceof Pickled) return value.code;
  if (value === null) return "N";
  if (typeof value === "boolean") return value ? "\x88" : "\x89";
  if (typeof value === "number") {
    return value >= 0 && value < 0x100 ? `K${String.fromCharCode(value)}` : `J${latin1(pack("I", value))}`;
  }
  if (value instanceof Map) return `}${itemsOf(value)}`;
  if (Array.isArray(value)) return `(${value.map(codeOf).join("")}t`;
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value as Uint8Array;
  return `${typeof value === "string" ? "X" : "B"}${latin1(pack("I", bytes.length))}${latin1(bytes)}`;
}

function itemsOf(entries: Iterable<readonly [key: string, value: Picklable]>): string {
  return `(${[...entries].flatMap((entry) => entry.map(codeOf)).join("")}u`;
}

/** A class or function, which the reader imports. @param name Its module and its name, with a space between them */
export const globalName = (name: string): Pickled => new Pickled(`c${name.replace(" ", "\n")}\n`);

/** `callable(*args)` */
export const call = (name: string, ...args: readonly Picklable[]): Pickled =>
  new Pickled(`${globalName(name).code}${codeOf(args)}R`);

/** `OrderedDict(entries)` */
export const orderedDict = (entries: Iterable<readonly [key: string, value: Picklable]>): Pickled =>
  new Pickled(`${call("collections OrderedDict").code}${itemsOf(entries)}`);

/** A value that the reader looks up by a persistent id. */
export const persistent = (id: Picklable): Pickled => new Pickled(`${codeOf(id)}Q`);

/** An object with attributes, or with the state that completes it. */
export const withState = (object: Pickled, state: Picklable): Pickled => new Pickled(`${object.code}${codeOf(state)}b`);

export function pickle(value: Picklable, protocol: 2 | 3 = 2): Uint8Array<ArrayBuffer> {
  return bytesOfLatin1(`\x80${String.fromCharCode(protocol)}${codeOf(value)}.`);
}
