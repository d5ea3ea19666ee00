/** What every test of the built page needs: the page, its server and Chromium, once for all tests of a file. */
import type { Browser } from "puppeteer-core";
import { whyIgnored } from "../../tests/runtimes/program.ts";
import { type RunningBrowser, startBrowser } from "./browser.ts";
import { buildSite, type LabSite, labSite } from "./site.ts";

/** Is there from the first test of a file to its last. */
export interface Stage {
  /** The folder that the page was built into. */
  readonly folder: string;
  readonly site: LabSite;
  readonly browser: Browser;
}

/**
 * Sets the stage before the tests of this file, and clears it after them; none where there is no Chromium and they are ignored.
 *
 * @param flags More flags for Chromium
 */
export function setStage(flags: readonly string[] = []): Stage {
  let folder: string;
  let site: LabSite;
  let running: RunningBrowser;
  const started = new AsyncDisposableStack();
  if (whyIgnored("chromium") === null) {
    Deno.test.beforeAll(async () => {
      folder = started.adopt(await buildSite(), (path) => Deno.remove(path, { recursive: true }));
      site = started.use(await labSite(folder));
      running = started.use(await startBrowser(flags));
    });
    Deno.test.afterAll(() => started.disposeAsync());
  }
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
