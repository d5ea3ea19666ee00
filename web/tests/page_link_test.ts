/** A link replays a run; the weights of the last run survive a reload; leaving a run asks. */
import { assert, assertEquals } from "@std/assert";
import type { Page } from "puppeteer-core";
import { decodeCheckpoint } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { train } from "../../src/training/train.ts";
import { testIn } from "../../tests/runtimes/program.ts";
import { hasSteps, hasText, isReady, openLab, startTraining } from "./page.ts";
import { setStage } from "./stage.ts";

const stage = setStage();

/** Milliseconds that training may take on a machine whose cores others are using. */
const PATIENCE = 280_000;
const LINK = "recipe=fast&seed=2&model=763&prove=no&a=999&b=1";

async function chosenModel(page: Page): Promise<string> {
  return await page.$eval("#model-select", (select) => (select as HTMLSelectElement).selectedOptions[0].text);
}

testIn("chromium", "a link replays its run to the same weights, which a reload finds again", async () => {
  const ready = (page: Page) => page.waitForSelector("#run-A");
  await using lab = await openLab(stage.browser, `${stage.site.url}#${LINK}`, { ready });
  const { page, errors, questions } = lab;
  await page.browserContext().setPermission(new URL(page.url()).origin, {
    permission: { name: "clipboard-read" },
    state: "granted",
  }, { permission: { name: "clipboard-write" }, state: "granted" });
  await hasText(page, "#run-A .state", "of 100,000 held-out sums right", PATIENCE);
  await hasText(page, "#sum-verdict", "999 + 1 = ");

  await page.click("#run-A .copy");
  await hasText(page, "#run-A .copy", "Copied");
  assertEquals(await page.evaluate(() => navigator.clipboard.readText()), `${stage.site.url}#${LINK}`);

  const { parameters } = await train({ recipe: "fast", seed: 2, certify: false });
  await page.click("#save-file");
  assertEquals(decodeCheckpoint(await lab.downloaded("tiny-adder-A.safetensors")).parameters, parameters);

  await page.evaluate(() => history.replaceState(null, "", location.pathname));
  await page.reload();
  await hasText(page, "#model-note", "763 parameters, recipe fast, seed 2, step 13000");
  assertEquals(await chosenModel(page), "last finished run");
  await page.click("#save-file");
  assertEquals(decodeCheckpoint(await lab.downloaded("tiny-adder-kept.safetensors")).parameters, parameters);
  await page.select("#model-select", "shipped");
  await isReady(page);
  assertEquals([errors, questions], [[], []]);
});

testIn("chromium", "leaving the page asks while a run is open, and only then", async () => {
  await using lab = await openLab(stage.browser, stage.site.url);
  const { page, questions } = lab;
  await startTraining(page, { recipe: "paper", threads: "1" });
  await hasSteps(page, "A", 10);
  await page.reload();
  await isReady(page);
  assertEquals(questions, ["beforeunload"]);
  await page.click("#sum-form button");
  await page.reload();
  assertEquals(questions.length, 1);
});

testIn("chromium", "a link that cannot be is refused in words, and the page works on", async () => {
  await using lab = await openLab(stage.browser, `${stage.site.url}#recipe=none`);
  const { page, errors } = lab;
  await hasText(page, "#train .problem", "Cannot open the link as recipe must be");
  assert(await page.$("#run-A") === null);
  await page.evaluate(() => location.hash = "recipe=fast&seed=3");
  await hasSteps(page, "A", 10);
  assertEquals(await page.$eval("#train .problem", ({ textContent }) => textContent), "");
  assertEquals(errors, []);
});
