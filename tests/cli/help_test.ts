import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { readInput } from "../../src/cli/command.ts";
import { allCommands } from "../../src/cli/dispatch.ts";
import { tinyAdder } from "./tiny_adder.ts";

const commands = await allCommands();
const COMMANDS = commands.map(({ name }) => name);

Deno.test("help names every command", async () => {
  for (const args of [["help"], ["--help"], ["-h"]]) {
    const { code, stdout, stderr } = await tinyAdder(args);
    assertEquals([code, stderr], [0, ""]);
    for (const command of COMMANDS) assertMatch(stdout, new RegExp(`^  ${command} `, "m"));
  }
});

for (const command of COMMANDS) {
  Deno.test(`${command} --help shows usage, an example and the permissions`, async () => {
    const { code, stdout, stderr } = await tinyAdder([command, "--help"]);
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, new RegExp(`^Usage: +deno run cli.ts ${command} `, "m"));
    assertMatch(stdout, new RegExp(`^Example: +deno run .*cli.ts ${command} `, "m"));
    assertMatch(stdout, /^Permissions: /m);
    assertStringIncludes(stdout, "--json");
    assertEquals(await tinyAdder(["help", command]), { code, stdout, stderr });
    assertEquals(await tinyAdder([command, "-h"]), { code, stdout, stderr });
  });
}

Deno.test("--version prints the version of deno.json", async () => {
  assertEquals(await tinyAdder(["--version"]), { code: 0, stdout: `${config.version}\n`, stderr: "" });
});

for (const command of commands) {
  Deno.test(`the example in the help of ${command.name} is one that it takes`, () => {
    const [before, after] = command.example.split(` cli.ts ${command.name}`);
    assertMatch(before, /^deno run( --allow-(read|write|net)=\S+)*$/);
    const input = readInput(command.name, command, after.split(" ").filter(Boolean)); // throws where a flag is wrong or missing
    assertEquals(input === null, false);
  });
}
