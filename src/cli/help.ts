import { type Command, COMMON_FLAGS, writtenName } from "./command.ts";
import { type Flags, takesValue } from "./flags.ts";

/** The text of `COMMAND --help`. */
export function commandHelp(command: Command): string {
  const flags: Flags = { ...command.flags, ...COMMON_FLAGS };
  const rows = Object.entries(flags).map(([name, flag]): [string, string] => {
    const written = writtenName(name, flag);
    return [takesValue(flag) ? `${written} ${flag.placeholder}` : written, flag.help];
  });
  const names = Object.keys(flags);
  const required = rows.filter((_, i) => command.required?.includes(names[i])).map(([left]) => left);
  const usage = ["deno run cli.ts", command.name, command.operands, ...required, "[flags]"].filter(Boolean).join(" ");
  return [
    command.description,
    "",
    `Usage:       ${usage}`,
    `Example:     ${command.example}`,
    `Permissions: ${command.permissions}`,
    "",
    columns(rows),
  ].join("\n");
}

/** The text of `help`. */
export function generalHelp(commands: Iterable<readonly [name: string, summary: string]>): string {
  return [
    "tiny-adder: train, use and prove a transformer of 763 parameters that adds 10-digit numbers",
    "",
    "Usage:   deno run cli.ts A B",
    "         deno run cli.ts COMMAND [flags]",
    "Example: deno run cli.ts 42 7",
    "",
    columns([...commands, ["help [COMMAND]", "Print the help of a command"], ["--version", "Print the version"]]),
  ].join("\n");
}

/** Two columns, the second one aligned. */
function columns(rows: readonly (readonly [left: string, right: string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}
