import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { assertRefused, startTinyAdder, temporaryFolder, tinyAdder } from "./tiny_adder.ts";

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
  await assertRefused(["lab", "--dir", folder.path], [folder.path, "run deno task lab:build"], folder.allow);
});

Deno.test("lab needs permission to listen on 127.0.0.1, and names it", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeTextFile(join(folder.path, "index.html"), "");
  const { code, stderr } = await tinyAdder(["lab", "--dir", folder.path], folder.allow);
  assertEquals(code, 2);
  assertMatch(stderr, /^Cannot .* 127\.0\.0\.1:8763: .* --allow-net=127\.0\.0\.1:8763 /);
});
