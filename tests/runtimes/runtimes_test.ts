/** The same seed gives the same bytes in every runtime: in Deno, and from one bundle in Node and in a browser. */
import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { RECORDED } from "../engine/recorded.ts";
import { evidenceOfPage } from "./chromium.ts";
import { type Evidence, evidence } from "./evidence.ts";
import { isInstalled, outputOf, type Runtime } from "./program.ts";

const STEPS = 2000;

/** What every runtime must show. */
async function expected(threads: number): Promise<Evidence> {
  return { sha256: RECORDED[STEPS], loss: await lossInDeno(), threads, sums: [49, 3, 10000000000] };
}

let loss: Promise<number> | undefined;

/** The loss as Deno computes it, with one thread. */
function lossInDeno(): Promise<number> {
  return loss ??= evidence(STEPS, 1).then(({ loss }) => loss);
}

/** A test that is ignored, and says why, where its program is missing. */
function testIn(runtime: Runtime, name: string, fn: () => Promise<void>): void {
  const ignore = !isInstalled(runtime);
  Deno.test({ name: ignore ? `${name} (ignored as ${runtime} is not installed)` : name, ignore, fn });
}

let folder: string;
let bundle: string;

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "tiny-adder-" });
  bundle = join(folder, "evidence.mjs");
  const entry = fromFileUrl(new URL("./evidence.ts", import.meta.url));
  await outputOf(Deno.execPath(), ["bundle", "--quiet", "--platform", "browser", "--output", bundle, entry]);
});

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

for (const threads of [1, 2, 3, 4]) {
  Deno.test(`${STEPS} steps in Deno with threads: ${threads} give the recorded bytes`, async () => {
    assertEquals(await evidence(STEPS, threads), await expected(threads));
  });
}

/** Calls `evidence` in Node, after a statement that changes what Node has. */
async function evidenceOfNode(before: string, threads: number): Promise<Evidence> {
  const script = `
    ${before};
    const { evidence } = await import("node:url").then(({ pathToFileURL }) => import(pathToFileURL(process.argv[1])));
    console.log(JSON.stringify(await evidence(${STEPS}, ${threads})));
  `;
  return JSON.parse(await outputOf("node", ["--input-type=module", "--eval", script, bundle]));
}

testIn("node", `${STEPS} steps in Node give the recorded bytes`, async () => {
  assertEquals(await evidenceOfNode("", 1), await expected(1));
});

testIn("node", "Node has no web workers, so an engine has one thread, and says so", async () => {
  assertEquals(await evidenceOfNode("", 4), await expected(1));
});

testIn("node", "a runtime without Uint8Array.fromBase64 loads the modules, too", async () => {
  assertEquals(await evidenceOfNode("delete Uint8Array.fromBase64", 1), await expected(1));
});

const PAGES = [
  { name: "an isolated page", isolated: true, where: "page", threads: 2, real: 2 },
  { name: "a worker of an isolated page", isolated: true, where: "worker", threads: 2, real: 2 },
  { name: "a page that is not isolated", isolated: false, where: "page", threads: 2, real: 1 },
  { name: "a worker of a page that is not isolated", isolated: false, where: "worker", threads: 2, real: 1 },
] as const;

for (const { name, real, ...page } of PAGES) {
  testIn(
    "chromium",
    `${STEPS} steps in ${name} with threads: ${page.threads} give the recorded bytes on ${real}`,
    async () => {
      const options = { bundle: await Deno.readTextFile(bundle), steps: STEPS, ...page };
      assertEquals(await evidenceOfPage(options), await expected(real));
    },
  );
}
