import { type Command, defineCommand, writtenFlags } from "./command.ts";
import { takesValue } from "./flags.ts";
import { printResult } from "./format.ts";
import { summaryOf } from "./help.ts";
import { quote, UsageError } from "./usage_error.ts";

const PROGRAM = "tiny-adder";

/** A command, as far as the scripts know it. */
interface Completed {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly { written: string; help: string; values: Values }[];
  /** The words that its usage lists, such as `summarize`. */
  readonly operands: readonly string[];
}

/** The values of a flag: one of these words, a path, none that a shell can know, or no value at all. */
type Values = readonly string[] | "path" | "unknown" | "none";

/** The way in which a shell writes each kind of values. */
interface Forms {
  readonly words: (words: string) => string;
  readonly path: string;
  readonly unknown: string;
  readonly none: string;
}

function formOf(values: Values, forms: Forms): string {
  return typeof values === "string" ? forms[values] : forms.words(values.join(" "));
}

/** Reads placeholders: `fast|sure|paper` lists all values; FILE, DIR and CKPT are paths. */
function completed({ name, description, flags, operands = "" }: Command): Completed {
  const valuesOf = (placeholder: string): Values =>
    placeholder.includes("|")
      ? placeholder.split("|").filter((word) => !word.startsWith("FILE"))
      : /FILE|DIR|CKPT/.test(placeholder)
      ? "path"
      : "unknown";
  return {
    name,
    summary: summaryOf({ description }),
    flags: writtenFlags({ flags }).map(({ written, flag }) => ({
      written,
      help: flag.help,
      values: takesValue(flag) ? valuesOf(flag.placeholder) : "none",
    })),
    operands: operands.match(/[a-z]{3,}/g) ?? [],
  };
}

function bashScript(commands: readonly Completed[]): string {
  const forms: Forms = {
    words: (words) => `words="${words}"`,
    path: '_tiny_adder_paths "$current"; return',
    unknown: "return",
    none: "",
  };
  const values = commands.flatMap(({ name, flags }) =>
    flags.filter(({ values }) => values !== "none")
      .map(({ written, values }) => `    "${name} ${written}") ${formOf(values, forms)} ;;`)
  );
  const words = commands.map(({ name, flags, operands }) =>
    `      ${name}) words="${[...flags.map(({ written }) => written), ...operands].join(" ")}" ;;`
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
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")}" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]} $previous" in
${values.join("\n")}
  esac
  if [[ -z $words ]]; then
    case "\${COMP_WORDS[1]}" in
${words.join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _tiny_adder ${PROGRAM}`;
}

function zshScript(commands: readonly Completed[]): string {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const forms: Forms = { words: (words) => `:value:(${words})`, path: ":value:_files", unknown: ":value: ", none: "" };
  const described = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(":", "\\:")}`)}`);
  const cases = commands.map(({ name, flags, operands }) => {
    const specs = flags.map(({ written, help, values }) =>
      `${written}[${help.replace(/[[\]:\\]/g, "\\$&")}]${formOf(values, forms)}`
    );
    if (operands.length > 0) specs.push(`*:operand:(${operands.join(" ")})`);
    return `    ${name}) _arguments ${specs.map(quoted).join(" ")} ;;`;
  });
  return `#compdef ${PROGRAM}
# zsh completion for ${PROGRAM}: source <(${PROGRAM} completions zsh)
_tiny_adder() {
  local -a commands
  commands=(
${described.join("\n")}
  )
  if ((CURRENT == 2)); then
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

function fishScript(commands: readonly Completed[]): string {
  const quoted = (text: string) => `'${text.replace(/['\\]/g, "\\$&")}'`;
  const forms: Forms = { words: (words) => ` -x -a ${quoted(words)}`, path: " -r -F", unknown: " -x", none: "" };
  const complete = `complete -c ${PROGRAM}`;
  const lines = commands.flatMap(({ name, summary, flags, operands }) => {
    const after = `${complete} -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `${complete} -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
      ...flags.map(({ written, help, values }) =>
        `${after} -l ${written.slice(2)}${formOf(values, forms)} -d ${quoted(help)}`
      ),
      ...operands.length === 0 ? [] : [`${after} -a ${quoted(operands.join(" "))}`],
    ];
  });
  return [`# fish completion for ${PROGRAM}: ${PROGRAM} completions fish | source`, `${complete} -f`, ...lines]
    .join("\n");
}

const SHELLS: Readonly<Record<string, (commands: readonly Completed[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
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
  operands: Object.keys(SHELLS).join("|"),
  flags: {},
  permissions: "none",
  example: "deno run cli.ts completions bash",
  async run({ operands, json }, allCommands) {
    const [shell = "none"] = operands;
    if (operands.length !== 1 || !Object.hasOwn(SHELLS, shell)) {
      const found = operands.length === 0 ? "none" : operands.map(quote).join(" ");
      const names = Object.keys(SHELLS).join(", ");
      throw new UsageError(`Cannot run completions as there must be one shell of ${names}: current value is ${found}`);
    }
    const commands = (await allCommands()).map(completed);
    const help = { name: "help", summary: "Prints the help of a command", flags: [] };
    const script = SHELLS[shell]([...commands, { ...help, operands: commands.map(({ name }) => name) }]);
    printResult({ shell, script }, script, { json });
    return 0;
  },
});
