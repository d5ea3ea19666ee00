import { type Args, parseArgs, type ParseOptions } from "@std/cli";
import { closest } from "../common/closest.ts";
import { type Flags, type FlagValues, type Switch, takesValue, type ValueFlag } from "./flags.ts";
import { quote, UsageError } from "./usage_error.ts";

/** The arguments of a command, read. */
export interface Input<F extends Flags> {
  /** The arguments as they were typed. */
  readonly args: readonly string[];
  /** The arguments that are not flags. */
  readonly operands: readonly string[];
  readonly flags: FlagValues<F>;
  /** Whether to print one JSON object on stdout, and nothing else there. */
  readonly json: boolean;
}

/** A command of the command line. */
export interface Command<F extends Flags = Flags> {
  readonly name: string;
  /** The first lines of its help. */
  readonly description: string;
  /** Its operands in the line of usage; undefined if it takes none. */
  readonly operands?: string;
  /** Its flags, without {@linkcode COMMON_FLAGS}. */
  readonly flags: F;
  /** Flags that must be given. */
  readonly required?: readonly (keyof F & string)[];
  /** The permission flags that Deno needs for it. */
  readonly permissions: string;
  /** A whole command line, with permission flags. */
  readonly example: string;
  /** Runs the command. @returns The exit code */
  run(input: Input<F>): Promise<number> | number;
}

/** Flags of every command. */
export const COMMON_FLAGS = {
  json: { help: "print one JSON object on stdout and nothing else there" },
  debug: { help: "print the stack trace of an error" },
  help: { help: "print this help" },
} as const satisfies Record<string, Switch>;

/** Infers the type of a command from its flags. */
export function defineCommand<F extends Flags>(command: Command<F>): Command<F> {
  return command;
}

/** Shields `-1` and `-`, which would not be read as values. No argument contains this character, because arguments are C strings. */
const SHIELD = "\0";

/**
 * Reads the arguments after a command's name.
 *
 * @returns The input of the command, or null if its help was requested
 * @throws {UsageError} If a flag is unknown, repeated, wrong or without its value, or an operand is unexpected
 */
export function readInput<F extends Flags>(command: Command<F>, args: readonly string[]): Input<F> | null {
  const flags: Flags = { ...command.flags, ...COMMON_FLAGS };
  const fail = (reason: string) => new UsageError(`Cannot run ${command.name} as ${reason}`);
  const parsed = parse(flags, args, fail);
  if (parsed.help.length > 0) return null;

  const found: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const given: (string | boolean)[] = [parsed[name]].flat(); // false alone, where it is written --no-…
    if (given.length > 1) {
      const values = given.map((value) => quote(unshield(String(value)))).join(", ");
      throw fail(
        `--${name} must be given once: ${takesValue(flag) ? `current values are ${values}` : "it is repeated"}`,
      );
    }
    if (!takesValue(flag)) {
      found[name] = given[0] ?? flag.onByDefault ?? false;
    } else if (given.length > 0) {
      if (given[0] === "") throw fail(valueMissing(name, flag));
      found[name] = flag.read(unshield(String(given[0])), name);
    } else if (command.required?.includes(name)) {
      throw fail(`--${name} is missing: add --${name} ${flag.placeholder}`);
    }
  }

  const standard = (way: "input" | "output") =>
    Object.entries(flags).filter(([name, flag]) => takesValue(flag) && flag.standard === way && found[name] === "-")
      .map(([name]) => `--${name} -`);
  const inputs = standard("input");
  if (inputs.length > 1) throw fail(`standard input is read once: found ${inputs.join(" and ")}`);
  const [output] = standard("output");
  if (output !== undefined && found.json) throw fail(`standard output is written once: found ${output} and --json`);

  const operands = [...parsed._.map(String), ...parsed["--"] ?? []].map(unshield);
  if (command.operands === undefined && operands.length > 0) {
    throw fail(`it takes flags alone: found ${operands.map(quote).join(" ")}`);
  }
  const { json, debug: _, help: __, ...values } = found;
  return { args, operands, flags: values as FlagValues<F>, json: json === true };
}

/** Splits arguments into flags, each with all its values, and operands. */
function parse(flags: Flags, args: readonly string[], fail: (reason: string) => UsageError): Args {
  const names = Object.keys(flags);
  const [values, switches] = [true, false].map((kind) => names.filter((name) => takesValue(flags[name]) === kind));

  const end = args.indexOf("--");
  for (const arg of end < 0 ? args : args.slice(0, end)) {
    const [, written, name, value] = /^(--(?:no-)?([^=]+))=(.*)$/s.exec(arg) ?? [];
    if (switches.includes(name)) throw fail(`${written} takes no value: current value is ${quote(value)}`);
  }

  // the parser keeps operands under this name
  const foreign = (end < 0 ? args : args.slice(0, end)).find((arg) => /^--(?:no-)?_(?:=|$)|^-(?![-\d.]).*_/s.test(arg));
  if (foreign !== undefined) throw fail(`it has no flag ${quote(foreign)}`);

  const options: ParseOptions = {
    "--": true,
    alias: { help: "h" },
    boolean: switches,
    string: [...values, "_"],
    collect: names,
    negatable: switches.filter((name) => (flags[name] as Switch).onByDefault),
    unknown(arg, key) {
      if (key === undefined) return true; // an operand
      const written = arg.replace(/=.*$/s, "");
      const flag = flags[written.slice(2)];
      if (flag !== undefined && takesValue(flag)) throw fail(valueMissing(written.slice(2), flag)); // --out=
      const known = names.map((name) => writtenName(name, flags[name]));
      const near = closest(written, known);
      const right = near === undefined ? `its flags are ${known.join(", ")}` : `did you mean ${near}?`;
      throw fail(`it has no flag ${quote(written)}: ${right}`);
    },
  };
  return parseArgs(args.map((arg) => /^-(?:[\d.]|$)/.test(arg) ? SHIELD + arg : arg), options);
}

/** A flag as it is written: `--seed`, but `--no-certify` if it turns something off. */
export function writtenName(name: string, flag: ValueFlag<unknown> | Switch): string {
  return !takesValue(flag) && flag.onByDefault ? `--no-${name}` : `--${name}`;
}

function valueMissing(name: string, { placeholder }: ValueFlag<unknown>): string {
  return `--${name} needs a value: write --${name} ${placeholder}`;
}

function unshield(value: string): string {
  return value.startsWith(SHIELD) ? value.slice(SHIELD.length) : value;
}
