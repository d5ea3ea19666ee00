/** Writes the few opcodes of pickle protocols 2 and 3 that tensors need. https://github.com/python/cpython/blob/main/Lib/pickletools.py */
import { concatenate, pack } from "./bytes.ts";

export class Pickled {
  readonly bytes: Uint8Array<ArrayBuffer>;

  /** @param parts Opcodes, their arguments and values that lie one after the other */
  constructor(...parts: readonly (Opcode | Uint8Array | Pickled)[]) {
    this.bytes = concatenate(
      parts.map((part) =>
        typeof part === "string" ? Uint8Array.of(OPCODES[part]) : part instanceof Pickled ? part.bytes : part
      ),
    );
  }
}

/** What can be pickled; numbers are whole and in [-2^31, 2^31), an array is a tuple, and a Map a dict. Bytes need protocol 3. */
export type Picklable = null | boolean | number | string | Uint8Array | Pickled | readonly Picklable[] | PicklableMap;
type PicklableMap = ReadonlyMap<string, Picklable>;

const OPCODES = {
  ...{ NONE: 0x4e, NEWTRUE: 0x88, NEWFALSE: 0x89, BININT1: 0x4b, BININT: 0x4a, BINUNICODE: 0x58, BINBYTES: 0x42 },
  ...{ MARK: 0x28, TUPLE: 0x74, EMPTY_DICT: 0x7d, SETITEMS: 0x75, GLOBAL: 0x63, REDUCE: 0x52, BINPERSID: 0x51 },
  ...{ BUILD: 0x62, PROTO: 0x80, STOP: 0x2e },
} as const;
type Opcode = keyof typeof OPCODES;

function pickled(value: Picklable): Pickled {
  if (value instanceof Pickled) return value;
  if (value === null) return new Pickled("NONE");
  if (typeof value === "boolean") return new Pickled(value ? "NEWTRUE" : "NEWFALSE");
  if (typeof value === "number") {
    const isByte = value >= 0 && value < 0x100;
    return isByte ? new Pickled("BININT1", Uint8Array.of(value)) : new Pickled("BININT", pack("I", value));
  }
  if (value instanceof Map) return withItems(new Pickled("EMPTY_DICT"), value);
  if (Array.isArray(value)) return new Pickled("MARK", ...value.map(pickled), "TUPLE");
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value as Uint8Array;
  return new Pickled(typeof value === "string" ? "BINUNICODE" : "BINBYTES", pack("I", bytes.length), bytes);
}

function withItems(dict: Pickled, entries: Iterable<readonly [key: string, value: Picklable]>): Pickled {
  return new Pickled(dict, "MARK", ...[...entries].flatMap((entry) => entry.map(pickled)), "SETITEMS");
}

/** A class or function, which the reader imports. @param name Its module and its name, with a space between them */
export const globalName = (name: string): Pickled =>
  new Pickled("GLOBAL", new TextEncoder().encode(`${name.replace(" ", "\n")}\n`));

/** `callable(*args)` */
export const call = (name: string, ...args: readonly Picklable[]): Pickled =>
  new Pickled(globalName(name), pickled(args), "REDUCE");

/** `OrderedDict(entries)` */
export const orderedDict = (entries: Iterable<readonly [key: string, value: Picklable]>): Pickled =>
  withItems(call("collections OrderedDict"), entries);

/** A value that the reader looks up by a persistent id. */
export const persistent = (id: Picklable): Pickled => new Pickled(pickled(id), "BINPERSID");

/** An object with attributes, or with the state that completes it. */
export const withState = (object: Pickled, state: Picklable): Pickled => new Pickled(object, pickled(state), "BUILD");

export function pickle(value: Picklable, protocol: 2 | 3 = 2): Uint8Array<ArrayBuffer> {
  return new Pickled("PROTO", Uint8Array.of(protocol), pickled(value), "STOP").bytes;
}
