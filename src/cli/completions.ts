import { defineCommand, type NamedCommand, summaries, writtenFlags } from "./command.ts";
import { quote } from "./flags.ts";
import { printResult } from "./format.ts";

const PROGRAM = "tiny-adder";
/** The first word of the request that the scripts make; the words of the command line follow. */
const NEXT = "next";
/** Stands for the paths of all files, which the shell completes itself. */
const FILES = ":files";
const HELP: Candidate = ["help", "Prints the help of a command"];

type Candidate = readonly [word: string, meaning: string];

/** Each script asks the program what can come next: lines of a word, a tab and its meaning. Of `--flag=value` bash makes three words, the others one. */
const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_tiny_adder() {
  local IFS=$'\\n' current=\${COMP_WORDS[COMP_CWORD]}
  [[ $current == "=" ]] && current=""
  local found=$(${PROGRAM} completions -- ${NEXT} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1)
  if [[ $found == ${FILES} ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$current"))
  else
    COMPREPLY=($(compgen -W "$found" -- "$current"))
  fi
}
complete -F _tiny_adder ${PROGRAM}`,
  zsh: `#compdef ${PROGRAM}
_tiny_adder() {
  local -a found
  compset -P '--*='
  found=("\${(@f)$(${PROGRAM} completions -- ${NEXT} "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ $found[1] == ${FILES} ]]; then
    _files
  else
    found=("\${(@)found//:/\\\\:}")
    found=("\${(@)found/$'\\t'/:}")
    _describe value found
  fi
}
compdef _tiny_adder ${PROGRAM}`,
  fish: `function __tiny_adder
  set -l current (commandline -ct)
  set -l found (${PROGRAM} completions -- ${NEXT} (commandline -opc)[2..] $current 2>/dev/null)
  set -l flag (string match -r -- '^--[^=]+=' $current)
  if test "$found" = ${FILES}
    set found (__fish_complete_path (string replace -r -- '^--[^=]+=' '' $current))
  end
  test -z "$found"; or printf "$flag%s\\n" $found
end
complete -c ${PROGRAM} -f -a '(__tiny_adder)'`,
};

/** The words that can come after others; the last of `words` is being written. */
function candidates(commands: readonly NamedCommand[], words: readonly string[]): Candidate[] {
  const names = summaries(commands);
  const [first, ...rest] = words.filter((word) => word !== "=");
  if (words.length < 2) return [...names, HELP];
  if (first === HELP[0]) return names;
  const command = commands.find(({ name }) => name === first);
  if (command === undefined) return [];
  const flags = writtenFlags(command);
  const current = words.at(-1)!;
  const before = current === "=" ? rest.at(-1) : /^(--[^=]+)=/.exec(current)?.[1] ?? rest.at(-2);
  const value = flags.find(({ written }) => written === before)?.valued?.placeholder ?? "";
  // `fast|sure|FILE.json` lists values in small letters; FILE, DIR and CKPT are paths
  if (value.includes("|")) return value.split("|").filter((word) => /^[a-z\d]+$/.test(word)).map((word) => [word, ""]);
  if (value !== "") return /FILE|DIR|CKPT/.test(value) ? [[FILES, ""]] : [];
  const operands = command.operands?.match(/[a-z]{3,}/g) ?? [];
  const all = flags.map(({ written, help }): Candidate => [written, help]);
  return [...all, ...operands.map((word): Candidate => [word, ""])];
}

export const completionsCommand = defineCommand({
  description:
    "Prints a script that completes commands, flags and values in a shell. It completes the program tiny-adder.\n" +
    "From a clone, install that program with:\n" +
    "  deno install --global --config deno.json --name tiny-adder --allow-read --allow-write cli.ts\n" +
    "From JSR, install it with:\n" +
    "  deno install --global --name tiny-adder --allow-read --allow-write jsr:@x/tiny-adder/cli\n" +
    "Then, in bash (zsh: the same with zsh; fish: tiny-adder completions fish | source):\n" +
    "  source <(tiny-adder completions bash)",
  operands: Object.keys(SCRIPTS).join("|"),
  flags: {},
  permissions: "none",
  example: "deno run cli.ts completions bash",
  async run({ operands, json, fail }, allCommands) {
    const [shell = "none", ...words] = operands;
    if (shell === NEXT) {
      for (const candidate of candidates(await allCommands(), words)) console.log(candidate.filter(Boolean).join("\t"));
      return 0;
    }
    if (operands.length !== 1 || !Object.hasOwn(SCRIPTS, shell)) {
      const found = operands.map(quote).join(" ") || shell;
      throw fail(`there must be one shell of ${Object.keys(SCRIPTS).join(", ")}: current value is ${found}`);
    }
    return printResult({ shell, script: SCRIPTS[shell] }, SCRIPTS[shell], { json });
  },
});
