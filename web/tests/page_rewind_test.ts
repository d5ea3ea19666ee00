/** The page returns to any step of a run, in every section. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { Page } from "puppeteer-core";
import { hashOfWeights } from "../../src/certify/certificate.ts";
import { train } from "../../src/training/train.ts";
import { testIn } from "../../tests/runtimes/program.ts";
import { click, hasText, isLoaded, openLab, openOptions, startTraining, textOf, TRAINING_PATIENCE } from "./page.ts";
import { setStage } from "./stage.ts";

const stage = setStage();

/** What the sections show of the weights. */
async function shown(page: Page): Promise<string[]> {
  return await page.$$eval(
    "#sum-verdict, #sum .order, #mechanism, #sum-caption, .map svg g",
    (all) => all.map((element) => element.getAttribute("d") ?? element.innerHTML),
  );
}

/** The weights of a step by another way: a run of the library that ends there. */
async function hashAt(step: number): Promise<string> {
  const { parameters } = await train({ recipe: "fast", seed: 2, steps: step, certify: false, finalProblems: 1 });
  return await hashOfWeights(parameters);
}

testIn("chromium", "the scrubber and the curves show the weights of any step in all sections", async () => {
  await using lab = await openLab(stage.browser, stage.site.url, { ready: isLoaded });
  const { page, errors } = lab;
  await openOptions(page);
  await click(page, "[name=certify]");
  await startTraining(page, { recipe: "fast", seed: "2" });
  await hasText(page, "#run-A .state", "held-out sums right", TRAINING_PATIENCE);
  await page.waitForFunction(() => document.querySelector("#run-A")?.getAttribute("data-status") === "done");
  await page.waitForSelector(`#model-hash[title="${await hashAt(13_000)}"]`);
  const atEnd = await shown(page);

  const isAt = async (step: number) => {
    await hasText(page, "#scrubber-step", `step ${step.toLocaleString("en-US")}`);
    await page.waitForSelector(`#model-hash[title="${await hashAt(step)}"]`);
    await hasText(page, "#now", `step ${step.toLocaleString("en-US")} of 13,000`);
  };
  const share = Math.log(300) / Math.log(13_000);
  await page.$eval("#scrubber", (slider, share) => {
    (slider as HTMLInputElement).value = String(share);
    slider.dispatchEvent(new Event("input"));
  }, share);
  const [, near] = /step ([\d,]+)/.exec(await hasText(page, "#scrubber-step", "step 2"))!;
  assert(Number(near) > 270 && Number(near) <= 300, near);
  await isAt(Number(near));
  await page.waitForFunction((end) => document.querySelector("#sum-verdict")!.innerHTML !== end, {}, atEnd[0]);
  // by keyboard to the snapshots beside it, which the growth of 4% says
  await page.focus("#scrubber");
  await page.keyboard.press("ArrowRight");
  await isAt(Math.round(1.04 * Number(near)));
  await page.keyboard.press("Home");
  await isAt(0);
  // step 1 is at the same place of the logarithmic axis, where the slider itself does not move
  await page.keyboard.press("ArrowRight");
  await isAt(1);
  await page.keyboard.press("Home");
  await isAt(0);
  await page.waitForFunction(() => document.querySelectorAll("#charts path.cursor").length === 4);

  // a press on the curves is the same
  await (await page.$("#charts svg:not(#phases)"))!.click();
  const text = await page.waitForFunction(() => {
    const text = document.querySelector("#scrubber-step")!.textContent!;
    return text === "step 0" ? false : text;
  });
  await isAt(Number(/[\d,]+/.exec(String(await text.jsonValue()))![0].replaceAll(",", "")));
  assertNotEquals(await shown(page), atEnd);

  // back to the latest weights, and played from a little before
  await page.$$eval(".scrubber button", (all) => all.find(({ textContent }) => textContent === "Latest step")!.click());
  await isAt(13_000);
  await page.waitForFunction((end) => document.querySelector("#sum-verdict")!.innerHTML === end, {}, atEnd[0]);
  await page.focus("#scrubber");
  for (let i = 0; i < 4; i++) await page.keyboard.press("ArrowLeft");
  await page.waitForFunction(() => document.querySelector("#scrubber-step")!.textContent !== "step 13,000");
  await page.focus(".scrubber button");
  await page.keyboard.press("Enter");
  await hasText(page, ".scrubber button", "Pause replay");
  await hasText(page, ".scrubber button", "Replay", TRAINING_PATIENCE);
  await hasText(page, "#scrubber-step", "step 13,000", TRAINING_PATIENCE);

  // each run has a step of its own
  await startTraining(page, { recipe: "fast", seed: "3" });
  await page.waitForSelector("#scrubber[aria-label='Step of run B']");
  await page.focus("#scrubber");
  await page.keyboard.press("Home");
  await hasText(page, "#scrubber-step", "step 0");
  await page.select("#model-select", "A");
  await isAt(13_000);
  await page.select("#model-select", "B");
  await hasText(page, "#scrubber-step", "step 0");
  await hasText(page, "#now", "step 0 of 13,000");
  assertEquals(errors, []);
});

testIn(
  "chromium",
  "a run of a narrow model, whose plane is that of a running average, can be rewound, too",
  async () => {
    await using lab = await openLab(stage.browser, stage.site.url, { ready: isLoaded });
    const { page, errors } = lab;
    await startTraining(page, { recipe: "paper", seed: "3", model: "5x10" });
    await page.waitForSelector("#scrubber");
    await hasText(page, "#model-note", "465 parameters");
    await page.focus("#scrubber");
    await page.keyboard.press("Home");
    await hasText(page, "#scrubber-step", "step 0");
    // while the run goes on, the page stays where it is
    await page.waitForFunction(
      (step) => document.querySelector("#run-A .state")!.textContent !== step,
      {},
      await textOf(page, "#run-A .state"),
    );
    await hasText(page, "#model-note", "at step 0");
    await page.$eval("[name=model]", (field) => {
      (field as HTMLInputElement).value = "8x3";
      field.dispatchEvent(new Event("input"));
    });
    await page.click("#learn");
    assert(await page.$eval("[name=model]", (field) => (field as HTMLInputElement).validationMessage.includes("WxH")));
    assert(await page.$("#run-B") === null);
    assertEquals(errors, []);
  },
);
