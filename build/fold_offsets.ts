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
 */

import binaryen from "assemblyscript/binaryen";
import type { Transform } from "assemblyscript/transform";

/** An expression of Binaryen; 0 is none. */
type Ref = binaryen.ExpressionRef;

/** A kind of expression: `getPtr`, `setPtr`, … */
// deno-lint-ignore no-explicit-any
type Kind = Record<string, (expression: Ref, value?: any) => any>;

/** The parts of each kind of expression that are expressions, or lists of these; in the order in which they are computed. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  Block: ["Children"],
  Call: ["Operands"],
  If: ["Condition", "IfTrue", "IfFalse"],
  Loop: ["Body"],
  Break: ["Value", "Condition"],
  LocalSet: ["Value"],
  GlobalSet: ["Value"],
  Load: ["Ptr"],
  Store: ["Ptr", "Value"],
  Unary: ["Value"],
  Binary: ["Left", "Right"],
  Select: ["IfTrue", "IfFalse", "Condition"],
  Drop: ["Value"],
  Return: ["Value"],
  MemoryCopy: ["Dest", "Source", "Size"],
  MemoryFill: ["Dest", "Value", "Size"],
  AtomicRMW: ["Ptr", "Value"],
  AtomicWait: ["Ptr", "Expected", "Timeout"],
  AtomicNotify: ["Ptr", "NotifyCount"],
  SIMDExtract: ["Vec"],
  SIMDReplace: ["Vec", "Value"],
  SIMDShuffle: ["Left", "Right"],
  SIMDTernary: ["A", "B", "C"],
  SIMDShift: ["Vec", "Shift"],
  SIMDLoad: ["Ptr"],
};

/** Kinds without parts. */
const LEAVES = ["LocalGet", "GlobalGet", "Const", "Nop", "Unreachable"];

/** Kinds whose offset takes part of the address. */
const ACCESSES = ["Load", "Store", "SIMDLoad"];

/** The largest offset that is folded: any memory that the core asks for is larger. */
const MAX_OFFSET = 0x0100_0000;

/** An address or another number: the sum of an expression, or none, and a constant. */
interface Sum {
  rest: Ref;
  constant: number;
}

/** What Binaryen exports by names made here: kinds (`Load`) and their numbers (`LoadId`). */
const exported = binaryen as unknown as Record<string, unknown>;
const names = new Map([...Object.keys(PARTS), ...LEAVES].map((name) => [exported[`${name}Id`] as number, name]));
const kindOf = (name: string) => exported[name] as Kind;
const nameOf = (expression: Ref) => names.get(binaryen.getExpressionId(expression));

/** The pass, as a transform for the compiler, which also takes plain objects, though its types do not say so. */
export const foldOffsets = {
  afterCompile(module: binaryen.Module): void {
    for (let i = 0; i < module.getNumFunctions(); i++) {
      const { base, params, body } = binaryen.getFunctionInfo(module.getFunctionByIndex(i));
      if (base === "") foldFunction(module, binaryen.expandType(params).length, body); // not imported
    }
  },
} as unknown as Transform;

/** Does something with each part of an expression, which takes the place of the part. */
function replaceParts(expression: Ref, replace: (part: Ref) => Ref): void {
  const name = nameOf(expression);
  if (name === undefined) {
    const id = binaryen.getExpressionId(expression);
    throw new Error(`Cannot fold offsets as the parts of every kind of expression must be known: found kind ${id}`);
  }
  const kind = kindOf(name);
  for (const part of PARTS[name] ?? []) {
    const value: Ref | Ref[] = kind[`get${part}`](expression);
    if (value !== 0) kind[`set${part}`](expression, typeof value === "number" ? replace(value) : value.map(replace));
  }
}

/** Rewrites the body of a function with so many parameters. */
function foldFunction(module: binaryen.Module, params: number, body: Ref): void {
  const { i32 } = module;
  /** How often each variable is set. */
  const sets = new Map<number, number>();
  const read = new Set<number>();
  /** What has to be added to a variable where it is read, or its value if that is a constant. */
  const known = new Map<number, { constant: number; isValue: boolean }>();

  function countSets(expression: Ref): Ref {
    if (nameOf(expression) === "LocalSet") {
      const index = kindOf("LocalSet").getIndex(expression);
      sets.set(index, (sets.get(index) ?? 0) + 1);
    }
    replaceParts(expression, countSets);
    return expression;
  }

  /** Rewrites an expression; returns what takes its place. */
  const rewrite = (expression: Ref) => join(split(expression));

  function rewriteSet(expression: Ref): void {
    const { getIndex, getValue, setValue, isTee } = kindOf("LocalSet");
    const index = getIndex(expression);
    const sum = split(getValue(expression));
    const isOnly = sets.get(index) === 1 && index >= params && !read.has(index) && !isTee(expression);
    if (isOnly) known.set(index, { constant: sum.constant, isValue: sum.rest === 0 });
    setValue(expression, isOnly && sum.rest !== 0 ? sum.rest : join(sum));
  }

  function rewriteAccess(expression: Ref, { getPtr, setPtr, getOffset, setOffset, ...kind }: Kind): void {
    const sum = split(getPtr(expression));
    const offset = getOffset(expression) + sum.constant;
    const folds = sum.rest !== 0 && offset >= 0 && offset <= MAX_OFFSET;
    setPtr(expression, folds ? sum.rest : join(sum));
    if (folds) setOffset(expression, offset);
    if ("setValue" in kind) kind.setValue(expression, rewrite(kind.getValue(expression)));
  }

  /** Rewrites an expression into a sum. */
  function split(expression: Ref): Sum {
    const name = nameOf(expression);
    if (binaryen.getExpressionType(expression) === binaryen.i32) {
      if (name === "Const") return { rest: 0, constant: kindOf(name).getValueI32(expression) };
      if (name === "GlobalGet") {
        const { mutable, init } = binaryen.getGlobalInfo(module.getGlobal(kindOf(name).getName(expression)));
        if (!mutable && nameOf(init) === "Const") return split(init);
      }
      if (name === "LocalGet") {
        const index = kindOf(name).getIndex(expression);
        read.add(index);
        const { constant, isValue } = known.get(index) ?? { constant: 0, isValue: false };
        return { rest: isValue ? 0 : expression, constant };
      }
      if (name === "Binary") {
        const { getOp, getLeft, getRight } = kindOf(name);
        const operator = operators.get(getOp(expression));
        if (operator !== undefined) return operator(split(getLeft(expression)), split(getRight(expression)));
      }
    }
    if (name === "LocalSet") rewriteSet(expression);
    else if (name !== undefined && ACCESSES.includes(name)) rewriteAccess(expression, kindOf(name));
    else replaceParts(expression, rewrite);
    return { rest: expression, constant: 0 };
  }

  const operators = new Map([[binaryen.AddInt32, add], [binaryen.SubInt32, subtract], [binaryen.MulInt32, multiply]]);

  function add(left: Sum, right: Sum): Sum {
    const rest = left.rest !== 0 && right.rest !== 0 ? i32.add(left.rest, right.rest) : left.rest || right.rest;
    return { rest, constant: (left.constant + right.constant) | 0 };
  }

  function subtract(left: Sum, right: Sum): Sum {
    const rest = right.rest === 0 ? left.rest : i32.sub(left.rest || i32.const(0), right.rest);
    return { rest, constant: (left.constant - right.constant) | 0 };
  }

  function multiply(left: Sum, right: Sum): Sum {
    const [sum, factor] = left.rest === 0 ? [right, left] : [left, right];
    if (factor.rest !== 0) return { rest: i32.mul(join(left), join(right)), constant: 0 };
    const rest = sum.rest === 0 ? 0 : i32.mul(sum.rest, i32.const(factor.constant));
    return { rest, constant: Math.imul(sum.constant, factor.constant) };
  }

  function join({ rest, constant }: Sum): Ref {
    if (rest === 0) return i32.const(constant);
    return constant === 0 ? rest : i32.add(rest, i32.const(constant));
  }

  countSets(body);
  rewrite(body);
}
