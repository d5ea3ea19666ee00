/** What every test of the built page needs: the page, its server and Chromium, once for all tests of a file. */
import type { Browser } from "puppeteer-core";
import { type RunningBrowser, startBrowser } from "./browser.ts";
import { buildSite, type LabSite, labSite } from "./site.ts";

/** Is there from the first test of a file to its last. */
export interface Stage {
  /** The folder that the page was built into. */
  readonly folder: string;
  readonly site: LabSite;
  readonly browser: Browser;
}

/** Sets the stage before the tests of this file, and clears it after them. @param flags More flags for Chromium */
export function setStage(flags: readonly string[] = []): Stage {
  let folder: string;
  let site: LabSite;
  let running: RunningBrowser;
  Deno.test.beforeAll(async () => {
    folder = await buildSite();
    site = await labSite(folder);
    running = await startBrowser(flags);
  });
  Deno.test.afterAll(async () => {
    await running[Symbol.asyncDispose]();
    await site[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  });
  return {
    get folder() {
      return folder;
    },
    get site() {
      return site;
    },
    get browser() {
      return running.browser;
    },
  };
}
