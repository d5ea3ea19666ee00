/** Evidence from headless Firefox, driven by WebDriver BiDi: another engine than V8. */
import puppeteer from "puppeteer-core";
import { type PageOptions, servePage } from "./page_server.ts";
import { commandOf } from "./program.ts";

/** Milliseconds after which Firefox is ended without a report. */
const TIME_LIMIT = 300_000;
/** Milliseconds after which a page that reports nothing is opened again, and the most pages: twice one never did, and it is not known why. */
const PAGE_LIMIT = 90_000;
const MOST_PAGES = 3;

/** The address under which Firefox takes a session, as it says itself. */
async function addressOf(messages: ReadableStream<Uint8Array>): Promise<string> {
  let said = "";
  for await (const text of messages.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)) {
    said += text;
    const address = /WebDriver BiDi listening on (ws:\/\/\S+)/.exec(said)?.[1];
    if (address !== undefined) return `${address}/session`;
  }
  throw new Error(`Cannot take evidence as Firefox must listen: ${said}`);
}

/** Starts headless Firefox, has it call functions of bundles, each in a page of its own, and ends it again. It takes long to start. */
export async function withFirefox(
  use: (evidenceOf: <T>(options: PageOptions) => Promise<T>) => Promise<void>,
): Promise<void> {
  const profile = await Deno.makeTempDir({ prefix: "tiny-adder-firefox-" });
  const process = new Deno.Command(commandOf("firefox-esr")[0], {
    args: ["--headless", "--no-remote", "--remote-debugging-port=0", "--profile", profile],
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let running = true;
  const status = process.status.finally(() => running = false);
  const limit = setTimeout(() => running && process.kill("SIGKILL"), TIME_LIMIT);
  try {
    const [mine, messages] = process.stderr.tee();
    const rest = messages.pipeTo(new WritableStream()).catch(() => {}); // so that Firefox never waits for a reader
    const browserWSEndpoint = await addressOf(mine);
    const browser = await puppeteer.connect({
      browserWSEndpoint,
      protocol: "webDriverBiDi",
      protocolTimeout: TIME_LIMIT,
    });
    const ended = status.then(({ code }) => {
      throw new Error(`Cannot take evidence as Firefox ended with code ${code} after at most ${TIME_LIMIT} ms`);
    });
    ended.catch(() => {});
    const inPage = async <T>(options: PageOptions): Promise<T | undefined> => {
      const { server, report } = servePage<T>(options);
      report.catch(() => {}); // looked at once the page is there
      let timer: ReturnType<typeof setTimeout> | undefined;
      const silence = new Promise<undefined>((resolve) => timer = setTimeout(() => resolve(undefined), PAGE_LIMIT));
      try {
        const page = await browser.newPage();
        await page.goto(`http://127.0.0.1:${server.addr.port}/`, { timeout: TIME_LIMIT });
        const evidence = await Promise.race([report, ended, silence]);
        await page.close();
        return evidence;
      } finally {
        clearTimeout(timer);
        await server.shutdown();
      }
    };
    await use(async <T>(options: PageOptions) => {
      for (let i = 0; i < MOST_PAGES; i++) {
        const evidence = await inPage<T>(options);
        if (evidence !== undefined) return evidence;
      }
      throw new Error(`Cannot take evidence as a page of Firefox must report: ${MOST_PAGES} pages did not`);
    });
    await browser.close();
    await status;
    await rest;
  } finally {
    clearTimeout(limit);
    if (running) process.kill("SIGKILL");
    await status;
    await Deno.remove(profile, { recursive: true });
  }
}
