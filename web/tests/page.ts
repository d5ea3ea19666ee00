/** What tests do with the lab page, and what they see of it. */
import type { Browser, Page } from "puppeteer-core";

/** Milliseconds that anything but training may take, on a busy machine. */
const PATIENCE = 120_000;
/** Milliseconds that training or a proof may take on a machine whose cores others are using. */
export const TRAINING_PATIENCE = 280_000;

/** A page that keeps everything that it should not have said. */
export interface LabPage extends AsyncDisposable {
  readonly page: Page;
  /** Errors: of scripts, of the console, of files that did not come. */
  readonly errors: string[];
  /** Types of dialogs, which are all accepted. */
  readonly questions: string[];
  /** Waits for a file that the page gives. @returns Its bytes */
  downloaded(name: string): Promise<Uint8Array>;
}

/** How the lab is opened. */
export interface OpenOptions {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: "light" | "dark";
  /** Whether fingers are used instead of a mouse. */
  readonly touch?: boolean;
  /** Waits until the page is ready; by default, for its first sum. */
  readonly ready?: (page: Page) => Promise<unknown>;
  /** Is called before the page is loaded. */
  readonly before?: (page: Page) => Promise<void>;
}

/** Opens the lab, and waits until all of it is there. */
export async function openLab(
  browser: Browser,
  url: string,
  { width = 1280, height = 900, scheme = "light", touch = false, before = async () => {}, ready = isReady }:
    OpenOptions = {},
): Promise<LabPage> {
  const downloadPath = await Deno.makeTempDir({ prefix: "tiny-adder-lab-downloads-" });
  const context = await browser.createBrowserContext({ downloadBehavior: { policy: "allow", downloadPath } });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("requestfailed", (request) => errors.push(`${request.url()}: ${request.failure()?.errorText}`));
  const questions: string[] = [];
  page.on("dialog", (dialog) => {
    questions.push(dialog.type());
    dialog.accept();
  });
  page.setDefaultTimeout(PATIENCE);
  await page.setViewport({ width, height, hasTouch: touch, isMobile: touch });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await before(page);
  await page.goto(url);
  await ready(page);
  return {
    page,
    errors,
    questions,
    downloaded: (name) => arrived(`${downloadPath}/${name}`),
    async [Symbol.asyncDispose]() {
      await page.close();
      await context.close();
      await Deno.remove(downloadPath, { recursive: true });
    },
  };
}

/** Waits until a file is whole: Chromium gives it its name when it is. */
async function arrived(path: string): Promise<Uint8Array> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    try {
      return await Deno.readFile(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) || Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Waits until all sections are there. */
export async function isLoaded(page: Page): Promise<void> {
  await page.waitForSelector("html[data-ready]");
}

/** Waits until all sections are there, then chooses the shipped weights, and waits for their first sum. */
export async function isReady(page: Page): Promise<void> {
  await isLoaded(page);
  await page.select("#model-select", "shipped");
  await hasText(page, "#sum-verdict", "✓");
}

/** Waits until an element has a text in it. @returns All its text */
export async function hasText(page: Page, selector: string, text: string, timeout = PATIENCE): Promise<string> {
  await page.waitForFunction(
    (selector, text) => document.querySelector<HTMLElement>(selector)?.textContent?.includes(text),
    { timeout, polling: 100 },
    selector,
    text,
  );
  return await textOf(page, selector);
}

/** The text of an element. */
export async function textOf(page: Page, selector: string): Promise<string> {
  return await page.$eval(selector, (element) => element.textContent ?? "");
}

/** Scrolls an element to the middle of the window and clicks it, because at the upper edge the strip would cover it. */
export async function click(page: Page, selector: string): Promise<void> {
  await page.$eval(selector, (element) => element.scrollIntoView({ block: "center" }));
  await page.click(selector);
}

/** Opens the options of a run, and lets one choose what this browser lacks. */
export async function openOptions(page: Page): Promise<void> {
  await page.$eval("#options", (options) => {
    (options as HTMLDetailsElement).open = true;
    for (const option of options.querySelectorAll("option")) option.disabled = false;
  });
}

/** Sets the fields of the form that trains. */
export async function fillTraining(page: Page, fields: Record<string, string>): Promise<void> {
  await openOptions(page);
  for (const [name, value] of Object.entries(fields)) {
    const selector = `#train-form [name=${name}]`;
    if (await page.$eval(selector, (field) => field.localName === "select")) await page.select(selector, value);
    else await page.$eval(selector, (field, value) => (field as HTMLInputElement).value = value, value);
  }
}

/** Starts to train. */
export async function startTraining(page: Page, fields: Record<string, string> = {}): Promise<void> {
  await fillTraining(page, fields);
  await page.click("#learn");
}

/** The step that a run's card tells. */
export async function stepOf(page: Page, slot: "A" | "B"): Promise<number> {
  await page.waitForSelector(`#run-${slot}`);
  const text = await textOf(page, `#run-${slot} .state`);
  return Number(/step ([\d,]+) of/.exec(text)?.[1].replaceAll(",", "") ?? 0);
}

/** Waits until a run has done so many steps. */
export async function hasSteps(page: Page, slot: "A" | "B", steps: number): Promise<number> {
  const end = Date.now() + TRAINING_PATIENCE;
  for (;;) {
    const step = await stepOf(page, slot);
    if (step >= steps) return step;
    if (Date.now() > end) throw new Error(`Cannot go on as run ${slot} must get to step ${steps}: it is at ${step}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
