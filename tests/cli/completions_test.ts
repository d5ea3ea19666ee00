/** Completions as a real bash gives them; other shells where they are installed. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { allCommands } from "../../src/cli/dispatch.ts";
import { outputOf } from "../runtimes/program.ts";
import { temporaryFolder, tinyAdder } from "./tiny_adder.ts";

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout, stderr } = await tinyAdder(["completions", shell]);
  assertEquals([code, stderr], [0, ""]);
  return stdout;
}

const bash = await scriptFor("bash");

/** What bash offers after these words, the last of which is being written. */
async function complete(...words: string[]): Promise<string[]> {
  const script = `set -u\n${bash}
    complete -p tiny-adder >/dev/null || exit 1
    COMP_WORDS=(tiny-adder "$@") COMP_CWORD=$#
    _tiny_adder
    ((\${#COMPREPLY[@]} == 0)) || printf '%s\\n' "\${COMPREPLY[@]}"`;
  const printed = await outputOf("bash", ["-c", script, "bash", ...words]);
  return printed.split("\n").filter(Boolean);
}

const commands = await allCommands();

Deno.test("bash completes commands", async () => {
  assertEquals(await complete(""), [...commands.map(({ command }) => command.name), "help"]);
  assertEquals(await complete("ex"), ["export"]);
  assertEquals(await complete("help", "ins"), ["inspect"]);
  assertEquals(await complete("nonsense", ""), []);
});

for (const { command: { name } } of commands) {
  Deno.test(`bash completes the flags of ${name} that its help names`, async () => {
    const { stdout } = await tinyAdder([name, "--help"]);
    const flags = Array.from(stdout.matchAll(/^ {2}(--\S+)/gm), ([, flag]) => flag);
    assert(flags.length >= 3);
    assertEquals(await complete(name, "--"), flags);
  });
}

Deno.test("bash completes values: words, paths, and nothing where no shell can know", async () => {
  assertEquals(await complete("train", "--recipe", ""), ["fast", "sure", "paper"]);
  assertEquals(await complete("train", "--recipe", "s"), ["sure"]);
  assertEquals(await complete("train", "--recipe", "="), ["fast", "sure", "paper"]); // --recipe=
  assertEquals(await complete("train", "--recipe", "=", "p"), ["paper"]);
  assertEquals(await complete("train", "--seed", ""), []);
  assertEquals(await complete("train", "--recipe", "fast", "--mod"), ["--model"]);
  assertEquals(await complete("completions", "z"), ["zsh"]);
  assertEquals(await complete("sweep", "summ"), ["summarize"]);

  await using folder = await temporaryFolder();
  const file = join(folder.path, "my model.safetensors");
  await Deno.writeTextFile(file, "");
  assertEquals(await complete("eval", "--from", join(folder.path, "my")), [file]);
});

for (const shell of ["zsh", "fish"]) {
  Deno.test(`the script for ${shell} names every command and every flag`, async () => {
    const script = await scriptFor(shell);
    for (const { command: { name, flags } } of commands) {
      assert(script.includes(name));
      for (const [flag, definition] of Object.entries(flags)) {
        const written = "onByDefault" in definition ? `no-${flag}` : flag;
        assert(script.includes(shell === "zsh" ? `'--${written}[` : ` -l ${written} `), `${name} --${written}`);
      }
    }
    // of quotes there is an even number, but for those that are escaped
    assertEquals(script.replaceAll("'\\''", "").replaceAll("\\'", "").split("'").length % 2, 1);
  });
}

Deno.test("completions wants one shell that it knows", async () => {
  for (const [args, found] of [[[], "none"], [["tcsh"], "tcsh"], [["bash", "zsh"], "bash zsh"]] as const) {
    const { code, stderr } = await tinyAdder(["completions", ...args]);
    assertEquals(
      [code, stderr],
      [2, `Cannot run completions as there must be one shell of bash, zsh, fish: current value is ${found}\n`],
    );
  }
  const { stdout } = await tinyAdder(["completions", "fish", "--json"]);
  assertEquals(`${JSON.parse(stdout).script}\n`, await scriptFor("fish"));
});
