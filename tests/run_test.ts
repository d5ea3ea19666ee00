/** The runner of the tests, and what decides whether a program is there. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { temporaryFolder } from "./cli/tiny_adder.ts";
import { closingLine, ignoredTests } from "./run.ts";

const REPORT = `
        <testcase name="a test (ignored as chromium is not installed)" classname="./a_test.ts" time="0.000" line="1" col="6">
            <skipped/>
        </testcase>
        <testcase name="a test (ignored as chromium is not installed) that ran" classname="./a_test.ts" time="0.000">
        </testcase>
        <testcase name="another &amp; more (ignored as chromium is not installed)" classname="./a_test.ts" time="0.000">
            <skipped/>
        </testcase>
        <testcase name="a third (ignored as this system lets nobody mount a disk)" classname="./b_test.ts" time="0.000">
            <skipped/>
        </testcase>
        <testcase name="a fourth" classname="./b_test.ts" time="0.000">
            <skipped/>
        </testcase>`;

Deno.test("the closing line counts the ignored tests by reason, and says what would run them", () => {
  assertEquals(
    closingLine(ignoredTests(REPORT)),
    "4 tests were ignored: chromium is not installed (2), this system lets nobody mount a disk (1), " +
      "no reason is given (1). Run deno task setup to install what is missing.",
  );
  assertEquals(
    closingLine(new Map([["this system lets nobody mount a disk", 1]])),
    "1 test was ignored: this system lets nobody mount a disk (1).",
  );
  assertEquals(closingLine(new Map()), "No test was ignored.");
});

Deno.test("the runner refuses a path where nothing is, and runs nothing", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--allow-read", "tests/run.ts", "tests/modle"],
    cwd: new URL("../", import.meta.url),
  }).output();
  assertEquals([code, stdout.length], [2, 0]);
  assertStringIncludes(
    new TextDecoder().decode(stderr),
    "Cannot test tests/modle as it must be a folder or a file: nothing is there",
  );
});

Deno.test("what is not on the PATH is not installed, wherever else it is", async () => {
  await using folder = await temporaryFolder();
  const source = `
    import { NEEDS, whyIgnored } from "${new URL("./runtimes/program.ts", import.meta.url)}";
    console.log(JSON.stringify(Object.keys(NEEDS).map((name) => [name, whyIgnored(name)])));`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...[
        "run",
        "--quiet",
        "--config",
        "tests/deno.json",
        "--no-lock",
        "--no-prompt",
        "--allow-read",
        "--allow-env=PATH,PATHEXT",
        "--allow-run",
      ],
      `data:application/typescript,${encodeURIComponent(source)}`,
    ],
    env: { PATH: folder.path },
    cwd: fromFileUrl(new URL("../", import.meta.url)),
  }).output();
  const reasons: [name: string, reason: string | null][] = JSON.parse(new TextDecoder().decode(stdout) || "[]");
  assertEquals(reasons.length > 10, true, new TextDecoder().decode(stderr));
  // these are looked for by their path as well, and Unix is no program
  const elsewhere = ["sh", "ONNX Runtime", "Unix"];
  for (const [name, reason] of reasons) {
    if (elsewhere.includes(name)) continue;
    assertMatch(reason ?? `${name} was found`, / is not installed$|^this system |^no Python has | is of Unix$/);
  }
});
