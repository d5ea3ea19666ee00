/** The examples for Node, Bun and a page without a bundler, in a folder with the packed package in its node_modules, as npm's users have it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { train } from "../../mod.ts";
import { startBrowser } from "../../web/tests/browser.ts";
import { temporaryFolder } from "../cli/tiny_adder.ts";
import { testIn } from "../runtimes/program.ts";
import { installPackage } from "../runtimes/package.ts";
import { EXAMPLES, runExample } from "./commands.ts";

/** A folder that stands for the clone, with the package installed beside the examples; made when it is first needed. */
let clone: Promise<string> | undefined;

function installedClone(): Promise<string> {
  return clone ??= (async () => {
    const folder = await Deno.makeTempDir({ prefix: "tiny-adder-package-" });
    await Deno.mkdir(`${folder}/examples`);
    for (const file of ["node.mjs", "page.html"]) {
      await Deno.copyFile(`${EXAMPLES}/${file}`, `${folder}/examples/${file}`);
    }
    await installPackage(folder);
    return folder;
  })();
}

Deno.test.afterAll(async () => {
  if (clone !== undefined) await Deno.remove(await clone, { recursive: true });
});

/** What the examples train. */
let trained: ReturnType<typeof train> | undefined;

for (const program of ["Node 22", "Node 24", "bun"] as const) {
  testIn(
    [program, "npm"],
    `examples/node.mjs in ${program} adds, trains, and writes the bytes that Deno trains`,
    async () => {
      await using empty = await temporaryFolder();
      assertEquals((await runExample("node.mjs", empty.path, program, `${await installedClone()}/`)).split("\n"), [
        "42 + 7 = 49",
        "100% added correctly, trained on 1 thread",
        "95 + 7 = 102",
        "",
      ]);
      const { checkpoint } = await (trained ??= train({ recipe: "fast", seed: 1 }));
      assertEquals(await Deno.readFile(`${empty.path}/adder.safetensors`), checkpoint);
    },
  );
}

const TYPES: Readonly<Record<string, string>> = { html: "text/html", js: "text/javascript" };

/** Gives the files of a folder, as any host of static files does. */
function serveFolder(path: string) {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const content = await Deno.readFile(path + pathname).catch(() => null);
    if (content === null) return new Response(null, { status: 404 });
    return new Response(content, { headers: { "content-type": TYPES[pathname.split(".").at(-1)!] ?? "text/plain" } });
  });
}

testIn(["chromium", "npm"], "examples/page.html adds and trains without a bundler", async () => {
  await using server = serveFolder(`${await installedClone()}/examples`);
  await using chromium = await startBrowser();
  const page = await chromium.browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(`http://127.0.0.1:${server.addr.port}/page.html`);
  const textOf = (selector: string) => page.$eval(selector, ({ textContent }) => textContent);
  const enter = (name: string, text: string) => page.locator(`[name=${name}]`).fill(text).then(() => textOf("output"));

  await page.waitForFunction(() => document.querySelector("output")!.textContent !== "");
  assertEquals(await textOf("output"), "49");
  assertEquals(await enter("b", "9999999999"), "10000000041");
  assertStringIncludes(await enter("a", "-1") ?? "", "Cannot add -1 and 9999999999");
  await enter("a", "1");
  await page.click("button");
  await page.waitForFunction(() => document.querySelector("p")!.textContent!.startsWith("step "));
  await page.waitForFunction(() => document.querySelector("p")!.textContent!.startsWith("trained here: "), {
    timeout: 120_000,
  });
  assertEquals(await textOf("p"), "trained here: 100% added correctly");
  assertEquals(await textOf("output"), "10000000000");
  assert(errors.length === 0, String(errors));
});
