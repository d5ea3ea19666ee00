import { didYouMean } from "./closest.ts";
import { type Command, readInput } from "./command.ts";
import { quote, UsageError } from "./usage_error.ts";

/** A command that is loaded when it is asked for: `add` must not wait for what `train` needs. */
interface Entry {
  summary: string;
  // deno-lint-ignore no-explicit-any
  load: () => Promise<Command<any>>;
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  add: { summary: "adds two numbers", load: async () => (await import("./add.ts")).addCommand },
  train: { summary: "trains from scratch", load: async () => (await import("./train.ts")).trainCommand },
  continue: {
    summary: "trains on from a checkpoint, a second pass",
    load: async () => (await import("./continue.ts")).continueCommand,
  },
  eval: { summary: "counts how many sums are right", load: async () => (await import("./eval.ts")).evalCommand },
  verify: {
    summary: "adds the 10,010 AdderBoard cases",
    load: async () => (await import("./verify.ts")).verifyCommand,
  },
  certify: {
    summary: "proves all 10^20 sums right, or finds a wrong one",
    load: async () => (await import("./certify.ts")).certifyCommand,
  },
  sweep: {
    summary: "trains many seeds and recipes, and tells how many learn",
    load: async () => (await import("./sweep.ts")).sweepCommand,
  },
  lab: { summary: "serves the web page", load: async () => (await import("./lab.ts")).labCommand },
  check: { summary: "checks such a proof", load: async () => (await import("./check.ts")).checkCommand },
  inspect: {
    summary: "shows what the model looks at, its margins and embeddings",
    load: async () => (await import("./inspect.ts")).inspectCommand,
  },
  export: {
    summary: "writes safetensors, PyTorch, ONNX or an AdderBoard submission",
    load: async () => (await import("./export.ts")).exportCommand,
  },
  import: {
    summary: "reads PyTorch or safetensors",
    load: async () => (await import("./import.ts")).importCommand,
  },
  completions: {
    summary: "prints completions for bash, zsh or fish",
    load: async () => (await import("./completions.ts")).completionsCommand,
  },
};

/** All commands with their summaries, loaded. */
export function allCommands(): Promise<{ summary: string; command: Command }[]> {
  return Promise.all(Object.values(COMMANDS).map(async ({ summary, load }) => ({ summary, command: await load() })));
}

/**
 * Runs the command that the arguments name.
 *
 * @returns The exit code
 */
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
  // 42 7 and --from x.safetensors 42 7 are additions, and so is what was meant as one: -1 5, 1.5 2, " 0x10" 1
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
