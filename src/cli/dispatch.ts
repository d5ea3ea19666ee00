import { didYouMean } from "../common/closest.ts";
import { type Command, commandHelp, generalHelp, type NamedCommand, readInput } from "./command.ts";
import { quote, UsageError } from "./flags.ts";

/** The commands, each loaded when it is run: `add` must not wait for the code of `train`. */
// deno-lint-ignore no-explicit-any
const COMMANDS: Readonly<Record<string, () => Promise<Command<any>>>> = {
  add: async () => (await import("./add.ts")).addCommand,
  train: async () => (await import("./train.ts")).trainCommand,
  continue: async () => (await import("./train.ts")).continueCommand,
  eval: async () => (await import("./eval.ts")).evalCommand,
  verify: async () => (await import("./eval.ts")).verifyCommand,
  certify: async () => (await import("./certify.ts")).certifyCommand,
  check: async () => (await import("./check.ts")).checkCommand,
  sweep: async () => (await import("./sweep.ts")).sweepCommand,
  log: async () => (await import("./log.ts")).logCommand,
  inspect: async () => (await import("./inspect.ts")).inspectCommand,
  export: async () => (await import("./convert.ts")).exportCommand,
  import: async () => (await import("./convert.ts")).importCommand,
  lab: async () => (await import("./lab.ts")).labCommand,
  completions: async () => (await import("./completions.ts")).completionsCommand,
};

export function allCommands(): Promise<NamedCommand[]> {
  return Promise.all(Object.entries(COMMANDS).map(async ([name, load]) => ({ name, ...await load() })));
}

export async function dispatch(args: string[]): Promise<number> {
  const [first, ...rest] = args;
  if (first === "help" && rest.length > 0) return await run(rest[0], ["--help"]);
  if (first === undefined || ["help", "--help", "-h"].includes(first)) {
    (first === undefined ? console.error : console.log)(generalHelp(await allCommands()));
    return first === undefined ? 2 : 0;
  }
  if (first === "--version") {
    const { default: { version } } = await import("../../deno.json", { with: { type: "json" } });
    console.log(version);
    return 0;
  }
  // 42 7 and --from x.safetensors 42 7 are additions, and so are failed attempts at one: -1 5, 1.5 2, " 0x10" 1
  return /^\s*[-+.\d]/.test(first) ? await run("add", args) : await run(first, rest);
}

async function run(name: string, args: string[]): Promise<number> {
  if (!Object.hasOwn(COMMANDS, name)) {
    const names = Object.keys(COMMANDS);
    const found = `current value is ${quote(name)}${didYouMean(name, names)}`;
    throw new UsageError(`Cannot run tiny-adder as the command must be one of ${names.join(", ")}: ${found}`);
  }
  const command = { name, ...await COMMANDS[name]() };
  const input = readInput(name, command, args);
  if (input !== null) return await command.run(input, allCommands);
  console.log(commandHelp(command));
  return 0;
}
