import { type Command, COMMON_FLAGS, writtenName } from "./command.ts";
import { type Flags, type Switch, takesValue, type ValueFlag } from "./flags.ts";

/** A command and its line in the help. */
export interface CompletedCommand {
  readonly summary: string;
  readonly command: Pick<Command, "name" | "flags" | "operands">;
}

/** Completions of a flag's value: a list of words, a path, none that a shell can know, or no value at all. */
type Candidates = { readonly words: readonly string[] } | "path" | "unknown" | "none";

const PROGRAM = "tiny-adder";
/** `help` is not a command, but is completed like one. */
const HELP = "help";

/** The flags of a command as they are written, with the completions of their values. */
function flagsOf({ flags }: CompletedCommand["command"]) {
  const all: Flags = { ...flags, ...COMMON_FLAGS };
  return Object.entries(all).map(([name, flag]) => ({
    written: writtenName(name, flag),
    help: flag.help,
    candidates: candidatesOf(flag),
  }));
}

/** Follows from the placeholder: `fast|sure|paper` lists all values; FILE, DIR and CKPT are paths. */
function candidatesOf(flag: ValueFlag<unknown> | Switch): Candidates {
  if (!takesValue(flag)) return "none";
  if (flag.placeholder.includes("|")) {
    return { words: flag.placeholder.split("|").filter((word) => !word.startsWith("FILE")) };
  }
  return /FILE|DIR|CKPT/.test(flag.placeholder) ? "path" : "unknown";
}

/** The operands that the usage of a command lists, such as `summarize`. */
function operandsOf({ operands = "" }: CompletedCommand["command"]): readonly string[] {
  if (/^[a-z]+(\|[a-z]+)+$/.test(operands)) return operands.split("|");
  return operands.match(/[a-z]{3,}/g) ?? [];
}

/** The script for bash 3.2 and later. */
export function bashCompletions(commands: readonly CompletedCommand[]): string {
  const names = [...commands.map(({ command }) => command.name), HELP].join(" ");
  const values = commands.flatMap(({ command }) =>
    flagsOf(command).flatMap(({ written, candidates }) => {
      const pattern = `    "${command.name} ${written}")`;
      if (candidates === "none") return [];
      if (candidates === "path") return [`${pattern} _tiny_adder_paths "$current"; return ;;`];
      return [`${pattern} ${candidates === "unknown" ? "return" : `words="${candidates.words.join(" ")}"`} ;;`];
    })
  );
  const flags = commands.map(({ command }) =>
    `      ${command.name}) words="${
      [...flagsOf(command).map(({ written }) => written), ...operandsOf(command)].join(" ")
    }" ;;`
  );
  return `# bash completion for ${PROGRAM}: source <(${PROGRAM} completions bash)
_tiny_adder_paths() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$1"))
}

_tiny_adder() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} words=""
  COMPREPLY=()
  # --flag=value comes as three words
  if [[ $current == "=" ]]; then
    current=""
  elif [[ $previous == "=" ]]; then
    previous=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "${names}" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]} $previous" in
${values.join("\n")}
  esac
  if [[ -z $words ]]; then
    case "\${COMP_WORDS[1]}" in
${flags.join("\n")}
      ${HELP}) words="${names}" ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _tiny_adder ${PROGRAM}`;
}

/** The script for zsh. */
export function zshCompletions(commands: readonly CompletedCommand[]): string {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const described = commands.map(({ summary, command }) =>
    `    ${quoted(`${command.name}:${summary.replaceAll(":", "\\:")}`)}`
  );
  const cases = commands.map(({ command }) => {
    const specs = flagsOf(command).map(({ written, help, candidates }) => {
      const text = `${written}[${help.replace(/[[\]:\\]/g, "\\$&")}]`;
      if (candidates === "none") return quoted(text);
      const action = candidates === "path"
        ? "_files"
        : candidates === "unknown"
        ? " "
        : `(${candidates.words.join(" ")})`;
      return quoted(`${text}:value:${action}`);
    });
    const operands = operandsOf(command);
    if (operands.length > 0) specs.push(quoted(`*:operand:(${operands.join(" ")})`));
    return `    ${command.name}) _arguments ${specs.join(" ")} ;;`;
  });
  return `#compdef ${PROGRAM}
# zsh completion for ${PROGRAM}: source <(${PROGRAM} completions zsh)
_tiny_adder() {
  local -a commands
  commands=(
${described.join("\n")}
    '${HELP}:Print the help of a command'
  )
  if ((CURRENT == 2)) || [[ $words[2] == ${HELP} ]]; then
    _describe command commands
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
${cases.join("\n")}
  esac
}
compdef _tiny_adder ${PROGRAM}`;
}

/** The script for fish. */
export function fishCompletions(commands: readonly CompletedCommand[]): string {
  const quoted = (text: string) => `'${text.replace(/['\\]/g, "\\$&")}'`;
  const complete = `complete -c ${PROGRAM}`;
  const names = [...commands.map(({ command }) => command.name), HELP].join(" ");
  const lines = commands.flatMap(({ summary, command }) => {
    const seen = quoted(`__fish_seen_subcommand_from ${command.name}`);
    const operands = operandsOf(command);
    return [
      `${complete} -n __fish_use_subcommand -a ${command.name} -d ${quoted(summary)}`,
      ...flagsOf(command).map(({ written, help, candidates }) => {
        const values = candidates === "none"
          ? ""
          : candidates === "path"
          ? " -r -F"
          : candidates === "unknown"
          ? " -x"
          : ` -x -a ${quoted(candidates.words.join(" "))}`;
        return `${complete} -n ${seen} -l ${written.slice(2)}${values} -d ${quoted(help)}`;
      }),
      ...(operands.length === 0 ? [] : [`${complete} -n ${seen} -a ${quoted(operands.join(" "))}`]),
    ];
  });
  return [
    `# fish completion for ${PROGRAM}: ${PROGRAM} completions fish | source`,
    `${complete} -f`,
    ...lines,
    `${complete} -n __fish_use_subcommand -a ${HELP} -d 'Print the help of a command'`,
    `${complete} -n ${quoted(`__fish_seen_subcommand_from ${HELP}`)} -a ${quoted(names)}`,
  ].join("\n");
}
