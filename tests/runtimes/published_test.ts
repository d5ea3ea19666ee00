/** The same tests in Deno, in Node, in Bun and in Chromium; all but the first from a bundle of the files that would be published, and of no others. */
import { assert, assertEquals } from "@std/assert";
import { dirname, join } from "@std/path";
import { toBase64 } from "../../src/common/encoding.ts";
import { evidenceOfChromium } from "./chromium.ts";
import { outputOf, testIn } from "./program.ts";
import { PROJECT, publishedFiles } from "./published_files.ts";
import { digest, encodings, type Fixtures, makeSuite, type Result } from "./suite.ts";
import { RECORDED } from "../engine/recorded.ts";
import { goldenSet } from "../golden.ts";

/** Files of tests that go into the bundle beside the published ones. */
const SUITE = ["tests/runtimes/suite.ts", "tests/runtimes/expect.ts"];

async function makeFixtures(): Promise<Fixtures> {
  const { weights, files } = await goldenSet("w0");
  const digests = await Promise.all(
    Object.entries(encodings(weights)).map(async ([format, content]) => [format, await digest(content)]),
  );
  return {
    trained: RECORDED[200],
    weights: [...weights],
    files: {
      safetensors: toBase64(await Deno.readFile(files.safetensors)),
      pt: toBase64(await Deno.readFile(files.pt)),
    },
    encoded: Object.fromEntries(digests),
  };
}

const fixtures = await makeFixtures();
const suite = makeSuite(fixtures);

for (const { name, run } of suite) Deno.test(`in Deno: ${name}`, async () => await run());

let folder: string;
let bundle: string;

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "tiny-adder-published-" });
  const files = (await publishedFiles()).filter((path) => path.endsWith(".ts"));
  assert(
    files.includes("mod.ts") && files.includes("src/checkpoint/mod.ts") &&
      !files.some((path) => path.startsWith("tests/")),
  );
  for (const path of [...files, ...SUITE]) {
    await Deno.mkdir(dirname(join(folder, path)), { recursive: true });
    await Deno.copyFile(join(PROJECT, path), join(folder, path));
  }
  const entry = join(folder, "tests/runtimes/entry.ts");
  await Deno.writeTextFile(
    entry,
    `import { makeSuite, runSuite } from "./suite.ts";
     export const suite = () => runSuite(makeSuite(${JSON.stringify(fixtures)}));`,
  );
  bundle = join(folder, "suite.mjs");
  await outputOf(Deno.execPath(), [
    ...["bundle", "--quiet", "--no-config", "--no-lock", "--platform", "browser", "--output", bundle, entry],
  ]);
});

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

/** Every test has run, and none has failed. */
function assertPassed(results: readonly Result[]): void {
  assertEquals(results, suite.map(({ name }) => ({ name, error: null })));
}

for (const runtime of ["Node 22", "Node 24", "bun"] as const) {
  testIn(runtime, `in ${runtime}, from the published files: the same tests pass`, async () => {
    const script = join(folder, "run.mjs");
    await Deno.writeTextFile(script, `console.log(JSON.stringify(await (await import("./suite.mjs")).suite()));`);
    assertPassed(JSON.parse(await outputOf(runtime, [script])).results);
  });
}

for (const isolated of [true, false]) {
  testIn("chromium", `in Chromium, from the published files, isolated: ${isolated}: the same tests pass`, async () => {
    const code = await Deno.readTextFile(bundle);
    const options = { bundle: code, call: ["suite"], isolated, where: isolated ? "page" : "worker" } as const;
    assertPassed((await evidenceOfChromium<{ results: Result[] }>(options)).results);
  });
}
