/**
 * Small faults in a source: another operator, another constant.
 *
 * @module
 */

/** One change of one place. */
export interface Mutant {
  /** The file, from the root of the repository. */
  file: string;
  /** Where the text to replace begins. */
  at: number;
  /** Its line, from 1. */
  line: number;
  from: string;
  to: string;
}

/** Operators between spaces, and what they become. In `src/` the bitwise ones are left alone: there they are unions of types. */
const OPERATORS: Readonly<Record<string, string>> = {
  "+": "-",
  "-": "+",
  "*": "+",
  "/": "*",
  "%": "*",
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "==": "!=",
  "!=": "==",
  "===": "!==",
  "!==": "===",
  "&&": "||",
  "||": "&&",
  "??": "&&",
  "+=": "-=",
  "-=": "+=",
  "<<": ">>",
  ">>": "<<",
};
const BITWISE: Readonly<Record<string, string>> = { "&": "|", "|": "&", "^": "&" };

/** Instructions for vectors, which are operators that are written out. */
const INSTRUCTIONS: Readonly<Record<string, string>> = {
  "f32x4.add": "f32x4.sub",
  "f32x4.sub": "f32x4.add",
  "f32x4.mul": "f32x4.add",
  "f32x4.div": "f32x4.mul",
  "f32x4.pmax": "f32x4.pmin",
  "f32x4.abs": "f32x4.neg",
  "f32x4.gt": "f32x4.le",
  "f32x4.lt": "f32x4.ge",
  "i32x4.add": "i32x4.sub",
  "i32x4.sub": "i32x4.add",
  "i32x4.mul": "i32x4.add",
  "i32x4.shl": "i32x4.shr_u",
  "i32x4.shr_u": "i32x4.shl",
  "i32x4.shr_s": "i32x4.shl",
  "i32x4.gt_s": "i32x4.ge_s",
  "v128.and": "v128.or",
  "v128.or": "v128.and",
  "v128.xor": "v128.or",
};

/** The source with what is no code blanked: comments, texts, imports. */
export function codeOf(source: string): string {
  const blank = (text: string) => text.replace(/[^\n]/g, " ");
  return source
    .replace(/\/\*[\s\S]*?\*\/|\/\/.*|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g, blank)
    .replace(/^(?:import|export)\b[^;]*?\bfrom\b[^;]*;/gm, blank);
}

/** All mutants of a source. */
export function mutantsOf(file: string, source: string): Mutant[] {
  const code = codeOf(source);
  const isAssembly = file.startsWith("assembly/");
  const operators = isAssembly ? { ...OPERATORS, ...BITWISE } : OPERATORS;
  const found: Omit<Mutant, "file" | "line">[] = [];
  for (const { 0: from, index: at } of code.matchAll(/(?<= )[-+*/%<>=!&|^?]{1,3}(?= |\n)/g)) {
    if (Object.hasOwn(operators, from)) found.push({ at, from, to: operators[from] });
  }
  for (const { 0: from, index: at } of code.matchAll(/\b[fiv]\d+(?:x4)?\.\w+/g)) {
    if (Object.hasOwn(INSTRUCTIONS, from)) found.push({ at, from, to: INSTRUCTIONS[from] });
  }
  for (const { 0: from, index: at } of code.matchAll(/(?<![\w.$<])\d[\d_]*(?:\.\d+)?(?:e-?\d+)?(?![\w.$])/g)) {
    const value = Number(from.replaceAll("_", ""));
    const to = Number.isInteger(value) && !/[.e]/.test(from) ? String(value + 1) : String(value * 1.01);
    found.push({ at, from, to });
  }
  for (const { 0: from, index: at } of code.matchAll(/\b(?:true|false)\b/g)) {
    found.push({ at, from, to: from === "true" ? "false" : "true" });
  }
  return found.map((mutant) => ({ file, line: source.slice(0, mutant.at).split("\n").length, ...mutant }))
    .sort((a, b) => a.at - b.at);
}

/** The source with the fault in it. */
export function mutate(source: string, { at, from, to }: Mutant): string {
  if (source.slice(at, at + from.length) !== from) throw new Error(`Cannot mutate as there is no ${from} at ${at}`);
  return source.slice(0, at) + to + source.slice(at + from.length);
}
