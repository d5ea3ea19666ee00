import { didYouMean } from "../common/closest.ts";
import { type Command, readInput } from "./command.ts";
import { quote, UsageError } from "./usage_error.ts";

/** A command that is loaded when it is run: `add` must not wait for the code of `train`. */
interface Entry {
  summary: string;
  // deno-lint-ignore no-explicit-any
  load: () => Promise<Command<any>>;
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  add: { summary: "Add two numbers with the model", load: async () => (await import("./add.ts")).addCommand },
  train: {
    summary: "Train a model from scratch, and prove that it adds every pair correctly",
    load: async () => (await import("./train.ts")).trainCommand,
  },
  continue: {
    summary: "Train a saved model further",
    load: async () => (await import("./continue.ts")).continueCommand,
  },
  eval: {
    summary: "Measure how many sums a model gets right",
    load: async () => (await import("./eval.ts")).evalCommand,
  },
  verify: {
    summary: "Add the 10,010 test cases of the AdderBoard",
    load: async () => (await import("./verify.ts")).verifyCommand,
  },
  certify: {
    summary: "Prove that a model adds all 10^20 pairs correctly, or find a pair that it adds wrongly",
    load: async () => (await import("./certify.ts")).certifyCommand,
  },
  sweep: {
    summary: "Train many seeds and recipes, and summarize how many of them learn",
    load: async () => (await import("./sweep.ts")).sweepCommand,
  },
  log: {
    summary: "Write the log of a run as CSV, as a plot or for TensorBoard",
    load: async () => (await import("./log.ts")).logCommand,
  },
  lab: { summary: "Serve the web page on this machine", load: async () => (await import("./lab.ts")).labCommand },
  check: {
    summary: "Check a certificate that certify wrote, with a small independent checker",
    load: async () => (await import("./check.ts")).checkCommand,
  },
  inspect: {
    summary: "Show the attention, margins and embeddings of a model",
    load: async () => (await import("./inspect.ts")).inspectCommand,
  },
  export: {
    summary: "Write a model as safetensors, PyTorch, ONNX or an AdderBoard submission",
    load: async () => (await import("./export.ts")).exportCommand,
  },
  import: {
    summary: "Make a checkpoint from a PyTorch or safetensors file",
    load: async () => (await import("./import.ts")).importCommand,
  },
  completions: {
    summary: "Print shell completions for bash, zsh or fish",
    load: async () => (await import("./completions.ts")).completionsCommand,
  },
};

/** Loads all commands. */
export function allCommands(): Promise<{ summary: string; command: Command }[]> {
  return Promise.all(Object.values(COMMANDS).map(async ({ summary, load }) => ({ summary, command: await load() })));
}

/** Runs the command that the arguments name, or prints the help. @returns The exit code */
export async function dispatch(args: string[]): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined) {
    console.error(await generalHelp());
    return 2;
  }
  if (first === "help" && rest.length > 0) return await run(commandName(rest[0]), ["--help"]);
  if (first === "help" || first === "--help" || first === "-h") {
    console.log(await generalHelp());
    return 0;
  }
  if (first === "--version") {
    const { default: { version } } = await import("../../deno.json", { with: { type: "json" } });
    console.log(version);
    return 0;
  }
  // 42 7 and --from x.safetensors 42 7 are additions, and so are failed attempts at one: -1 5, 1.5 2, " 0x10" 1
  return /^\s*[-+.\d]/.test(first) ? await run("add", args) : await run(commandName(first), rest);
}

function commandName(name: string): string {
  if (Object.hasOwn(COMMANDS, name)) return name;
  const names = Object.keys(COMMANDS);
  throw new UsageError(
    `Cannot run tiny-adder as the command must be one of ${names.join(", ")}: current value is ${quote(name)}` +
      didYouMean(name, names),
  );
}

async function run(name: string, args: string[]): Promise<number> {
  const command = await COMMANDS[name].load();
  const input = readInput(command, args);
  if (input !== null) return await command.run(input);
  const { commandHelp } = await import("./help.ts");
  console.log(commandHelp(command));
  return 0;
}

async function generalHelp(): Promise<string> {
  const { generalHelp } = await import("./help.ts");
  return generalHelp(Object.entries(COMMANDS).map(([name, { summary }]) => [name, summary]));
}
