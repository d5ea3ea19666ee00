import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { startTinyAdder, temporaryFolder, tinyAdder } from "./tiny_adder.ts";

/** What the first line of a running program says. */
async function firstLine(process: Deno.ChildProcess): Promise<string> {
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
  }
  await reader.cancel();
  return text;
}

Deno.test("lab serves a built page with no more permissions than its help asks for, and goes on until it is ended", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeTextFile(join(folder.path, "index.html"), "<!doctype html><title>the page</title>");
  const process = startTinyAdder(["lab", "--dir", folder.path, "--port", "0", "--json"], [
    ...[`--allow-read=${folder.path}`, "--allow-net=127.0.0.1"],
  ]);
  const { url, dir } = JSON.parse(await firstLine(process));
  assertEquals(dir, folder.path);
  assertMatch(url, /^http:\/\/localhost:\d+\/$/);
  const page = await fetch(url.replace("localhost", "127.0.0.1"));
  assertStringIncludes(await page.text(), "the page");
  assertEquals(page.headers.get("cross-origin-embedder-policy"), "require-corp");
  process.kill();
  await process.status;
  await process.stderr.cancel();
});

Deno.test("lab without a built page says how to build it", async () => {
  await using folder = await temporaryFolder();
  const { code, stdout, stderr } = await tinyAdder(["lab", "--dir", folder.path], folder.allow);
  assertEquals([code, stdout], [2, ""]);
  assertEquals(
    stderr,
    `Cannot serve the lab as ${folder.path} must hold the built page: run deno task lab:build first\n`,
  );
});

Deno.test("lab needs permission to listen on 127.0.0.1, and names it", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeTextFile(join(folder.path, "index.html"), "");
  const { code, stderr } = await tinyAdder(["lab", "--dir", folder.path], folder.allow);
  assertEquals(code, 2);
  assertMatch(
    stderr,
    /^Cannot go on as Deno may not use the network at 127\.0\.0\.1:8763: run again with deno run --allow-net=127\.0\.0\.1:8763 /,
  );
});

Deno.test("lab --help shows an example and the permissions", async () => {
  const { code, stdout } = await tinyAdder(["lab", "--help"]);
  assertEquals(code, 0);
  assertMatch(stdout, /^Example: +deno run .*cli\.ts lab /m);
  assert(stdout.includes("--allow-read=DIR --allow-net=127.0.0.1"));
});
