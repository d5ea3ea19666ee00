/** The built page to the eye: accessible in light and in dark, at rest and at work, and no wider than a phone; and the proof that it shows. */
import { assertEquals } from "@std/assert";
import { sealCertificate } from "../../src/certify/certificate.ts";
import type { Certificate } from "../../src/certify/types.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { faults } from "./axe.ts";
import {
  click,
  hasSteps,
  hasText,
  isLoaded,
  type LabPage,
  openLab,
  openOptions,
  startTraining,
  TRAINING_PATIENCE as PATIENCE,
} from "./page.ts";
import { testIn } from "../../tests/runtimes/program.ts";
import { setStage } from "./stage.ts";

const stage = setStage();

/** No serious or critical fault, in light and in dark. */
async function isAccessible({ page }: LabPage): Promise<void> {
  for (const value of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value }]);
    assertEquals(await faults(page, ["serious", "critical"]), [], value);
  }
}

/** Nothing is wider than the screen, and nothing is cut off. */
async function isNarrow({ page }: LabPage, width: number): Promise<void> {
  await page.setViewport({ width, height: 800 });
  await page.waitForFunction(
    (width) => [...document.querySelectorAll("svg")].every(({ clientWidth }) => clientWidth < width),
    {},
    width,
  );
  const wide = await page.evaluate(() => ({
    page: document.documentElement.scrollWidth,
    // but for what is only there for screen readers
    elements: [...document.querySelectorAll("body *:not(.skip)")]
      .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
      .map((element) => `${element.localName}#${element.id}.${element.className}`),
  }));
  assertEquals(wide, { page: width, elements: [] });
}

/** A finger can hit everything: targets have 44 pixels, but for the answer's cells, which are narrow and have a slider for the same. */
async function isLargeEnough({ page }: LabPage): Promise<void> {
  const small = await page.$$eval("a:not(.skip, footer a), button, input, select, summary", (targets) =>
    targets
      .filter((target) => target.checkVisibility())
      .map((target) => target.closest("label.row") ?? target)
      .map((target) => ({ target, box: target.getBoundingClientRect() }))
      .filter(({ target, box }) => box.height < 43.5 || (box.width < 43.5 && !target.matches(".answer")))
      .map(({ target, box }) => `${target.outerHTML.slice(0, 80)}: ${box.width} x ${box.height}`));
  assertEquals(small, []);
}

/** The certificate is whole, and proves what the shipped one does. */
async function isShippedProof(bytes: Uint8Array): Promise<void> {
  const { digest, ...content }: Certificate = JSON.parse(new TextDecoder().decode(bytes));
  assertEquals((await sealCertificate(content)).digest, digest);
  const file = new URL("../../src/weights/shipped_763.certificate.json", import.meta.url);
  const shipped: Certificate = JSON.parse(await Deno.readTextFile(file));
  assertEquals(content.weights, shipped.weights);
  // not to the last bit: Math.exp is another one in this browser
  const margins = ({ steps }: Pick<Certificate, "steps">) => steps.map(({ margin }) => margin.toFixed(2));
  assertEquals(margins(content), margins(shipped));
}

testIn("chromium", "at rest the page is accessible, in light and in dark, and no wider than a phone", async () => {
  await using lab = await openLab(stage.browser, stage.site.url);
  // one button comes first, options and explanations are folded away, and nothing is missing that would be worth a line
  assertEquals(await lab.page.$eval("button", ({ textContent }) => textContent), "Watch it learn");
  assertEquals(await lab.page.$$eval("details", (all) => all.map(({ open }) => open)), Array(5).fill(false));
  assertEquals(await lab.page.$eval("#capabilities", (list) => (list as HTMLElement).innerText), "");
  await isAccessible(lab);
  await openOptions(lab.page);
  await isAccessible(lab);
  for (const width of [390, 320]) {
    await isNarrow(lab, width);
    await isAccessible(lab);
    await isLargeEnough(lab);
  }
  // on a phone the order is another one than beside each other
  const tops = await lab.page.$$eval("main > section", (all) => all.map((section) => [section.offsetTop, section.id]));
  const order = tops.sort(([x], [y]) => Number(x) - Number(y)).map(([, id]) => id);
  assertEquals(order, ["sum", "train", "proof", "inside", "model"]);
});

testIn(
  "chromium",
  "with runs and a proof the page is accessible, in light and in dark, and no wider than a phone; the proof is that of the shipped weights",
  async () => {
    await using lab = await openLab(stage.browser, stage.site.url);
    const { page, errors } = lab;
    await click(page, "#prove");
    await hasText(page, "#proof-verdict", "of 12 positions proved");
    await hasText(page, "#proof-verdict", "Proved right on all 10²⁰ pairs", PATIENCE);
    const { recipe, seed, step } = shippedCheckpoint().metadata;
    await click(page, "#save-certificate");
    await isShippedProof(await lab.downloaded(`tiny-adder-763-${recipe}-seed-${seed}-step-${step}.certificate.json`));

    await startTraining(page, { recipe: "paper", seed: "5" });
    await hasSteps(page, "A", 100);
    await click(page, "#run-A button"); // paused: its card has all its buttons
    await startTraining(page, { recipe: "fast", seed: "6", backend: "webgpu" });
    await hasText(page, "#run-B", "failed");
    await isAccessible(lab);
    for (const width of [390, 320]) {
      await isNarrow(lab, width);
      await isAccessible(lab);
      await isLargeEnough(lab);
    }
    assertEquals(errors, []);
  },
);

testIn(
  "chromium",
  "while it trains the page is accessible, and on a phone step and accuracy stay in sight",
  async () => {
    const phone = { width: 390, height: 800, touch: true, ready: isLoaded };
    await using lab = await openLab(stage.browser, stage.site.url, phone);
    const { page, errors } = lab;
    const isFollowing = () =>
      page.$$eval(
        "#sum .pair",
        (all) => all.find(({ textContent }) => textContent!.startsWith("follow"))!.hasAttribute("hidden"),
      );
    await page.tap(".answer");
    await hasText(page, "#sum-caption", "Step 12, end");
    assertEquals(await isFollowing(), false);
    await startTraining(page, { recipe: "paper" });
    await hasSteps(page, "A", 200);
    assertEquals(await isFollowing(), true); // the least certain step, from the start of a run on
    await isAccessible(lab);
    await page.evaluate(() => document.querySelector("#model")!.scrollIntoView());
    await page.waitForFunction(() => {
      const { top, bottom } = document.querySelector("#now")!.getBoundingClientRect();
      return top >= 0 && bottom < innerHeight && /^step [\d,]+ of 400,000: [\d.]+% of sums right$/.test(
        document.querySelector("#now")!.textContent!,
      );
    });
    // what a tap has read stays
    const map = (await page.$(".map svg"))!;
    await map.tap();
    await page.waitForFunction(() => document.querySelector(".map output")!.textContent !== "");
    assertEquals(errors, []);
  },
);

testIn("chromium", "axe-core finds a fault where there is one", async () => {
  await using lab = await openLab(stage.browser, stage.site.url);
  await openOptions(lab.page);
  await lab.page.$eval("#train-form select", (field) => field.closest("label")!.replaceWith(field));
  assertEquals(await faults(lab.page, ["critical"]), ['select-name: select[name="recipe"]']);
});
