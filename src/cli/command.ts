import { parseArgs } from "@std/cli";
import { closest } from "../common/closest.ts";
import { type Flags, type FlagValues, type Switch, takesValue, type ValueFlag } from "./flags.ts";
import { quote, UsageError } from "./usage_error.ts";

export interface Input<F extends Flags> {
  /** The arguments as they were typed. */
  readonly args: readonly string[];
  /** The arguments that are not flags. */
  readonly operands: readonly string[];
  readonly flags: FlagValues<F>;
  /** Whether to print one JSON object on stdout, and nothing else there. */
  readonly json: boolean;
}

/** A command: its arguments are checked, its help is printed and completions are made from this record. */
export interface Command<F extends Flags = Flags> {
  readonly name: string;
  /** The first lines of its help; the first sentence is its line in the list of commands. */
  readonly description: string;
  /** Its operands in the line of usage; undefined if it takes none. */
  readonly operands?: string;
  /** Its flags, without {@linkcode COMMON_FLAGS}. */
  readonly flags: F;
  /** The permission flags that Deno needs for it. */
  readonly permissions: string;
  /** A whole command line, with permission flags. */
  readonly example: string;
  /** Runs the command. @param allCommands Loads the records of all commands @returns The exit code */
  run(input: Input<F>, allCommands: () => Promise<readonly Command[]>): Promise<number> | number;
}

export const COMMON_FLAGS = {
  json: { help: "print one JSON object on stdout and nothing else there" },
  debug: { help: "print the stack trace of an error" },
  help: { help: "print this help" },
} as const satisfies Record<string, Switch>;

/** Infers the type of a command from its flags. */
export function defineCommand<F extends Flags>(command: Command<F>): Command<F> {
  return command;
}

/** The flags of a command and those of every command, each with the name as it is written: `--seed`, `--no-certify`. */
export function writtenFlags({ flags }: Pick<Command, "flags">) {
  return Object.entries<ValueFlag<unknown> | Switch>({ ...flags, ...COMMON_FLAGS })
    .map(([name, flag]) => ({ name, flag, written: `--${!takesValue(flag) && flag.onByDefault ? "no-" : ""}${name}` }));
}

/**
 * Reads the arguments after a command's name.
 *
 * @returns The input of the command, or null if its help was requested
 * @throws {UsageError} If a flag is unknown, repeated, wrong or without its value, or an operand is unexpected
 */
export function readInput<F extends Flags>(command: Command<F>, args: readonly string[]): Input<F> | null {
  const fail = (reason: string) => new UsageError(`Cannot run ${command.name} as ${reason}`);
  const { "--": operands = [], help, ...given } = parse(command, args, fail);
  if (help.length > 0) return null;

  const values: Record<string, unknown> = {};
  const standard = { input: [] as string[], output: [] as string[] };
  for (const { name, flag } of writtenFlags(command)) {
    const [value, ...more]: (string | boolean)[] = [given[name] ?? []].flat(); // false alone, where it is written --no-…
    if (more.length > 0) {
      const found = takesValue(flag)
        ? `current values are ${[value, ...more].map((each) => quote(String(each))).join(", ")}`
        : "it is repeated";
      throw fail(`--${name} must be given once: ${found}`);
    }
    if (!takesValue(flag)) {
      values[name] = value ?? flag.onByDefault ?? false;
    } else if (value !== undefined) {
      values[name] = flag.read(String(value), name);
      if (value === "-" && flag.standard) standard[flag.standard].push(`--${name} -`);
    } else if (flag.required) {
      throw fail(`--${name} is missing: add --${name} ${flag.placeholder}`);
    }
  }
  const { json, debug: _, help: __, ...flags } = values;
  if (standard.input.length > 1) throw fail(`standard input is read once: found ${standard.input.join(" and ")}`);
  if (json && standard.output.length > 0) {
    throw fail(`standard output is written once: found ${standard.output[0]} and --json`);
  }
  if (command.operands === undefined && operands.length > 0) {
    throw fail(`it takes flags alone: found ${operands.map(quote).join(" ")}`);
  }
  return { args, operands, flags: flags as FlagValues<F>, json: json === true };
}

/** A flag, unlike the number -1 and the path - of standard input. */
const FLAG = /^-[^\d.]/;

/** Splits arguments into flags, each with all its values, and operands. Refuses unknown flags, missing values and switches with a value. */
function parse(command: Command, args: readonly string[], fail: (reason: string) => UsageError) {
  const flags = writtenFlags(command);
  const written: string[] = [];
  const operands: string[] = [];
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--") {
      operands.push(...args.slice(i + 1));
      break;
    }
    if (!FLAG.test(args[i])) {
      operands.push(args[i]);
      continue;
    }
    const [, typed, given] = /^([^=]*)(?:=(.*))?$/s.exec(args[i] === "-h" ? "--help" : args[i])!;
    const found = flags.find(({ name, written }) => [written, `--${name}`].includes(typed));
    if (found === undefined) {
      const known = flags.map(({ written }) => written);
      const near = closest(typed, known);
      const right = near === undefined ? `its flags are ${known.join(", ")}` : `did you mean ${near}?`;
      throw fail(`it has no flag ${quote(typed)}: ${right}`);
    }
    const { name, flag } = found;
    if (!takesValue(flag)) {
      if (given !== undefined) throw fail(`${typed} takes no value: current value is ${quote(given)}`);
      written.push(typed);
    } else {
      const value = given ?? (FLAG.test(args[i + 1] ?? "") ? "" : args[++i]);
      if (!value) throw fail(`--${name} needs a value: write --${name} ${flag.placeholder}`);
      written.push(`--${name}=${value}`);
    }
  }
  const [values, switches] = [true, false].map((kind) => flags.filter(({ flag }) => takesValue(flag) === kind));
  return parseArgs([...written, "--", ...operands], {
    "--": true,
    string: values.map(({ name }) => name),
    boolean: switches.map(({ name }) => name),
    negatable: switches.filter(({ written }) => written.startsWith("--no-")).map(({ name }) => name),
    collect: flags.map(({ name }) => name),
  });
}
