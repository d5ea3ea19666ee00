/** Headless Chromium, driven by puppeteer. */
import puppeteer, { type Browser } from "puppeteer-core";
import { commandOf } from "../../tests/runtimes/program.ts";

const FLAGS = [
  ...["--headless", "--no-sandbox", "--no-first-run", "--disable-background-networking", "--disable-component-update"],
  ...["--disable-sync", "--disable-quic", "--disable-dev-shm-usage", "--remote-debugging-port=0", "--hide-scrollbars"],
];

/** Chromium, and what ends it. */
export interface RunningBrowser extends AsyncDisposable {
  readonly browser: Browser;
}

/** Starts Chromium with a profile of its own. @param flags More flags */
export async function startBrowser(flags: readonly string[] = []): Promise<RunningBrowser> {
  const profile = await Deno.makeTempDir({ prefix: "tiny-adder-lab-" });
  const child = new Deno.Command(commandOf("chromium")[0], {
    args: [...FLAGS, ...flags, `--user-data-dir=${profile}`],
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const { address, rest } = await debuggingAddress(child.stderr);
  const browser = await puppeteer.connect({ browserWSEndpoint: address, defaultViewport: null });
  return {
    browser,
    async [Symbol.asyncDispose]() {
      await browser.close();
      await child.status;
      await rest; // all its processes write to it, so it closes when the last one has left the profile alone
      await Deno.remove(profile, { recursive: true });
    },
  };
}

/** Reads where Chromium listens from what it prints, and then the rest. */
async function debuggingAddress(
  stderr: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<{ address: string; rest: Promise<unknown> }> {
  const reader = stderr.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`Cannot go on as Chromium ended: ${text}`);
    text += value;
    const address = /DevTools listening on (ws:\S+)\s/.exec(text)?.[1];
    if (address === undefined) continue;
    const drain = async () => {
      while (!(await reader.read()).done);
    };
    return { address, rest: drain() };
  }
}
