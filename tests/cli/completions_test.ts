/** Completions as real shells give them. */
import { assert, assertEquals } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";
import { allCommands } from "../../src/cli/dispatch.ts";
import { RECIPES } from "../../src/training/recipes.ts";
import { type NeedName, outputOf, testIn } from "../runtimes/program.ts";
import { assertRefused, temporaryFolder, tinyAdder } from "./tiny_adder.ts";

const CLI = fromFileUrl(new URL("../../cli.ts", import.meta.url));

/** What each shell runs after the script to print the completions of the words in its arguments, the last of which is being written. */
const ASK: Readonly<Record<"bash" | "zsh" | "fish", string>> = {
  bash: `complete -p tiny-adder >/dev/null || exit 1
    COMP_WORDS=(tiny-adder "$@") COMP_CWORD=$#
    _tiny_adder
    ((\${#COMPREPLY[@]} == 0)) || printf '%s\\n' "\${COMPREPLY[@]}"`,
  // its completion system runs in its line editor alone: what the script asks of it is printed instead
  zsh: `words=(tiny-adder "$@") CURRENT=$(($# + 1))
    _tiny_adder`,
  fish: `complete -C "tiny-adder $argv"`,
};
const BEFORE: typeof ASK = {
  bash: `set -u
    tiny-adder() { "$DENO" run --no-prompt --no-check "$CLI" "$@"; }`,
  zsh: `tiny-adder() { "$DENO" run --no-prompt --no-check "$CLI" "$@" }
    compdef() { }
    compset() { }
    _files() { print files }
    _describe() { print -rl -- "\${(@P)2}" }`,
  fish: `function tiny-adder; $DENO run --no-prompt --no-check $CLI $argv; end`,
};

const scripts = new Map<string, Promise<string>>();

function scriptFor(shell: string): Promise<string> {
  const found = scripts.get(shell) ?? tinyAdder(["completions", shell]).then(({ code, stdout, stderr }) => {
    assertEquals([code, stderr], [0, ""]);
    return stdout;
  });
  scripts.set(shell, found);
  return found;
}

async function complete(shell: NeedName & keyof typeof ASK, ...words: string[]): Promise<string[]> {
  const parts = [BEFORE[shell], await scriptFor(shell), ASK[shell]];
  const assign = (name: string, value: string) => shell === "fish" ? `set ${name} '${value}'` : `${name}='${value}'`;
  const text = [assign("DENO", Deno.execPath()), assign("CLI", CLI), ...parts].join("\n");
  const args = ["-c", text, ...(shell === "fish" ? [] : [shell]), ...words];
  return (await outputOf(shell, args)).split("\n").filter(Boolean);
}

const commands = await allCommands();
const bash = (...words: string[]) => complete("bash", ...words);

testIn("bash", "bash completes commands", async () => {
  assertEquals(await bash(""), [...commands.map(({ name }) => name), "help"]);
  assertEquals(await bash("ex"), ["export"]);
  assertEquals(await bash("help", "ins"), ["inspect"]);
  assertEquals(await bash("nonsense", ""), []);
});

for (const { name } of commands) {
  testIn("bash", `bash completes the flags of ${name} that its help names`, async () => {
    const { stdout } = await tinyAdder([name, "--help"]);
    const flags = Array.from(stdout.matchAll(/^ {2}(--\S+)/gm), ([, flag]) => flag);
    assert(flags.length >= 3);
    assertEquals(await bash(name, "--"), flags);
  });
}

testIn("bash", "bash completes values: words, paths, and nothing where no shell can know", async () => {
  assertEquals(await bash("train", "--recipe", ""), RECIPES);
  assertEquals(await bash("train", "--recipe", "s"), ["sure"]);
  assertEquals(await bash("train", "--recipe", "="), RECIPES); // --recipe=
  assertEquals(await bash("train", "--recipe", "=", "p"), ["paper"]);
  assertEquals(await bash("train", "--model", ""), ["763", "777"]);
  assertEquals(await bash("train", "--seed", ""), []);
  assertEquals(await bash("train", "--recipe", "fast", "--mod"), ["--model"]);
  assertEquals(await bash("completions", "z"), ["zsh"]);
  assertEquals(await bash("sweep", "summ"), ["summarize"]);

  await using folder = await temporaryFolder();
  const file = join(folder.path, "my model.safetensors");
  await Deno.writeTextFile(file, "");
  assertEquals(await bash("eval", "--from", join(folder.path, "my")), [file]);
});

testIn("zsh", "zsh completes commands and values with their meanings, and files", async () => {
  assertEquals((await complete("zsh", "")).at(-1), "help:Prints the help of a command");
  assertEquals((await complete("zsh", "train", "")).at(-1), "--help:print this help");
  assertEquals(
    (await complete("zsh", "train", "")).find((line) => line.startsWith("--eval-every"))?.includes("\\:"),
    true,
  );
  for (const words of [["--recipe", ""], ["--recipe=s"]]) {
    assertEquals(await complete("zsh", "train", ...words), RECIPES);
  }
  assertEquals(await complete("zsh", "eval", "--from", ""), ["files"]);
});

testIn("fish", "fish completes commands and values with their meanings, and files", async () => {
  assertEquals(await complete("fish", "hel"), ["help\tPrints the help of a command"]);
  assertEquals(await complete("fish", "train --see"), ["--seed\tseed of the random numbers (default: 1)"]);
  assertEquals(await complete("fish", "train --recipe s"), ["sure"]);
  assertEquals(await complete("fish", "train --recipe=s"), ["--recipe=sure"]);
  assertEquals(await complete("fish", "train --seed "), []);
  await using folder = await temporaryFolder();
  await Deno.writeTextFile(join(folder.path, "model.safetensors"), "");
  const [path] = await complete("fish", `eval --from ${folder.path}/mod`);
  assertEquals(path.split("\t")[0], join(folder.path, "model.safetensors"));
});

testIn(
  "sh",
  "the line of completions --help that installs tiny-adder from a clone works as printed, with an empty cache",
  async () => {
    const { stdout: help } = await tinyAdder(["completions", "--help"]);
    const line = /^ +deno (install .* cli\.ts)$/m.exec(help)?.[1];
    assert(line !== undefined, help);
    await using folder = await temporaryFolder();
    const [root, cache] = ["root", "cache"].map((name) => join(folder.path, name));
    const run = async (program: string, args: string[], cwd: string | URL) => {
      const env = { DENO_DIR: cache, DENO_INSTALL_ROOT: root, NO_COLOR: "1", PATH: dirname(Deno.execPath()) };
      const { code, stdout, stderr } = await new Deno.Command(program, { args, cwd, env }).output();
      assertEquals(code, 0, new TextDecoder().decode(stderr));
      return new TextDecoder().decode(stdout);
    };
    await run(Deno.execPath(), line.split(" "), new URL("../../", import.meta.url));
    // a flag is read by a dependency, which the installed program must find
    const installed = ["bin/tiny-adder", "add", "42", "7", "--json"];
    assertEquals(await run("/bin/sh", installed, root), (await tinyAdder(installed.slice(1))).stdout);
  },
);

Deno.test("completions wants one shell that it knows", async () => {
  for (const [args, found] of [[[], "none"], [["tcsh"], "tcsh"], [["bash", "zsh"], "bash zsh"]] as const) {
    await assertRefused(["completions", ...args], ["completions as there must be one shell of bash, zsh, fish", found]);
  }
  const { stdout } = await tinyAdder(["completions", "fish", "--json"]);
  assertEquals(`${JSON.parse(stdout).script}\n`, await scriptFor("fish"));
});
