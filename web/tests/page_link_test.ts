/** A link replays a run; the weights of the last run survive a reload; leaving a run asks. */
import { assert, assertEquals } from "@std/assert";
import type { Page } from "puppeteer-core";
import { hashOfWeights } from "../../src/certify/certificate.ts";
import { decodeCheckpoint } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { train } from "../../src/training/train.ts";
import { testIn } from "../../tests/runtimes/program.ts";
import { click, hasSteps, hasText, isLoaded, isReady, openLab, startTraining, TRAINING_PATIENCE } from "./page.ts";
import { setStage } from "./stage.ts";

const stage = setStage();

const RUN = "recipe=fast&seed=2&model=763&prove=no";
const SUM = "a=999&b=1";
/** A snapshot of the run, long before its end. */
const STEP = 1000;

async function chosenModel(page: Page): Promise<string> {
  return await page.$eval("#model-select", (select) => (select as HTMLSelectElement).selectedOptions[0].text);
}

/** Waits until the page shows these weights. */
async function hasHash(page: Page, parameters: Float32Array): Promise<void> {
  await page.waitForSelector(`#model-hash[title="${await hashOfWeights(parameters)}"]`);
}

testIn(
  "chromium",
  "a link replays its run in a fresh profile to the same weights, at its step and at the end, and a reload finds them again",
  async () => {
    const ready = (page: Page) => page.waitForSelector("#run-A");
    await using lab = await openLab(stage.browser, `${stage.site.url}#${RUN}&step=${STEP}&${SUM}`, { ready });
    const { page, errors, questions } = lab;
    await page.browserContext().setPermission(new URL(page.url()).origin, {
      permission: { name: "clipboard-read" },
      state: "granted",
    }, { permission: { name: "clipboard-write" }, state: "granted" });
    await hasText(page, "#run-A .state", "of 100,000 held-out sums right", TRAINING_PATIENCE);
    await hasText(page, "#sum-verdict", "999 + 1 = ");

    // it has returned to the step in the link, which a copy names again
    const options = { recipe: "fast", seed: 2, certify: false } as const;
    await hasText(page, "#model-note", "at step 1,000");
    await hasHash(page, (await train({ ...options, steps: STEP, finalProblems: 1 })).parameters);
    const copied = async () => {
      await click(page, "#run-A .copy");
      await hasText(page, "#run-A .copy", "Copied");
      return await page.evaluate(() => navigator.clipboard.readText());
    };
    assertEquals(await copied(), `${stage.site.url}#${RUN}&step=${STEP}&${SUM}`);

    const { parameters } = await train({ ...options, finalProblems: 1 });
    await page.focus("#scrubber");
    await page.keyboard.press("End");
    await hasHash(page, parameters);
    await page.focus("#save-file"); // the button that copied names the link again
    assertEquals(await copied(), `${stage.site.url}#${RUN}&${SUM}`);
    await click(page, "#save-file");
    const name = "tiny-adder-763-fast-seed-2-step-13000.safetensors";
    assertEquals(decodeCheckpoint(await lab.downloaded(name)).parameters, parameters);

    await page.evaluate(() => history.replaceState(null, "", location.pathname));
    await page.reload();
    await isLoaded(page);
    await hasText(page, "#model-note", "763 parameters, recipe fast, seed 2, step 13000");
    assertEquals(await chosenModel(page), "last finished run");
    await hasHash(page, parameters);
    await page.select("#model-select", "shipped");
    await isReady(page);
    assertEquals([errors, questions], [[], []]);
  },
);

testIn("chromium", "leaving the page asks while a run is open, and only then", async () => {
  await using lab = await openLab(stage.browser, stage.site.url);
  const { page, questions } = lab;
  await startTraining(page, { recipe: "paper", threads: "1" });
  await hasSteps(page, "A", 10);
  await page.reload();
  await isReady(page);
  assertEquals(questions, ["beforeunload"]);
  await click(page, "#sum-form button");
  await page.reload();
  await isReady(page);
  assertEquals(questions.length, 1);
});

testIn("chromium", "a link that cannot be is refused in words, and the page works on", async () => {
  await using lab = await openLab(stage.browser, `${stage.site.url}#recipe=none`);
  const { page, errors } = lab;
  await hasText(page, "#alert", "Cannot open the link as recipe must be");
  assert(await page.$("#run-A") === null);
  await page.evaluate(() => location.hash = "recipe=fast&seed=3");
  await hasSteps(page, "A", 10);
  assertEquals(await page.$eval("#alert", ({ textContent }) => textContent), "");
  assertEquals(errors, []);
});
