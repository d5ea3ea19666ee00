/** The built page with a keyboard, on a phone, in the dark, without a network, and on a host that knows nothing of it. */
import { assert, assertEquals } from "@std/assert";
import type { KeyInput, Page } from "puppeteer-core";
import { click, hasSteps, hasText, isReady, openLab, startTraining, textOf, TRAINING_PATIENCE } from "./page.ts";
import { labSite, plainSite } from "./site.ts";
import { testIn } from "../../tests/runtimes/program.ts";
import { setStage } from "./stage.ts";

const stage = setStage();

/** Waits for some milliseconds. */
function pass(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** What has the focus, in a word, whether it is on the screen, and whether it shows that it has the focus. */
async function focused(page: Page): Promise<{ name: string; isOnScreen: boolean; isMarked: boolean }> {
  return await page.evaluate(() => {
    const target = document.activeElement as HTMLElement;
    const { top, bottom } = target.getBoundingClientRect();
    const { outlineStyle, outlineWidth } = getComputedStyle(target);
    return {
      name: target === document.body
        ? "the whole page"
        : target.id || target.getAttribute("name") || target.getAttribute("aria-label") ||
          target.textContent!.trim() ||
          target.localName,
      isOnScreen: bottom > 0 && top < innerHeight,
      isMarked: outlineStyle !== "none" && parseFloat(outlineWidth) >= 1,
    };
  });
}

testIn("chromium", "everything can be reached and used with the keyboard", async () => {
  await using lab = await openLab(stage.browser, stage.site.url);
  const { page, errors } = lab;
  const names: string[] = [];
  for (let i = 0; i < 90; i++) {
    await page.keyboard.press("Tab");
    const { name, isOnScreen, isMarked } = await focused(page);
    if (name === names[0] || name === "the whole page") break;
    assert(isOnScreen, `${name} has the focus and is not on the screen`);
    assert(isMarked, `${name} has the focus and does not show it`);
    names.push(name);
    if (name === "Options") await page.keyboard.press("Enter");
  }
  const wanted = [
    ...[
      "Skip to the sum",
      "Watch it learn",
      "Ask it",
      "See how it does it",
      "Prove it",
      "recipe",
      "seed",
      "model",
      "backend",
      "threads",
      "certify",
      "learn",
      "Options",
      "model-select",
    ],
    ...["open-file", "save-file", "a", "b", "Add", "end: end", "10¹⁰: 1", "ones: 0", "sum-step", "prove"],
    ...["Step", "Token written last"],
  ];
  assertEquals(wanted.filter((name) => !names.includes(name)), [], String(names));
  assertEquals(
    names.filter((name) => name.startsWith("Where each step looks") || name.includes("embeddings")).length,
    3,
  );

  const press = async (...keys: KeyInput[]) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  // a sum, typed; then its digits by arrow keys
  await page.focus("[name=a]");
  await page.keyboard.down("Control");
  await press("a");
  await page.keyboard.up("Control");
  await page.keyboard.type("999");
  await press("Tab");
  await page.keyboard.type("1");
  await press("Enter");
  await hasText(page, "#sum-verdict", "999 + 1 = 1,000 ✓");
  await page.focus("#sum-step");
  await press("Home", "ArrowRight", "ArrowRight", "ArrowRight");
  const caption = await textOf(page, "#sum-caption");
  assert(caption.startsWith("Step 4, thousands: writes 1 with probability"), caption);

  // a heat map, cell by cell
  await page.$eval(".map svg", (map) => (map as SVGElement).focus());
  await press("ArrowRight", "ArrowDown");
  const readout = await page.$eval(".map output", ({ textContent }) => textContent);
  assert(/^tens, the first number's 10⁹: \d/.test(readout!), readout!);

  // a long run: started, paused, continued, stopped
  await page.select("[name=recipe]", "paper");
  await page.focus("#learn");
  await press("Enter");
  await hasSteps(page, "A", 100);
  await page.focus("#run-A button");
  await press("Space");
  await hasText(page, "#run-A .state", "paused");
  assertEquals((await focused(page)).name, "Continue run A");
  await press("Space");
  await page.waitForFunction(() => document.querySelector("#run-A")?.getAttribute("data-status") === "training");
  await press("Tab", "Enter");
  await hasText(page, "#run-A .state", "stopped");
  assertEquals(errors, []);
});

testIn("chromium", "the strip covers nothing that has the focus", async () => {
  await using lab = await openLab(stage.browser, stage.site.url, { width: 600 });
  const covered = await lab.page.evaluate(() => {
    const strip = document.querySelector("#strip")!;
    const below = [...document.querySelectorAll<HTMLElement>("main :is(a, button, input, select)")].reverse();
    return below.filter((element) => {
      element.focus();
      const isCovered = element.getBoundingClientRect().top < strip.getBoundingClientRect().bottom;
      return document.activeElement === element && isCovered;
    }).map(({ outerHTML }) => outerHTML);
  });
  assertEquals(covered, []);
});

testIn("chromium", "a sum comes digit by digit, or at once for those who want no motion", async () => {
  await using lab = await openLab(stage.browser, stage.site.url);
  const { page, errors } = lab;
  const written = () =>
    page.$$eval(".answer", (cells) => cells.filter(({ textContent }) => textContent !== "·").length);
  await page.evaluate(() => {
    const seen = new Set<number>();
    Object.assign(globalThis, { seen });
    const cells = [...document.querySelectorAll(".answer")];
    new MutationObserver(() => seen.add(cells.filter(({ textContent }) => textContent !== "·").length))
      .observe(document.querySelector("#sum-grid")!, { subtree: true, characterData: true, childList: true });
  });
  await click(page, "#sum-form button");
  await page.waitForFunction(() => (globalThis as unknown as { seen: Set<number> }).seen.has(12));
  const seen = await page.evaluate(() => [...(globalThis as unknown as { seen: Set<number> }).seen]);
  assert(seen.length >= 4, seen.join());
  await hasText(page, "#sum-verdict", "1,234,567,890 + 9,876,543,210 = 11,111,111,100 ✓");

  // what the attention shows is where the digits are that matter: the tens of both numbers, at the step that writes tens
  await page.$eval("#sum-step", (slider) => {
    (slider as HTMLInputElement).value = "2";
    slider.dispatchEvent(new Event("input"));
  });
  const shares = await page.$$eval(
    ".sum-grid > .cell",
    (cells) => cells.map((cell) => Number((cell as HTMLElement).style.getPropertyValue("--share"))),
  );
  const tens = [shares[8], shares[19]]; // ten digits, +, ten digits
  assert(tens.every((share) => share > 0.2), shares.join());
  assert((await textOf(page, ".probabilities .chosen .bar + span")) === "0");

  await page.emulateMediaFeatures([{ name: "prefers-reduced-motion", value: "reduce" }]);
  await click(page, "#sum-form button");
  await page.waitForFunction(() => document.querySelector("#sum-verdict")!.textContent!.includes("✓"));
  assertEquals(await written(), 12);
  assertEquals(errors, []);
});

testIn("chromium", "what is no number is not added", async () => {
  await using lab = await openLab(stage.browser, stage.site.url);
  const { page, errors } = lab;
  const before = await textOf(page, "#sum-verdict");
  const add = async (name: string, text: string) => {
    await page.$eval(`[name=${name}]`, (field, text) => (field as HTMLInputElement).value = text, text);
    // by the keyboard: a message that goes moves the button, and a click may miss it
    await page.focus("#sum-form button");
    await page.keyboard.press("Enter");
  };
  for (const text of ["", "12a", "-1", "1e3", "1.5", "12345678901"]) {
    await add("a", text);
    await hasText(page, "#sum-problem", text.length > 10 ? "12345678901 has 11 digits" : text || "empty");
    await page.waitForSelector("[name=a][aria-invalid=true]");
    assertEquals(await page.$eval("[name=a]", (field) => field.getAttribute("aria-invalid")), "true", text);
    assertEquals((await focused(page)).name, "a");
  }
  assertEquals(await textOf(page, "#sum-verdict"), before);

  await add("a", "9 999 999 999");
  await hasText(page, "#sum-verdict", "9,999,999,999 + ");
  await add("b", "1,000");
  await hasText(page, "#sum-verdict", "9,999,999,999 + 1,000 = 10,000,000,999 ✓");
  assertEquals(await textOf(page, "#sum-problem"), "");
  assertEquals(await page.$eval("[name=a]", (field) => field.getAttribute("aria-invalid")), "false");
  assertEquals(errors, []);
});

testIn("chromium", "sums are offered: one that carries all the way, and a random one", async () => {
  await using lab = await openLab(stage.browser, stage.site.url);
  const { page, errors } = lab;
  const press = (text: string) =>
    page.$$eval("#sum button", (buttons, text) => {
      buttons.find(({ textContent }) => textContent === text)!.click();
    }, text);
  await press("carry all the way");
  await hasText(page, "#sum-verdict", "9,999,999,999 + 1 = 10,000,000,000 ✓");
  const fields = () => page.$$eval("#sum-form input", (inputs) => inputs.map(({ value }) => value));
  assertEquals(await fields(), ["9999999999", "1"]);
  await press("random");
  await page.waitForFunction(() =>
    !document.querySelector("#sum-verdict")!.textContent!.includes("9,999,999,999 + 1 ")
  );
  await hasText(page, "#sum-verdict", "✓");
  assert((await fields()).every((text) => /^\d{1,10}$/.test(text)), String(await fields()));
  assertEquals(errors, []);
});

testIn("chromium", "after the first load the page needs no network", async () => {
  await using own = await labSite(stage.folder);
  await using lab = await openLab(stage.browser, own.url);
  const { page, errors } = lab;
  await hasText(page, "#capabilities", "works offline");
  const before = own.paths.length;
  await page.setOfflineMode(true);
  await page.reload();
  await isReady(page);
  await startTraining(page, { recipe: "fast", seed: "2" });
  await page.waitForSelector("#run-A[data-status=done]", { timeout: TRAINING_PATIENCE });
  assertEquals(own.paths.slice(before).filter((path) => path !== "/sw.js"), []);
  assertEquals(errors, []);
});

/** A folder with another version of the page, which calls itself the new lab. */
async function newVersion(): Promise<string> {
  const newer = await Deno.makeTempDir({ prefix: "tiny-adder-lab-newer-" });
  for await (const { name } of Deno.readDir(stage.folder)) {
    await Deno.copyFile(`${stage.folder}/${name}`, `${newer}/${name}`);
  }
  const change = async (name: string, from: RegExp, to: string) => {
    const text = await Deno.readTextFile(`${newer}/${name}`);
    assert(from.test(text));
    await Deno.writeTextFile(`${newer}/${name}`, text.replace(from, to));
  };
  await change("index.html", /<title>.*<\/title>/, "<title>the new lab</title>");
  await change("sw.js", /VERSION="/, 'VERSION="new ');
  return newer;
}

testIn("chromium", "a new version takes the place of the old one as a whole, once no tab has the old one", async () => {
  const newer = await newVersion();
  try {
    await using own = await labSite(stage.folder);
    await using lab = await openLab(stage.browser, own.url);
    const { page } = lab;
    await hasText(page, "#capabilities", "works offline");
    await own.become(newer);
    await page.reload();
    await page.waitForSelector("#reload");
    assertEquals(await page.title(), "tiny-adder lab");
    const context = page.browserContext();
    await page.goto("about:blank");
    let title = "";
    for (let i = 0; i < 300 && title !== "the new lab"; i++) {
      const next = await context.newPage();
      await next.goto(own.url);
      title = await next.title();
      await next.close();
      await pass(100);
    }
    assertEquals(title, "the new lab");
  } finally {
    await Deno.remove(newer, { recursive: true });
  }
});

testIn("chromium", "a new version offers a reload, which shows it at once", async () => {
  const newer = await newVersion();
  try {
    await using own = await labSite(stage.folder);
    await using lab = await openLab(stage.browser, own.url);
    const { page, errors } = lab;
    await hasText(page, "#capabilities", "works offline");
    await own.become(newer);
    await page.reload();
    await page.waitForSelector("#reload");
    await click(page, "#reload");
    await page.waitForFunction(() => document.title === "the new lab");
    await isReady(page);
    assert(await page.$("#reload") === null);
    assertEquals(errors, []);
  } finally {
    await Deno.remove(newer, { recursive: true });
  }
});

testIn(
  "chromium",
  "a host that sends no headers will do, under any path: once the page has been loaded it isolates itself",
  async () => {
    await using plain = await plainSite(stage.folder);
    await using lab = await openLab(stage.browser, plain.url);
    const { page, errors } = lab;
    await hasText(page, "#capabilities", "1 thread: this page cannot share memory");
    await hasText(page, "#capabilities", "works offline; reload to use more threads");
    await startTraining(page, { recipe: "fast", seed: "2", threads: "2" });
    await hasSteps(page, "A", 100);
    const text = await textOf(page, "#run-A");
    assert(text.includes("1 thread (2 requested, but this page cannot share memory)"), text);

    await page.reload();
    await isReady(page);
    await hasText(page, "#capabilities", "2 threads");
    await startTraining(page, { recipe: "fast", seed: "2" });
    await hasSteps(page, "A", 100);
    assert((await textOf(page, "#run-A")).includes("on wasm, 2 threads, exact"));
    assertEquals(errors, []);
  },
);
