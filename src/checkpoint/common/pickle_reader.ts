/**
 * Reads Python's pickle format, protocols 2 to 5, without ever running anything: an interpreter of the opcodes that data needs, which
 * https://github.com/python/cpython/blob/main/Lib/pickletools.py describes. It calls functions of its caller; all others become a {@linkcode PickleObject}.
 */
import { formatJson } from "../../common/format_value.ts";
import { viewOf } from "./bytes.ts";
import { refuse } from "./error.ts";

/** A dict or an `OrderedDict`, with the attributes that were set on it. */
export class PickleDict {
  constructor(readonly entries: Map<PickleValue, PickleValue> = new Map(), public attributes?: PickleDict) {}
}

/** A class or function. @param name Its module and its name, with a space between them */
export class PickleGlobal {
  constructor(readonly name: string) {}
}

/** An object of a class that is not known here: a placeholder with what it was made of. A dict, because its class may be one. */
export class PickleObject extends PickleDict {
  /** @param name The module and name of its class, or of the function that makes it. @param parts Arguments, elements and state, its own list */
  constructor(readonly name: string, readonly parts: PickleValue[]) {
    super();
  }
}

/** A value of a pickle; lists and tuples are both arrays, and objects of the caller are `object`: their `build`, if any, takes their state. */
export type PickleValue = null | boolean | number | bigint | string | PickleValue[] | object;

/** A key in a path: most are text, others numbers, bytes or tuples. */
export function keyText(key: PickleValue): string {
  if (Array.isArray(key)) return `(${key.slice(0, 8).map((part) => Array.isArray(part) ? "…" : keyText(part))})`;
  return key instanceof Uint8Array ? new TextDecoder().decode(key.subarray(0, 60)) : String(key);
}

/** What a call of a function gives. @param fail Refuses the pickle for a reason, the end of a sentence that begins with the position */
export type PickleCall = (args: PickleValue[], fail: (reason: string) => never) => PickleValue;

/** What is called for the value that a persistent id stands for, which is outside of the pickle. */
export const PERSISTENT = "persistent id";

/** A pickle that asks for one of these means harm. None of it would be run, but the file deserves no trust. */
const HARMFUL_MODULES =
  /^(?:os|posix|nt|sys|subprocess|commands|pty|shutil|socket|ctypes|runpy|importlib|code|codeop|webbrowser|marshal|_?pickle|operator)(?:\.| )/;
const HARMFUL_BUILTINS =
  /^(?:builtins|__builtin__) (?:eval|exec|execfile|compile|open|file|__import__|setattr|delattr|globals|input|breakpoint|apply)$/;

/** The largest checkpoint that is read at all, store.ts, may be a pickle. */
const MAX_BYTES = 2 ** 24;
/** Values, marks and what is stored for later, each up to 50 bytes: this many take less than twice the largest file. */
const MAX_VALUES = 2 ** 19;
const MAX_LONG_BYTES = 1024;
const STOP = 0x2e;

/** @param calls By `module name` @throws {CheckpointError} If it is cut off, has an unknown opcode or asks for harm; the message says at which byte */
export function readPickle(bytes: Uint8Array, calls: Readonly<Record<string, PickleCall>>, asked: string): PickleValue {
  const must = `its pickle must have at most ${MAX_BYTES} bytes`;
  if (bytes.length > MAX_BYTES) refuse(asked, `${must}: current size is ${bytes.length}`);
  const memo = new Map<number, PickleValue>();
  const stack: PickleValue[] = [];
  const marks: number[] = []; // heights of the stack
  let [at, opcodeAt, valueCount] = [0, 0, 0];

  function fail(reason: string): never {
    return refuse(asked, `its pickle must be one of tensors by name: at byte ${opcodeAt} ${reason}`);
  }

  // the bytes, whole numbers with the lowest byte first
  const binary = (length: number) => {
    if (length > bytes.length - at) fail("it is cut off");
    return bytes.subarray(at, at += length);
  };
  const unsigned = (count: number) => binary(count).reduceRight((sum, byte) => sum * 256 + byte, 0);
  const long = (count: number) => { // two's complement
    if (count > MAX_LONG_BYTES) fail(`a whole number has ${count} bytes`);
    const value = BigInt.asIntN(8 * count, binary(count).reduceRight((sum, byte) => sum << 8n | BigInt(byte), 0n));
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  };
  const text = (count: number) => new TextDecoder().decode(binary(count));
  const line = () => {
    const end = bytes.indexOf(0x0a, at);
    return text((end < 0 ? Infinity : end + 1) - at).slice(0, -1);
  };

  // the stack
  const count = () => {
    if (++valueCount > MAX_VALUES) fail(`it has more than ${MAX_VALUES} values`);
  };
  const push = (value: PickleValue) => {
    count();
    stack.push(value);
  };
  const mark = () => {
    count();
    marks.push(stack.length);
  };
  const pop = () => {
    if (stack.length <= (marks.at(-1) ?? 0)) fail("a value is missing");
    return stack.pop()!;
  };
  /** The last values, in the order in which they were pushed. */
  const popLast = (count: number) => Array.from({ length: count }, pop).reverse();
  const popToMark = () => stack.splice(marks.pop() ?? fail("a mark is missing"));
  const top = () => stack.length > 0 ? stack.at(-1)! : fail("a value is missing");

  // what several opcodes do
  const append = (values: readonly PickleValue[]) => {
    const value = stack.at(-1);
    const list = value instanceof PickleObject ? value.parts : value;
    if (!Array.isArray(list)) return fail("a list is missing");
    for (const item of values) list.push(item);
  };
  const setItems = (items: readonly PickleValue[]) => {
    const dict = stack.at(-1);
    if (!(dict instanceof PickleDict)) return fail("a dict is missing");
    if (items.length % 2 !== 0) fail("a key has no value");
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i];
      if (dict.entries.has(key)) return fail(`key ${formatJson(key)} stands twice in one dict`);
      dict.entries.set(key, items[i + 1]);
    }
  };
  const store = (index: number) => {
    count();
    memo.set(index, top());
  };
  const recall = (index: number) => {
    if (!memo.has(index)) fail(`value ${index} was never stored`);
    push(memo.get(index)!);
  };
  const pushGlobal = ([module, member]: PickleValue[]) => {
    if (typeof module !== "string" || typeof member !== "string") return fail("a name is not text");
    const name = `${module} ${member}`;
    if (HARMFUL_MODULES.test(name) || HARMFUL_BUILTINS.test(name)) {
      fail(`it names ${formatJson(name)}, which is neither a tensor nor data: such a file may be an attack`);
    }
    push(new PickleGlobal(name));
  };
  /** Calls a function or makes an object: one that the caller knows, or a placeholder. */
  const reduce = ([callable, args]: PickleValue[]) => {
    if (!(callable instanceof PickleGlobal) || !Array.isArray(args)) return fail("a call has no function");
    const { name } = callable;
    push(Object.hasOwn(calls, name) ? calls[name](args, fail) : new PickleObject(name, [...args]));
  };
  const build = () => {
    const state = pop();
    const object = stack.at(-1);
    if (typeof object === "object" && object !== null && "build" in object) {
      (object as { build(state: PickleValue, refuse: typeof fail): unknown }).build(state, fail);
    } else if (object instanceof PickleObject) object.parts.push(state);
    else if (object instanceof PickleDict && state instanceof PickleDict) object.attributes = state;
    else fail("something else than an object has attributes");
  };

  /** What opcodes do, by the bytes of the whole number that follows each; beside them the names that pickletools gives them. */
  const acts: readonly (readonly [opcodes: Readonly<Record<number, number>>, act: (argument: number) => void])[] = [
    [{ [STOP]: 0, 0x80: 1, 0x95: 8 }, () => {}], // STOP, PROTO, FRAME
    [{ 0x28: 0 }, mark], // MARK
    [{ 0x30: 0 }, pop], // POP
    [{ 0x31: 0 }, popToMark], // POP_MARK
    [{ 0x32: 0 }, () => push(top())], // DUP
    [{ 0x4e: 0 }, () => push(null)], // NONE
    [{ 0x88: 0 }, () => push(true)], // NEWTRUE
    [{ 0x89: 0 }, () => push(false)], // NEWFALSE
    [{ 0x4b: 1, 0x4d: 2 }, push], // BININT1, BININT2
    [{ 0x4a: 4 }, (value) => push(value | 0)], // BININT
    [{ 0x8a: 1, 0x8b: 4 }, (count) => push(long(count))], // LONG1, LONG4
    [{ 0x47: 0 }, () => push(viewOf(binary(8)).getFloat64(0))], // BINFLOAT, the one big-endian value of the format
    [{ 0x8c: 1, 0x58: 4, 0x8d: 8 }, (count) => push(text(count))], // SHORT_BINUNICODE, BINUNICODE, BINUNICODE8
    [{ 0x43: 1, 0x42: 4, 0x8e: 8, 0x96: 8 }, (count) => push(binary(count))], // (SHORT_)BINBYTES(8), BYTEARRAY8
    [{ 0x5d: 0, 0x29: 0, 0x8f: 0 }, () => push([])], // EMPTY_LIST, EMPTY_TUPLE, EMPTY_SET
    [{ 0x7d: 0 }, () => push(new PickleDict())], // EMPTY_DICT
    [{ 0x6c: 0, 0x74: 0, 0x91: 0 }, () => push(popToMark())], // LIST, TUPLE, FROZENSET
    [{ 0x85: 0 }, () => push(popLast(1))], // TUPLE1
    [{ 0x86: 0 }, () => push(popLast(2))], // TUPLE2
    [{ 0x87: 0 }, () => push(popLast(3))], // TUPLE3
    [{ 0x61: 0 }, () => append(popLast(1))], // APPEND
    [{ 0x65: 0, 0x90: 0 }, () => append(popToMark())], // APPENDS, ADDITEMS
    [{ 0x73: 0 }, () => setItems(popLast(2))], // SETITEM
    [{ 0x75: 0 }, () => setItems(popToMark())], // SETITEMS
    [{ 0x71: 1, 0x72: 4 }, store], // BINPUT, LONG_BINPUT
    [{ 0x94: 0 }, () => store(memo.size)], // MEMOIZE
    [{ 0x68: 1, 0x6a: 4 }, recall], // BINGET, LONG_BINGET
    [{ 0x63: 0 }, () => pushGlobal([line(), line()])], // GLOBAL
    [{ 0x93: 0 }, () => pushGlobal(popLast(2))], // STACK_GLOBAL
    [{ 0x52: 0, 0x81: 0 }, () => reduce(popLast(2))], // REDUCE, NEWOBJ
    [{ 0x92: 0 }, () => reduce([popLast(2), pop()].reverse())], // NEWOBJ_EX, with keyword arguments
    [{ 0x51: 0 }, () => reduce([new PickleGlobal(PERSISTENT), [pop()]])], // BINPERSID
    [{ 0x62: 0 }, build], // BUILD
  ];
  const actOf = new Map(acts.flatMap(([opcodes, act]) => Object.keys(opcodes).map((opcode) => [Number(opcode), act])));
  const argumentBytes: Record<number, number> = Object.assign({}, ...acts.map(([opcodes]) => opcodes));
  for (let opcode = 0; opcode !== STOP;) {
    opcodeAt = at;
    opcode = unsigned(1);
    const act = actOf.get(opcode) ?? fail(`opcode 0x${opcode.toString(16).padStart(2, "0")} is not one of data`);
    const count = argumentBytes[opcode];
    act(count > 0 ? unsigned(count) : 0);
  }
  const value = pop();
  if (stack.length > 0) fail("more than one value is left");
  return value;
}
