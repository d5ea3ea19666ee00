/**
 * Reads Python's pickle format, protocols 2 to 5, without ever running anything: an interpreter of the opcodes that data needs, and of the few
 * callables that its caller implements. Everything else becomes a {@linkcode PickleObject}, which does nothing.
 * https://github.com/python/cpython/blob/main/Lib/pickletools.py describes the opcodes.
 */
import { formatJson } from "../../common/format_value.ts";
import { viewOf } from "./bytes.ts";
import { refuse } from "./error.ts";

/** A dict or an `OrderedDict`, with the attributes that were set on it. */
export class PickleDict {
  attributes: PickleDict | undefined;

  constructor(readonly entries: Map<PickleValue, PickleValue> = new Map()) {}
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

export interface PickleWorld {
  /** For each known `module name` what a call of it gives, or null where it must not be called. */
  readonly globals: Readonly<Record<string, ((args: PickleValue[]) => PickleValue) | null>>;
  /** What a persistent id stands for, in a pickle that has parts outside of itself. */
  readonly persistent?: (id: PickleValue) => PickleValue;
}

/** A pickle that asks for one of these means harm. None of it would be run, but the file deserves no trust. */
const HARMFUL_MODULES =
  /^(?:os|posix|nt|sys|subprocess|commands|pty|shutil|socket|ctypes|runpy|importlib|code|codeop|webbrowser|marshal|_?pickle|operator)(?:\.| )/;
const HARMFUL_BUILTINS =
  /^(?:builtins|__builtin__) (?:eval|exec|execfile|compile|open|file|__import__|setattr|delattr|globals|input|breakpoint|apply)$/;

/** The largest checkpoint that is read at all, store.ts, may be a pickle. */
const MAX_BYTES = 2 ** 24;
/** Each value takes up to 50 bytes: this many take less than twice the largest file. */
const MAX_VALUES = 2 ** 19;
const MAX_LONG_BYTES = 1024;

/** @throws {CheckpointError} If it is cut off, has an unknown opcode or asks for what could do harm; the message says at which byte */
export function readPickle(bytes: Uint8Array, world: PickleWorld, asked: string): PickleValue {
  if (bytes.length > MAX_BYTES) {
    refuse(asked, `its pickle must have at most ${MAX_BYTES} bytes: current size is ${bytes.length}`);
  }
  return new Interpreter(bytes, world, asked).run();
}

class Interpreter {
  readonly memo = new Map<number, PickleValue>();
  readonly stack: PickleValue[] = [];
  /** Heights of the stack at the open marks. */
  readonly marks: number[] = [];
  at = 0;
  opcodeAt = 0;
  valueCount = 0;

  constructor(readonly bytes: Uint8Array, readonly world: PickleWorld, readonly asked: string) {}

  run(): PickleValue {
    for (let opcode = 0; opcode !== STOP;) {
      this.opcodeAt = this.at;
      opcode = this.unsigned(1);
      const { bytes, act } = OPCODES.get(opcode) ??
        this.fail(`opcode 0x${opcode.toString(16).padStart(2, "0")} is not one of data`);
      act(this, this.unsigned(bytes));
    }
    const value = this.pop();
    if (this.stack.length > 0) this.fail("more than one value is left");
    return value;
  }

  fail(reason: string): never {
    return refuse(this.asked, `its pickle must be one of tensors by name: at byte ${this.opcodeAt} ${reason}`);
  }

  /** The next bytes, as a view of the pickle. */
  binary(count: number): Uint8Array {
    if (count > this.bytes.length - this.at) this.fail("it is cut off");
    return this.bytes.subarray(this.at, this.at += count);
  }

  /** A whole number of these bytes, the lowest first. */
  unsigned(bytes: number): number {
    return this.binary(bytes).reduceRight((sum, byte) => sum * 256 + byte, 0);
  }

  /** A signed number of any length, two's complement. */
  long(bytes: number): number | bigint {
    if (bytes > MAX_LONG_BYTES) this.fail(`a whole number has ${bytes} bytes`);
    const unsigned = this.binary(bytes).reduceRight((sum, byte) => sum << 8n | BigInt(byte), 0n);
    const value = BigInt.asIntN(8 * bytes, unsigned);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  text(bytes: number): string {
    return new TextDecoder().decode(this.binary(bytes));
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    return this.text((end < 0 ? Infinity : end + 1) - this.at).slice(0, -1);
  }

  push(value: PickleValue): void {
    if (++this.valueCount > MAX_VALUES) this.fail(`it has more than ${MAX_VALUES} values`);
    this.stack.push(value);
  }

  pop(): PickleValue {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) this.fail("a value is missing");
    return this.stack.pop()!;
  }

  /** The last values, in the order in which they were pushed. */
  popLast(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  popToMark(): PickleValue[] {
    return this.stack.splice(this.marks.pop() ?? this.fail("a mark is missing"));
  }

  top(): PickleValue {
    if (this.stack.length === 0) this.fail("a value is missing");
    return this.stack.at(-1)!;
  }

  append(values: readonly PickleValue[]): void {
    const value = this.stack.at(-1);
    const list = value instanceof PickleObject ? value.parts : value;
    if (!Array.isArray(list)) return this.fail("a list is missing");
    for (const item of values) list.push(item);
  }

  setItems(items: readonly PickleValue[]): void {
    const dict = this.stack.at(-1);
    if (!(dict instanceof PickleDict)) return this.fail("a dict is missing");
    if (items.length % 2 !== 0) this.fail("a key has no value");
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i];
      if (dict.entries.has(key)) return this.fail(`key ${formatJson(key)} stands twice in one dict`);
      dict.entries.set(key, items[i + 1]);
    }
  }

  recall(index: number): void {
    if (!this.memo.has(index)) this.fail(`value ${index} was never stored`);
    this.push(this.memo.get(index)!);
  }

  global([module, member]: PickleValue[]): void {
    if (typeof module !== "string" || typeof member !== "string") return this.fail("a name is not text");
    const name = `${module} ${member}`;
    if (HARMFUL_MODULES.test(name) || HARMFUL_BUILTINS.test(name)) {
      this.fail(`it names ${formatJson(name)}, which is neither a tensor nor data: such a file may be an attack`);
    }
    this.push(new PickleGlobal(name));
  }

  /** Calls a function or makes an object: one that the caller knows, or a placeholder. */
  reduce([callable, args]: PickleValue[]): void {
    if (!(callable instanceof PickleGlobal) || !Array.isArray(args)) return this.fail("a call has no function");
    const { globals } = this.world;
    const call = Object.hasOwn(globals, callable.name) ? globals[callable.name] : undefined;
    if (call === null) return this.fail(`it calls ${callable.name}`);
    this.push(call === undefined ? new PickleObject(callable.name, [...args]) : this.inWorld(() => call(args)));
  }

  build(): void {
    const state = this.pop();
    const object = this.stack.at(-1);
    if (typeof object === "object" && object !== null && "build" in object) {
      this.inWorld(() => (object as { build(state: PickleValue): unknown }).build(state));
    } else if (object instanceof PickleObject) object.parts.push(state);
    else if (object instanceof PickleDict && state instanceof PickleDict) object.attributes = state;
    else this.fail("something else than an object has attributes");
  }

  /** Runs a part of the caller's world, whose errors are reasons, and says where it was asked. */
  inWorld<T>(part: () => T): T {
    try {
      return part();
    } catch (error) {
      if (error instanceof PickleRefusal) return this.fail(error.message);
      throw error;
    }
  }
}

/** Thrown by a {@linkcode PickleWorld}: the end of a sentence that begins with the position. */
export class PickleRefusal extends Error {}

function withoutParts(): never {
  throw new PickleRefusal("it refers to parts outside of itself, which only a file of torch.save has");
}

const STOP = 0x2e;

/** Gets the whole number that follows the opcode. */
type Act = (machine: Interpreter, argument: number) => void;

/** What opcodes do, by the bytes of the whole number that follows each; beside them the names that pickletools gives them. */
const ACTIONS: readonly (readonly [opcodes: Readonly<Record<number, number>>, act: Act])[] = [
  [{ [STOP]: 0, 0x80: 1, 0x95: 8 }, () => {}], // STOP, PROTO, FRAME
  [{ 0x28: 0 }, (m) => void m.marks.push(m.stack.length)], // MARK
  [{ 0x30: 0 }, (m) => void m.pop()], // POP
  [{ 0x31: 0 }, (m) => void m.popToMark()], // POP_MARK
  [{ 0x32: 0 }, (m) => m.push(m.top())], // DUP
  [{ 0x4e: 0 }, (m) => m.push(null)], // NONE
  [{ 0x88: 0 }, (m) => m.push(true)], // NEWTRUE
  [{ 0x89: 0 }, (m) => m.push(false)], // NEWFALSE
  [{ 0x4b: 1, 0x4d: 2 }, (m, value) => m.push(value)], // BININT1, BININT2
  [{ 0x4a: 4 }, (m, value) => m.push(value | 0)], // BININT
  [{ 0x8a: 1, 0x8b: 4 }, (m, bytes) => m.push(m.long(bytes))], // LONG1, LONG4
  [{ 0x47: 0 }, (m) => m.push(viewOf(m.binary(8)).getFloat64(0))], // BINFLOAT, the one big-endian value of the format
  [{ 0x8c: 1, 0x58: 4, 0x8d: 8 }, (m, bytes) => m.push(m.text(bytes))], // SHORT_BINUNICODE, BINUNICODE, BINUNICODE8
  [{ 0x43: 1, 0x42: 4, 0x8e: 8, 0x96: 8 }, (m, bytes) => m.push(m.binary(bytes))], // (SHORT_)BINBYTES(8), BYTEARRAY8
  [{ 0x5d: 0, 0x29: 0, 0x8f: 0 }, (m) => m.push([])], // EMPTY_LIST, EMPTY_TUPLE, EMPTY_SET
  [{ 0x7d: 0 }, (m) => m.push(new PickleDict())], // EMPTY_DICT
  [{ 0x6c: 0, 0x74: 0, 0x91: 0 }, (m) => m.push(m.popToMark())], // LIST, TUPLE, FROZENSET
  [{ 0x85: 0 }, (m) => m.push(m.popLast(1))], // TUPLE1
  [{ 0x86: 0 }, (m) => m.push(m.popLast(2))], // TUPLE2
  [{ 0x87: 0 }, (m) => m.push(m.popLast(3))], // TUPLE3
  [{ 0x61: 0 }, (m) => m.append(m.popLast(1))], // APPEND
  [{ 0x65: 0, 0x90: 0 }, (m) => m.append(m.popToMark())], // APPENDS, ADDITEMS
  [{ 0x73: 0 }, (m) => m.setItems(m.popLast(2))], // SETITEM
  [{ 0x75: 0 }, (m) => m.setItems(m.popToMark())], // SETITEMS
  [{ 0x71: 1, 0x72: 4 }, (m, index) => void m.memo.set(index, m.top())], // BINPUT, LONG_BINPUT
  [{ 0x94: 0 }, (m) => void m.memo.set(m.memo.size, m.top())], // MEMOIZE
  [{ 0x68: 1, 0x6a: 4 }, (m, index) => m.recall(index)], // BINGET, LONG_BINGET
  [{ 0x63: 0 }, (m) => m.global([m.line(), m.line()])], // GLOBAL
  [{ 0x93: 0 }, (m) => m.global(m.popLast(2))], // STACK_GLOBAL
  [{ 0x52: 0, 0x81: 0 }, (m) => m.reduce(m.popLast(2))], // REDUCE, NEWOBJ
  [{ 0x92: 0 }, (m) => m.reduce([m.popLast(2), m.pop()].reverse())], // NEWOBJ_EX, with keyword arguments
  [{ 0x51: 0 }, (m) => m.push(m.inWorld(() => (m.world.persistent ?? withoutParts)(m.pop())))], // BINPERSID
  [{ 0x62: 0 }, (m) => m.build()], // BUILD
];
const OPCODES = new Map(
  ACTIONS.flatMap(([opcodes, act]) =>
    Object.entries(opcodes).map(([opcode, bytes]) => [Number(opcode), { bytes, act }] as const)
  ),
);
