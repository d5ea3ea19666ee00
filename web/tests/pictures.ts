/** Takes the pictures of the lab page: those of docs/, and that of previews in web/. Needs Chromium, and img2webp of the package webp. */
import { fromFileUrl, join } from "@std/path";
import type { Page } from "puppeteer-core";
import { startBrowser } from "./browser.ts";
import { click, hasSteps, hasText, isLoaded, openLab, startTraining, TRAINING_PATIENCE } from "./page.ts";
import { buildSite, labSite } from "./site.ts";

const [DOCS, WEB] = ["../../docs/", "../"].map((path) => fromFileUrl(new URL(path, import.meta.url)));
const SIZE = { width: 1280, height: 1300 };
/** The moving picture: its size, and in milliseconds its most length, the least time between two pictures, and how long the last one stays. */
const FILM = { width: 1200, height: 800, length: 10_000, interval: 100, rest: 3000 };
/** How links are previewed. */
const PREVIEW = { width: 1200, height: 630 };

/** Takes a picture of the page, or of one of its sections. */
async function take(page: Page, path: string, section?: string): Promise<void> {
  await page.mouse.move(2, 2);
  const options = { type: "webp", quality: 82, path: `${path}.webp` } as const;
  if (section === undefined) await page.screenshot(options);
  else await (await page.$(section))!.screenshot(options);
}

/** Films a page while something happens. What takes longer than the film is shown faster. */
async function film(page: Page, path: string, action: () => Promise<unknown>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tiny-adder-film-" });
  const session = await page.createCDPSession();
  const frames: { readonly file: string; readonly at: number }[] = [];
  const written: Promise<void>[] = [];
  session.on("Page.screencastFrame", ({ data, metadata, sessionId }) => {
    session.send("Page.screencastFrameAck", { sessionId });
    const file = join(folder, `${frames.length}.png`);
    frames.push({ file, at: 1000 * metadata.timestamp! });
    written.push(Deno.writeFile(file, Uint8Array.fromBase64(data)));
  });
  await session.send("Page.startScreencast", { format: "png" });
  await action();
  await new Promise((resolve) => setTimeout(resolve, 1500)); // the animation of the stamp
  await session.send("Page.stopScreencast");
  await Promise.all(written);
  const speed = Math.max(1, (frames.at(-1)!.at - frames[0].at) / FILM.length);
  let shown = -Infinity;
  const kept = frames.filter(({ at }, i) => {
    const isKept = at >= shown + speed * FILM.interval || i === frames.length - 1;
    if (isKept) shown = at;
    return isKept;
  });
  const args = kept.flatMap(({ file, at }, i) => {
    const duration = i === kept.length - 1 ? FILM.rest : Math.max(1, Math.round((kept[i + 1].at - at) / speed));
    return ["-d", String(duration), file];
  });
  const { success, stderr } = await new Deno.Command("img2webp", {
    args: ["-loop", "0", "-lossy", "-q", "60", "-m", "4", ...args, "-o", `${path}.webp`],
  }).output();
  await Deno.remove(folder, { recursive: true });
  if (!success) throw new Error(`Cannot make the moving picture: ${new TextDecoder().decode(stderr)}`);
  console.log(`the moving picture is shown at ${speed.toFixed(1)} times the speed of this machine`);
}

const folder = await buildSite();
try {
  await using site = await labSite(folder);
  await using running = await startBrowser();
  await using lab = await openLab(running.browser, site.url, { ...FILM, ready: isLoaded });
  const { page } = lab;
  await film(page, join(DOCS, "lab-learning"), async () => {
    await page.click("#learn");
    await page.waitForSelector("#stamp:not([hidden])", { timeout: TRAINING_PATIENCE });
  });
  await page.emulateMediaFeatures([{ name: "prefers-reduced-motion", value: "reduce" }]);
  await page.setViewport(PREVIEW);
  await page.evaluate(() => document.querySelector("#strip")!.scrollIntoView());
  await take(page, join(WEB, "preview"));

  await page.setViewport({ ...SIZE, deviceScaleFactor: 2 });
  await click(page, "#sum-form button");
  await hasText(page, "#sum-verdict", "✓");
  await page.focus("#sum-step");
  await page.keyboard.press("Home");
  for (let i = 0; i < 4; i++) await page.keyboard.press("ArrowRight");
  await page.$eval("#sum-step", (slider) => (slider as HTMLElement).blur());
  await take(page, join(DOCS, "lab-sum"), "#sum");
  await take(page, join(DOCS, "lab-mechanism"), "#mechanism");
  await take(page, join(DOCS, "lab-proof"), "#proof");

  await page.setViewport({ ...SIZE, deviceScaleFactor: 1.5 });
  await startTraining(page, { recipe: "sure", seed: "3" });
  await hasSteps(page, "B", 6000);
  await page.$eval("#options", (options) => (options as HTMLDetailsElement).open = false);
  await page.evaluate(() => scrollTo(0, 0));
  await take(page, join(DOCS, "lab-training"));
} finally {
  await Deno.remove(folder, { recursive: true });
}
