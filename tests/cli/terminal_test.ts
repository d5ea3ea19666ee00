/** What stands on a terminal, and what does not stand elsewhere. `script` of Debian's bsdutils gives the terminal. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { commandOf, testIn } from "../runtimes/program.ts";
import { temporaryFolder, tinyAdder } from "./tiny_adder.ts";

const CLI = fromFileUrl(new URL("../../cli.ts", import.meta.url));
const ESCAPE = "\x1b";

/** Runs the command line on a terminal of 80 columns. @returns All that was written to it */
async function onTerminal(args: readonly string[], allow: readonly string[], noColor: boolean): Promise<string> {
  const words = [Deno.execPath(), "run", "--no-prompt", "--no-check", ...allow, CLI, ...args];
  const line = `stty cols 80 && ${noColor ? "export NO_COLOR=1" : "unset NO_COLOR"} && exec ${
    words.map((word) => `'${word}'`).join(" ")
  }`;
  const command = new Deno.Command(commandOf("script")[0], {
    args: ["--quiet", "--return", "--command", line, "/dev/null"],
    stdin: "null",
  });
  const { code, stdout } = await command.output();
  assertEquals(code, 0);
  return new TextDecoder().decode(stdout);
}

testIn("script", "train draws a bar of one line: time left, loss, accuracy and rate", async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, "run");
  const args = ["train", "--recipe", "paper", "--steps", "8000", "--no-certify", "--out", out];
  const text = await onTerminal(args, folder.allow, true);
  const bars = text.split(/[\r\n]/).filter((line) => line.startsWith("train ")).map((line) =>
    line.replace(`${ESCAPE}[K`, "")
  );
  assert(bars.length > 5, text);
  for (const bar of bars) {
    assert(bar.length <= 80, bar);
    assertMatch(bar, /^train [━─]{12} +\d+% (\d+ s left, )?loss \d/);
  }
  assertMatch(bars.at(-1)!, /% \d+ s left, loss \d\.\d{4}, [\d.]+% right, \d+k examples\/s/);
  assertEquals(text.split("\n").filter((line) => line.includes("sums of new 10-digit numbers are right")).length, 1);
});

testIn("script", "inspect has colours on a terminal alone, and none with NO_COLOR", async () => {
  const plain = await tinyAdder(["inspect", "95", "7"]);
  assertEquals(plain.stdout.includes(ESCAPE), false);
  const without = await onTerminal(["inspect", "95", "7"], [], true);
  assertEquals(without.replaceAll("\r\n", "\n"), plain.stdout);
  const coloured = await onTerminal(["inspect", "95", "7"], [], false);
  assert(coloured.includes(`${ESCAPE}[1;32m5${ESCAPE}[0m`), coloured);
  // deno-lint-ignore no-control-regex -- it is what is looked for
  assertEquals(coloured.replaceAll("\r\n", "\n").replace(/\x1b\[[\d;]*m/g, ""), plain.stdout);
});
