/**
 * Addresses as a base that varies and an offset that does not: a pass over the compiled module before it is optimized.
 *
 * Where V8 has no trap handler, as in Deno, it compares every address with the size of the memory, unless it has done so before in the
 * same function for the same base and offset. So `v128.load(w + DO + 2 * ROW7)` becomes a load from `w` with the offset `DO + 2 * ROW7`: it
 * is checked once, however often it is read, and needs no register for its address.
 *
 * A variable that is set once, to a base plus a constant, as the arguments of inlined functions are, is set to the base alone; the constant is added
 * where it is read.
 *
 * An address must not rely on a sum that wraps around at 4 GiB, since offsets do not wrap. None of ours does.
 *
 * @module
 */

import type { Transform } from "assemblyscript/transform";

/** An expression of Binaryen; 0 is none. */
type Ref = number;

/** What is used of Binaryen's module. */
interface WasmModule {
  getGlobal(name: string): number;
  getNumFunctions(): number;
  getFunctionByIndex(index: number): number;
  readonly i32: Record<"const", (value: number) => Ref> & Record<"add" | "sub" | "mul", (left: Ref, right: Ref) => Ref>;
}

/** A kind of expression: `getPtr`, `setPtr`, … */
type Kind = Record<string, (...args: number[]) => number>;

/** What is used of Binaryen. A kind of expression and its number are found by name: `Load`, `LoadId`. */
interface Binaryen {
  getExpressionId(expression: Ref): number;
  getFunctionInfo(func: number): { base: string; params: number; body: Ref };
  getGlobalInfo(global: number): { mutable: boolean; init: Ref };
  expandType(type: number): number[];
  [name: string]: unknown;
}

/** The parts of each kind of expression that are expressions; in the order in which they are computed. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  If: ["Condition", "IfTrue", "IfFalse"],
  Loop: ["Body"],
  Break: ["Value", "Condition"],
  Switch: ["Value", "Condition"],
  LocalSet: ["Value"],
  GlobalSet: ["Value"],
  Load: ["Ptr"],
  Store: ["Ptr", "Value"],
  Unary: ["Value"],
  Binary: ["Left", "Right"],
  Select: ["IfTrue", "IfFalse", "Condition"],
  Drop: ["Value"],
  Return: ["Value"],
  MemoryGrow: ["Delta"],
  MemoryCopy: ["Dest", "Source", "Size"],
  MemoryFill: ["Dest", "Value", "Size"],
  AtomicRMW: ["Ptr", "Value"],
  AtomicCmpxchg: ["Ptr", "Expected", "Replacement"],
  AtomicWait: ["Ptr", "Expected", "Timeout"],
  AtomicNotify: ["Ptr", "NotifyCount"],
  SIMDExtract: ["Vec"],
  SIMDReplace: ["Vec", "Value"],
  SIMDShuffle: ["Left", "Right"],
  SIMDTernary: ["A", "B", "C"],
  SIMDShift: ["Vec", "Shift"],
  SIMDLoad: ["Ptr"],
  SIMDLoadStoreLane: ["Ptr", "Vec"],
};

/** Kinds with a list of parts, which is read and written by index. */
const LISTS: Readonly<Record<string, string>> = { Block: "Child", Call: "Operand", CallIndirect: "Operand" };
const LIST_LENGTHS: Readonly<Record<string, string>> = { Child: "getNumChildren", Operand: "getNumOperands" };

/** Kinds whose offset takes part of the address. */
const ACCESSES = ["Load", "Store", "SIMDLoad", "SIMDLoadStoreLane"];

/** The largest offset that is folded: any memory that the core asks for is larger. */
const MAX_OFFSET = 0x0100_0000;

/** An address or another number: the sum of an expression, or none, and a constant. */
interface Sum {
  rest: Ref;
  constant: number;
}

/** What the compiler makes an instance of. */
class FoldOffsets {
  /** Put here by the compiler. */
  declare binaryen: Binaryen;

  /** Rewrites all functions of the module. */
  afterCompile(module: WasmModule): void {
    for (let i = 0; i < module.getNumFunctions(); i++) {
      const { base, params, body } = this.binaryen.getFunctionInfo(module.getFunctionByIndex(i));
      if (base !== "") continue; // imported
      new FunctionFolder(this.binaryen, module, this.binaryen.expandType(params).length).fold(body);
    }
  }
}

/** The pass, as a transform for the compiler, which also takes classes, though its types do not say so. */
export const foldOffsets = FoldOffsets as unknown as Transform;

/** Rewrites one function. */
class FunctionFolder {
  readonly #binaryen: Binaryen;
  readonly #module: WasmModule;
  readonly #params: number;
  readonly #names = new Map<number, string>();
  /** How often each variable is set. */
  readonly #sets = new Map<number, number>();
  /** Variables that were read so far. */
  readonly #read = new Set<number>();
  /** What has to be added to a variable where it is read. */
  readonly #shifts = new Map<number, number>();
  /** Variables that are constants. */
  readonly #constants = new Map<number, number>();

  constructor(binaryen: Binaryen, module: WasmModule, params: number) {
    this.#binaryen = binaryen;
    this.#module = module;
    this.#params = params;
    const names = [...Object.keys(PARTS), ...Object.keys(LISTS), "LocalGet", "GlobalGet", "Const"];
    for (const name of names) this.#names.set(binaryen[`${name}Id`] as number, name);
  }

  fold(body: Ref): void {
    this.#count(body);
    this.#rewrite(body);
  }

  #kind(name: string): Kind {
    return this.#binaryen[name] as Kind;
  }

  #name(expression: Ref): string | undefined {
    return this.#names.get(this.#binaryen.getExpressionId(expression));
  }

  /** Does something with each part of an expression, which takes the place of the part. */
  #replaceParts(expression: Ref, replace: (part: Ref) => Ref): void {
    const name = this.#name(expression);
    if (name === undefined) return;
    const kind = this.#kind(name);
    if (name in LISTS) {
      const list = LISTS[name];
      for (let i = 0; i < kind[LIST_LENGTHS[list]](expression); i++) {
        kind[`set${list}At`](expression, i, replace(kind[`get${list}At`](expression, i)));
      }
    }
    for (const part of PARTS[name] ?? []) {
      const value = kind[`get${part}`](expression);
      if (value !== 0) kind[`set${part}`](expression, replace(value));
    }
  }

  #count(expression: Ref): void {
    if (this.#name(expression) === "LocalSet") {
      const index = this.#kind("LocalSet").getIndex(expression);
      this.#sets.set(index, (this.#sets.get(index) ?? 0) + 1);
    }
    this.#replaceParts(expression, (part) => (this.#count(part), part));
  }

  /** Rewrites an expression; returns what takes its place. */
  #rewrite(expression: Ref): Ref {
    const name = this.#name(expression);
    if (name === "Binary" || name === "LocalGet") return this.#join(this.#split(expression));
    if (name === "LocalSet") return this.#rewriteSet(expression);
    if (name !== undefined && ACCESSES.includes(name)) return this.#rewriteAccess(expression, this.#kind(name));
    this.#replaceParts(expression, (part) => this.#rewrite(part));
    return expression;
  }

  #rewriteSet(expression: Ref): Ref {
    const { getIndex, getValue, setValue, isTee } = this.#kind("LocalSet");
    const index = getIndex(expression);
    const sum = this.#split(getValue(expression));
    const once = this.#sets.get(index) === 1 && index >= this.#params && !this.#read.has(index);
    if (once && !isTee(expression) && sum.rest === 0) this.#constants.set(index, sum.constant);
    if (once && !isTee(expression) && sum.rest !== 0 && sum.constant !== 0) {
      this.#shifts.set(index, sum.constant);
      setValue(expression, sum.rest);
    } else {
      setValue(expression, this.#join(sum));
    }
    return expression;
  }

  #rewriteAccess(expression: Ref, { getPtr, setPtr, getOffset, setOffset, ...kind }: Kind): Ref {
    const sum = this.#split(getPtr(expression));
    const offset = getOffset(expression) + sum.constant;
    if (sum.rest !== 0 && offset >= 0 && offset <= MAX_OFFSET) {
      setPtr(expression, sum.rest);
      setOffset(expression, offset);
    } else {
      setPtr(expression, this.#join(sum));
    }
    for (const part of ["Value", "Vec"]) {
      if (`set${part}` in kind) kind[`set${part}`](expression, this.#rewrite(kind[`get${part}`](expression)));
    }
    return expression;
  }

  /** Rewrites an expression into a sum. */
  #split(expression: Ref): Sum {
    const name = this.#name(expression);
    if (name === "Const" && this.#isI32(expression)) {
      return { rest: 0, constant: this.#kind("Const").getValueI32(expression) };
    }
    if (name === "GlobalGet" && this.#isI32(expression)) {
      const { mutable, init } = this.#binaryen.getGlobalInfo(this.#module.getGlobal(this.#globalName(expression)));
      if (!mutable && this.#name(init) === "Const") return this.#split(init);
    }
    if (name === "LocalGet") {
      const index = this.#kind("LocalGet").getIndex(expression);
      this.#read.add(index);
      const constant = this.#constants.get(index);
      if (constant !== undefined) return { rest: 0, constant };
      return { rest: expression, constant: this.#shifts.get(index) ?? 0 };
    }
    if (name === "Binary" && this.#isI32(expression)) {
      const { getOp, getLeft, getRight } = this.#kind("Binary");
      const { AddInt32, SubInt32, MulInt32 } = this.#binaryen;
      const op = getOp(expression);
      if (op === AddInt32 || op === SubInt32 || op === MulInt32) {
        const left = this.#split(getLeft(expression));
        const right = this.#split(getRight(expression));
        if (op === AddInt32) return this.#add(left, right);
        if (op === SubInt32) return this.#subtract(left, right);
        return this.#multiply(left, right);
      }
    }
    if (name === "LocalSet") this.#rewriteSet(expression);
    else if (name !== undefined && ACCESSES.includes(name)) this.#rewriteAccess(expression, this.#kind(name));
    else this.#replaceParts(expression, (part) => this.#rewrite(part));
    return { rest: expression, constant: 0 };
  }

  #globalName(expression: Ref): string {
    return (this.#binaryen.GlobalGet as { getName(expression: Ref): string }).getName(expression);
  }

  #isI32(expression: Ref): boolean {
    return this.#kind("Expression").getType(expression) === this.#binaryen.i32;
  }

  #add(left: Sum, right: Sum): Sum {
    const constant = (left.constant + right.constant) | 0;
    if (left.rest === 0 || right.rest === 0) return { rest: left.rest || right.rest, constant };
    return { rest: this.#module.i32.add(left.rest, right.rest), constant };
  }

  #subtract(left: Sum, right: Sum): Sum {
    const constant = (left.constant - right.constant) | 0;
    if (right.rest === 0) return { rest: left.rest, constant };
    if (left.rest !== 0) return { rest: this.#module.i32.sub(left.rest, right.rest), constant };
    return { rest: this.#module.i32.sub(this.#join(left), this.#join(right)), constant: 0 };
  }

  #multiply(left: Sum, right: Sum): Sum {
    if (left.rest === 0) [left, right] = [right, left];
    const { mul } = this.#module.i32;
    if (right.rest !== 0) return { rest: mul(this.#join(left), this.#join(right)), constant: 0 };
    const factor = right.constant;
    const constant = Math.imul(left.constant, factor);
    return { rest: left.rest === 0 ? 0 : mul(left.rest, this.#module.i32.const(factor)), constant };
  }

  #join({ rest, constant }: Sum): Ref {
    const { i32 } = this.#module;
    if (rest === 0) return i32.const(constant);
    return constant === 0 ? rest : i32.add(rest, i32.const(constant));
  }
}
