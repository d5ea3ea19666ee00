import { parseArgs } from "@std/cli";
import { closest } from "../common/closest.ts";
import { type Flags, type FlagValues, quote, type Switch, UsageError, type ValueFlag } from "./flags.ts";

export interface Input<F extends Flags> {
  readonly name: string;
  readonly args: readonly string[];
  /** The arguments that are not flags. */
  readonly operands: readonly string[];
  readonly flags: FlagValues<F>;
  /** Whether to print one JSON object on stdout, and nothing else there. */
  readonly json: boolean;
  /** Makes the error of a request that cannot be run. @param reason What must be, and what was found */
  readonly fail: (reason: string) => UsageError;
}

/** A command: its arguments are checked, its help is printed and completions are made from this record. */
export interface Command<F extends Flags = Flags> {
  /** The first lines of its help; the first sentence is its line in the list of commands. */
  readonly description: string;
  /** Its operands in the line of usage, if it takes some. */
  readonly operands?: string;
  /** Its flags, without {@linkcode COMMON_FLAGS}. */
  readonly flags: F;
  /** The permission flags that Deno needs for it, and a whole command line with them. */
  readonly permissions: string;
  readonly example: string;
  run(input: Input<F>, allCommands: () => Promise<readonly NamedCommand[]>): Promise<number> | number;
}

/** A command with its name in the table of dispatch.ts. */
export type NamedCommand = Command & { readonly name: string };

export const COMMON_FLAGS = {
  json: { help: "print one JSON object on stdout and nothing else there" },
  debug: { help: "print the stack trace of an error" },
  help: { help: "print this help" },
} as const satisfies Record<string, Switch>;

/** Infers the type of a command from its flags. */
export function defineCommand<F extends Flags>(command: Command<F>): Command<F> {
  return command;
}

/** The flags of a command and those of every command, each as it is written, `--seed` or `--no-certify`, and `valued` if it takes a value. */
export function writtenFlags({ flags }: Pick<Command, "flags">) {
  return Object.entries<ValueFlag<unknown> | Switch>({ ...flags, ...COMMON_FLAGS }).map(([name, flag]) => {
    const { help, onByDefault: isOn = false }: Switch = flag;
    return { name, help, written: `--${isOn ? "no-" : ""}${name}`, valued: "read" in flag ? flag : undefined, isOn };
  });
}

/** Reads the arguments after a command's name; null if its help was requested. @throws {UsageError} If an argument is wrong, missing or too many */
export function readInput<F extends Flags>(
  name: string,
  command: Pick<Command<F>, "flags" | "operands">,
  args: readonly string[],
): Input<F> | null {
  const fail = (reason: string) => new UsageError(`Cannot run ${name} as ${reason}`);
  const known = writtenFlags(command);
  const { "--": operands = [], help, ...given } = parse(known, args, fail);
  if (help.length > 0) return null;

  const values: Record<string, unknown> = {};
  const standard = { input: [] as string[], output: [] as string[] };
  for (const { name, valued, isOn } of known) {
    const [value, ...more]: string[] = given[name] ?? [];
    if (more.length > 0) {
      const found = valued ? `current values are ${[value, ...more].map(quote).join(", ")}` : "it is repeated";
      throw fail(`--${name} must be given once: ${found}`);
    }
    if (valued === undefined) {
      values[name] = value === undefined ? isOn : value === "true";
    } else if (value !== undefined) {
      values[name] = valued.read(value, name);
      if (value === "-" && valued.standard) standard[valued.standard].push(`--${name} -`);
    } else if (valued.required) {
      throw fail(`--${name} is missing: add --${name} ${valued.placeholder}`);
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
  return { name, args, operands, flags: flags as FlagValues<F>, json: json === true, fail };
}

/** A flag, unlike the number -1 and the path - of standard input. */
const FLAG = /^-[^\d.]/;

/** Splits arguments into flags, each with all its values, `true` or `false` of a switch, and operands. Refuses unknown flags, missing values and switches with a value. */
function parse(
  known: ReturnType<typeof writtenFlags>,
  args: readonly string[],
  fail: (reason: string) => UsageError,
): Record<string, string[]> {
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  const flags: string[] = [];
  const operands: string[] = [];
  for (let i = 0; i < end; i++) {
    if (!FLAG.test(args[i])) {
      operands.push(args[i]);
      continue;
    }
    const [, typed, given] = /^([^=]*)(?:=(.*))?$/s.exec(args[i] === "-h" ? "--help" : args[i])!;
    const found = known.find(({ name, written }) => [written, `--${name}`].includes(typed));
    if (found === undefined) {
      const names = known.map(({ written }) => written);
      const near = closest(typed, names);
      const right = near === undefined ? `its flags are ${names.join(", ")}` : `did you mean ${near}?`;
      throw fail(`it has no flag ${quote(typed)}: ${right}`);
    }
    const { name, valued } = found;
    if (valued === undefined) {
      if (given !== undefined) throw fail(`${typed} takes no value: current value is ${quote(given)}`);
      flags.push(`--${name}=${typed === `--${name}`}`);
    } else {
      const value = given ?? (FLAG.test(args[i + 1] ?? "") ? "" : args[++i]);
      if (!value) throw fail(`--${name} needs a value: write --${name} ${valued.placeholder}`);
      flags.push(`--${name}=${value}`);
    }
  }
  const names = known.map(({ name }) => name);
  const split = [...flags, "--", ...operands, ...args.slice(end + 1)];
  return parseArgs(split, { "--": true, string: names, collect: names });
}

export function commandHelp(command: NamedCommand): string {
  const flags = writtenFlags(command);
  const left = ({ written, valued }: typeof flags[number]) => valued ? `${written} ${valued.placeholder}` : written;
  const required = flags.filter(({ valued }) => valued?.required).map(left);
  const usage = ["deno run cli.ts", command.name, command.operands, ...required, "[flags]"].filter(Boolean).join(" ");
  return [
    command.description,
    "",
    `Usage:       ${usage}`,
    `Example:     ${command.example}`,
    `Permissions: ${command.permissions}`,
    "",
    columns(flags.map((flag) => [left(flag), flag.help])),
  ].join("\n");
}

/** The names of commands, each with the first sentence of its description, without the full stop. */
export function summaries(commands: readonly NamedCommand[]): [name: string, summary: string][] {
  return commands.map(({ name, description }) => [name, /^.*?(?=\.?$|\.\s)/m.exec(description)![0]]);
}

export function generalHelp(commands: readonly NamedCommand[]): string {
  return [
    "tiny-adder: train, use and prove a transformer of 763 parameters that adds 10-digit numbers",
    "",
    "Usage:   deno run cli.ts A B",
    "         deno run cli.ts COMMAND [flags]",
    "Example: deno run cli.ts 42 7",
    "",
    columns([...summaries(commands), ["help [COMMAND]", "Prints the help of a command"], [
      "--version",
      "Prints the version",
    ]]),
  ].join("\n");
}

function columns(rows: readonly (readonly [left: string, right: string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}
