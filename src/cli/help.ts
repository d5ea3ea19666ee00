import { type Command, writtenFlags } from "./command.ts";

export function commandHelp(command: Command): string {
  const flags = writtenFlags(command).map(({ written, valued, help }) => ({
    row: [valued ? `${written} ${valued.placeholder}` : written, help] as const,
    required: valued?.required,
  }));
  const required = flags.filter(({ required }) => required).map(({ row: [left] }) => left);
  const usage = ["deno run cli.ts", command.name, command.operands, ...required, "[flags]"].filter(Boolean).join(" ");
  return [
    command.description,
    "",
    `Usage:       ${usage}`,
    `Example:     ${command.example}`,
    `Permissions: ${command.permissions}`,
    "",
    columns(flags.map(({ row }) => row)),
  ].join("\n");
}

/** The first sentence of a description, without its full stop. */
export function summaryOf({ description }: Pick<Command, "description">): string {
  return /^.*?(?=\.?$|\.\s)/m.exec(description)![0];
}

export function generalHelp(commands: readonly Command[]): string {
  const rows = commands.map((command) => [command.name, summaryOf(command)] as const);
  return [
    "tiny-adder: train, use and prove a transformer of 763 parameters that adds 10-digit numbers",
    "",
    "Usage:   deno run cli.ts A B",
    "         deno run cli.ts COMMAND [flags]",
    "Example: deno run cli.ts 42 7",
    "",
    columns([...rows, ["help [COMMAND]", "Prints the help of a command"], ["--version", "Prints the version"]]),
  ].join("\n");
}

function columns(rows: readonly (readonly [left: string, right: string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}
