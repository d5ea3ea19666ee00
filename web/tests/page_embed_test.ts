/** Other sites can frame the embedded page, and only that. */
import { assert, assertEquals } from "@std/assert";
import { testIn } from "../../tests/runtimes/program.ts";
import { openLab } from "./page.ts";
import { setStage } from "./stage.ts";

const stage = setStage();

/** A site of another origin that frames a page. */
function frameSite(source: string) {
  const body = `<!doctype html><title>a blog</title><iframe src="${source}" width="900" height="900"></iframe>`;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(body, { headers: { "content-type": "text/html" } }),
  );
  return Object.assign(server, { url: `http://127.0.0.1:${server.addr.port}/` });
}

testIn("chromium", "embed.html trains in a frame of another origin", async () => {
  await using blog = frameSite(`${stage.site.url}embed.html`);
  const ready = (page: import("puppeteer-core").Page) => page.waitForSelector("iframe");
  await using lab = await openLab(stage.browser, blog.url, { ready });
  const { page, errors } = lab;
  const frame = await page.waitForFrame((frame) => frame.url().endsWith("embed.html"));
  await frame.waitForSelector("html[data-ready]");
  assert(new URL(frame.url()).origin !== new URL(page.url()).origin);
  assertEquals(await frame.$$eval("main > section", (all) => all.map(({ id }) => id)), ["sum", "train"]);
  await frame.click("#learn");
  await frame.waitForFunction(() => /^step [1-9][\d,]* of 13,000: /.test(document.querySelector("#now")!.textContent!));
  await frame.waitForSelector("#scrubber");
  assertEquals(errors.filter((error) => !error.includes("favicon")), []);
});

testIn("chromium", "the lab itself cannot be framed", async () => {
  await using blog = frameSite(stage.site.url);
  const ready = (page: import("puppeteer-core").Page) => page.waitForSelector("iframe");
  await using lab = await openLab(stage.browser, blog.url, { ready });
  const frame = await lab.page.waitForFrame((frame) => frame !== lab.page.mainFrame());
  const end = Date.now() + 60_000;
  while (!lab.errors.some((error) => error.includes("frame-ancestors"))) {
    assert(Date.now() < end, String(lab.errors));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert(await frame.$("#strip") === null);
});
