import { type Args, parseArgs, type ParseOptions } from "@std/cli";
import { closest } from "./closest.ts";
import { type Flags, type FlagValues, type Switch, takesValue, type ValueFlag } from "./flags.ts";
import { quote, UsageError } from "./usage_error.ts";

/** What a command is given. */
export interface Input<F extends Flags> {
  /** The arguments as they were typed. */
  readonly args: readonly string[];
  /** Arguments that are no flags. */
  readonly operands: readonly string[];
  /** Values of the command's own flags. */
  readonly flags: FlagValues<F>;
  /** Whether to print one JSON object on stdout and nothing else there. */
  readonly json: boolean;
}

/** A command of the command line. */
export interface Command<F extends Flags = Flags> {
  /** Its name. */
  readonly name: string;
  /** What it does, a few lines. */
  readonly description: string;
  /** How its operands are called, if it takes any. */
  readonly operands?: string;
  /** Flags of its own. */
  readonly flags: F;
  /** Flags that must be given, for the line of usage. */
  readonly required?: readonly (keyof F & string)[];
  /** Deno's permission flags that it needs, and what for. */
  readonly permissions: string;
  /** Arguments that show it at work, `deno run` and its permission flags included. */
  readonly example: string;
  /** Does it. @returns The exit code */
  run(input: Input<F>): Promise<number> | number;
}

/** Flags of every command. */
export const COMMON_FLAGS = {
  json: { help: "print one JSON object on stdout" },
  debug: { help: "print the stack of an error" },
  help: { help: "print this" },
} as const satisfies Record<string, Switch>;

/** Checks that a command is whole, for its types. */
export function defineCommand<F extends Flags>(command: Command<F>): Command<F> {
  return command;
}

/**
 * Put before `-1`, which would be read as a flag named 1, and taken away again. No argument can hold this character: they
 * come as C strings.
 */
const SHIELD = "\0";

/**
 * Reads the arguments after a command's name.
 *
 * @returns What the command is given, or null where its help is asked for
 * @throws {UsageError} If a flag is unknown, repeated, without its value or wrong, or an operand is too much
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

  const operands = [...parsed._.map(String), ...parsed["--"] ?? []].map(unshield);
  if (command.operands === undefined && operands.length > 0) {
    throw fail(`it takes flags alone: found ${operands.map(quote).join(" ")}`);
  }
  return { args, operands, flags: found as FlagValues<F>, json: found.json === true };
}

/** Sorts arguments into flags, each with all its values, and operands. */
function parse(flags: Flags, args: readonly string[], fail: (reason: string) => UsageError): Args {
  const names = Object.keys(flags);
  const [values, switches] = [true, false].map((kind) => names.filter((name) => takesValue(flags[name]) === kind));

  const end = args.indexOf("--");
  for (const arg of end < 0 ? args : args.slice(0, end)) {
    const [, written, name, value] = /^(--(?:no-)?([^=]+))=(.*)$/s.exec(arg) ?? [];
    if (switches.includes(name)) throw fail(`${written} takes no value: current value is ${quote(value)}`);
  }

  // the parser has operands under this name
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
  return parseArgs(args.map((arg) => /^-[\d.]/.test(arg) ? SHIELD + arg : arg), options);
}

/** A flag as one writes it: `--seed`, but `--no-certify` where it turns something off. */
export function writtenName(name: string, flag: ValueFlag<unknown> | Switch): string {
  return !takesValue(flag) && flag.onByDefault ? `--no-${name}` : `--${name}`;
}

function valueMissing(name: string, { placeholder }: ValueFlag<unknown>): string {
  return `--${name} needs a value: write --${name} ${placeholder}`;
}

function unshield(value: string): string {
  return value.startsWith(SHIELD) ? value.slice(SHIELD.length) : value;
}
