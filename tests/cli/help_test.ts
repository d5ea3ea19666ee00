import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { tinyAdder } from "./tiny_adder.ts";

const COMMANDS = [
  "add",
  "train",
  "continue",
  "eval",
  "verify",
  "certify",
  "sweep",
  "check",
  "inspect",
  "export",
  "import",
];

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
