/** Checkpoints into the built page and out of it, by button and by drag and drop. */
import { assert, assertEquals } from "@std/assert";
import type { ElementHandle, Page } from "puppeteer-core";
import { decodeCheckpoint, encodeCheckpoint } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { createEngine } from "../../src/engine/mod.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { click, hasText, openLab, textOf } from "./page.ts";
import { testIn } from "../../tests/runtimes/program.ts";
import { setStage } from "./stage.ts";

const stage = setStage();

/** A checkpoint of untrained weights. */
async function untrained(): Promise<Uint8Array<ArrayBuffer>> {
  const engine = await createEngine({ model: 777 });
  engine.initialize(12);
  const parameters = engine.parameters();
  await engine.dispose();
  return encodeCheckpoint({ model: 777, parameters, metadata: { recipe: "none", seed: "12", step: "0" } });
}

/** Drops a file onto the page, as a hand would. */
async function dropFile(page: Page, name: string, bytes: Uint8Array): Promise<void> {
  await page.evaluate(
    (name, bytes) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([Uint8Array.from(bytes)], name));
      for (const type of ["dragover", "drop"]) {
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
      }
    },
    name,
    [...bytes],
  );
}

testIn(
  "chromium",
  "a checkpoint that is dropped is taken into the hand, looked into, and saved as it was",
  async () => {
    await using lab = await openLab(stage.browser, stage.site.url);
    const { page, errors } = lab;
    const bytes = await untrained();
    await dropFile(page, "mine.safetensors", bytes);
    await hasText(page, "#model-note", "777 parameters, recipe none, seed 12, step 0");
    assertEquals(
      await page.$eval("#model-select", (select) => (select as HTMLSelectElement).selectedOptions[0].text),
      "mine.safetensors",
    );
    await hasText(page, "#sum-verdict", "✗, correct is 11,111,111,100");
    assertEquals(await page.$eval("#drop", (drop) => (drop as HTMLElement).hidden), true);

    await click(page, "#save-file");
    const saved = decodeCheckpoint(await lab.downloaded("tiny-adder-777-none-seed-12-step-0.safetensors"));
    assertEquals(saved, decodeCheckpoint(bytes));

    // and back to what the page came with
    await page.select("#model-select", "shipped");
    await hasText(page, "#sum-verdict", "11,111,111,100 ✓");
    assertEquals(errors, []);
  },
);

testIn("chromium", "a checkpoint is opened by the button, twice the same as well", async () => {
  await using lab = await openLab(stage.browser, stage.site.url);
  const { page, errors } = lab;
  const path = await Deno.makeTempFile({ prefix: "tiny-adder-", suffix: ".safetensors" });
  try {
    await Deno.writeFile(path, await untrained());
    for (let i = 0; i < 2; i++) {
      const chooser = page.waitForFileChooser();
      await click(page, "#open-file");
      await (await chooser).accept([path]);
      await hasText(page, "#model-note", "777 parameters");
      await page.select("#model-select", "shipped");
      await hasText(page, "#model-note", "763 parameters");
    }
  } finally {
    await Deno.remove(path);
  }
  assertEquals(errors, []);
});

testIn("chromium", "a file that is no checkpoint is an error that says why, and changes nothing", async () => {
  await using lab = await openLab(stage.browser, stage.site.url);
  const { page, errors } = lab;
  const alert = await page.$("#alert") as ElementHandle<HTMLElement>;
  assertEquals(await textOf(page, "#alert"), "");
  const cases: [name: string, bytes: Uint8Array, message: string][] = [
    ["photo.jpg", new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 16, 74, 70, 73, 70]), "Cannot read photo.jpg as "],
    ["empty", new Uint8Array(), "Cannot read empty as a safetensors file has at least 8 bytes"],
    [
      "large",
      new Uint8Array(1_000_001),
      "Cannot read large as a checkpoint has at most 1,000,000 bytes: it has 1000001",
    ],
    ["<img src=x onerror=alert(1)>", new Uint8Array(3), "Cannot read <img src=x onerror=alert(1)> as "],
  ];
  for (const [name, bytes, message] of cases) {
    await dropFile(page, name, bytes);
    await hasText(page, "#alert", message);
    assertEquals(await alert.evaluate((element) => element.childElementCount), 0);
    assert(await alert.isIntersectingViewport()); // wherever the file was dropped
  }
  const { recipe, seed } = shippedCheckpoint().metadata;
  assertEquals(await textOf(page, "#model-note"), `763 parameters, trained with recipe ${recipe}, seed ${seed}`);
  await dropFile(page, "mine.safetensors", await untrained());
  await hasText(page, "#model-note", "777 parameters");
  await page.waitForFunction(() => document.querySelector("#alert")!.textContent === "");
  assertEquals(errors, []);
});
