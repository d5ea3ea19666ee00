/** Takes the pictures of the lab page in docs/: training, a sum, a proof. Needs Chromium. */
import { fromFileUrl, join } from "@std/path";
import type { Page } from "puppeteer-core";
import { startBrowser } from "./browser.ts";
import { hasSteps, hasText, openLab, startTraining } from "./page.ts";
import { buildSite, labSite } from "./site.ts";

const DOCS = fromFileUrl(new URL("../../docs/", import.meta.url));
/** A proof takes some seconds, more on a busy machine. */
const PATIENCE = 120_000;
const SIZE = { width: 1280, height: 1300 };

/** Takes a picture of the page, or of one of its sections, at twice the pixels. */
async function take(page: Page, name: string, section?: string): Promise<void> {
  const options = { type: "webp", quality: 82, path: join(DOCS, `${name}.webp`) } as const;
  if (section === undefined) await page.screenshot(options);
  else await (await page.$(section))!.screenshot(options);
}

const folder = await buildSite();
try {
  await using site = await labSite(folder);
  await using running = await startBrowser();
  await using lab = await openLab(running.browser, site.url, SIZE);
  const { page } = lab;
  await startTraining(page, { recipe: "sure", seed: "5" });
  await hasText(page, "#run-A .state", "proved right", PATIENCE);
  await page.click("#sum-form button");
  await hasText(page, "#sum-verdict", "✓");
  await page.focus("#sum-step");
  await page.keyboard.press("Home");
  for (let i = 0; i < 4; i++) await page.keyboard.press("ArrowRight");
  await page.$eval("#sum-step", (slider) => (slider as HTMLElement).blur());
  await page.mouse.move(2, 2);
  await page.setViewport({ ...SIZE, deviceScaleFactor: 2 });
  await take(page, "lab-sum", "#sum");
  await take(page, "lab-proof", "#proof");

  await page.setViewport({ ...SIZE, deviceScaleFactor: 1.5 });
  await startTraining(page, { recipe: "sure", seed: "3" });
  await page.mouse.move(2, 2);
  await page.evaluate(() => scrollTo(0, 0));
  await hasSteps(page, "B", 14_000);
  await page.$eval("#options", (options) => (options as HTMLDetailsElement).open = false);
  await take(page, "lab-training");
} finally {
  await Deno.remove(folder, { recursive: true });
}
