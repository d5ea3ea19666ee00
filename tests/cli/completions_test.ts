/** Completions as a real bash gives them; other shells where they are installed. */
import { assert, assertEquals } from "@std/assert";
import { dirname, join } from "@std/path";
import { allCommands } from "../../src/cli/dispatch.ts";
import { outputOf, testIn } from "../runtimes/program.ts";
import { assertRefused, temporaryFolder, tinyAdder } from "./tiny_adder.ts";

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout, stderr } = await tinyAdder(["completions", shell]);
  assertEquals([code, stderr], [0, ""]);
  return stdout;
}

let bash: string;
Deno.test.beforeAll(async () => void (bash = await scriptFor("bash")));

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

testIn("bash", "bash completes commands", async () => {
  assertEquals(await complete(""), [...commands.map(({ name }) => name), "help"]);
  assertEquals(await complete("ex"), ["export"]);
  assertEquals(await complete("help", "ins"), ["inspect"]);
  assertEquals(await complete("nonsense", ""), []);
});

for (const { name } of commands) {
  testIn("bash", `bash completes the flags of ${name} that its help names`, async () => {
    const { stdout } = await tinyAdder([name, "--help"]);
    const flags = Array.from(stdout.matchAll(/^ {2}(--\S+)/gm), ([, flag]) => flag);
    assert(flags.length >= 3);
    assertEquals(await complete(name, "--"), flags);
  });
}

testIn("bash", "bash completes values: words, paths, and nothing where no shell can know", async () => {
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
    for (const { name, flags } of commands) {
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
