import { defineCommand } from "./command.ts";
import { bashCompletions, type CompletedCommand, fishCompletions, zshCompletions } from "./completion_scripts.ts";
import { allCommands } from "./dispatch.ts";
import { printJson } from "./format.ts";
import { quote, UsageError } from "./usage_error.ts";

const SHELLS: Readonly<Record<string, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashCompletions,
  zsh: zshCompletions,
  fish: fishCompletions,
};

export const completionsCommand = defineCommand({
  name: "completions",
  description:
    "Prints a script that completes commands, flags and values in a shell. It completes the program tiny-adder.\n" +
    "From a clone, install that program with:\n" +
    "  deno install --global --config deno.json --name tiny-adder --allow-read --allow-write cli.ts\n" +
    "From JSR, install it with:\n" +
    "  deno install --global --name tiny-adder --allow-read --allow-write jsr:@x/tiny-adder/cli\n" +
    "Then, in bash (zsh: the same with zsh; fish: tiny-adder completions fish | source):\n" +
    "  source <(tiny-adder completions bash)",
  operands: "bash|zsh|fish",
  flags: {},
  permissions: "none",
  example: "deno run cli.ts completions bash",
  async run({ operands, json }) {
    const names = Object.keys(SHELLS).join(", ");
    if (operands.length !== 1 || !Object.hasOwn(SHELLS, operands[0])) {
      const found = operands.length === 0 ? "none" : operands.map(quote).join(" ");
      throw new UsageError(`Cannot run completions as there must be one shell of ${names}: current value is ${found}`);
    }
    const [shell] = operands;
    const script = SHELLS[shell](await allCommands());
    if (json) printJson({ shell, script });
    else console.log(script);
    return 0;
  },
});
