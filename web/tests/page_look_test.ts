/** The built page to the eye: accessible in light and in dark, at rest and at work, and no wider than a phone; and the proof that it shows. */
import { assertEquals } from "@std/assert";
import { sealCertificate } from "../../src/certify/certificate.ts";
import type { Certificate } from "../../src/certify/types.ts";
import { faults } from "./axe.ts";
import { hasSteps, hasText, type LabPage, openLab, openOptions, startTraining } from "./page.ts";
import { testIn } from "../../tests/runtimes/program.ts";
import { setStage } from "./stage.ts";

const stage = setStage();

/** Milliseconds that a proof may take: 5 s of two cores, which others may be using. */
const PATIENCE = 240_000;

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
  // one button comes first, the options are folded away, and nothing is missing that would be worth a line
  assertEquals(await lab.page.$eval("button", ({ textContent }) => textContent), "Watch it learn");
  assertEquals(await lab.page.$eval("#options", (options) => (options as HTMLDetailsElement).open), false);
  assertEquals(await lab.page.$eval("#capabilities", (list) => (list as HTMLElement).innerText), "");
  await isAccessible(lab);
  await openOptions(lab.page);
  await isAccessible(lab);
  for (const width of [390, 320]) await isNarrow(lab, width);
});

testIn(
  "chromium",
  "with runs and a proof the page is accessible, in light and in dark, and no wider than a phone; the proof is that of the shipped weights",
  async () => {
    await using lab = await openLab(stage.browser, stage.site.url);
    const { page, errors } = lab;
    await page.click("#prove");
    await hasText(page, "#proof-verdict", "of 12 positions proved");
    await hasText(page, "#proof-verdict", "Proved right on all 10²⁰ pairs", PATIENCE);
    await page.click("#save-certificate");
    await isShippedProof(await lab.downloaded("certificate.json"));

    await startTraining(page, { recipe: "fast", seed: "5" });
    await hasSteps(page, "A", 100);
    await page.click("#run-A button"); // paused: its card has all its buttons
    await startTraining(page, { recipe: "fast", seed: "6", backend: "webgpu" });
    await hasText(page, "#run-B", "failed");
    await isAccessible(lab);
    for (const width of [390, 320]) await isNarrow(lab, width);
    assertEquals(errors, []);
  },
);

testIn("chromium", "axe-core finds a fault where there is one", async () => {
  await using lab = await openLab(stage.browser, stage.site.url);
  await openOptions(lab.page);
  await lab.page.$eval("#train-form select", (field) => field.closest("label")!.replaceWith(field));
  assertEquals(await faults(lab.page, ["critical"]), ["select-name: #recipe"]);
});
