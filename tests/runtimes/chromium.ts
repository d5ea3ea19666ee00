/** Evidence from headless Chromium. */
import { type PageOptions, servePage } from "./page_server.ts";
import { commandOf } from "./program.ts";

/** What gives headless Chromium WebGPU without a GPU. */
export const SOFTWARE_WEBGPU = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
] as const;

const FLAGS = [
  ...["--headless", "--no-sandbox", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync", "--disable-quic"],
];

/** Milliseconds after which Chromium is ended without a report. */
const TIME_LIMIT = 60_000;

/** Calls a function of the bundle in a page of headless Chromium, which is started for it and ended again. */
export async function evidenceOfChromium<T>(options: PageOptions): Promise<T> {
  const { gpuFlags = ["--disable-gpu"], timeLimit = TIME_LIMIT } = options;
  const { server, report } = servePage<T>(options);
  const profile = await Deno.makeTempDir({ prefix: "tiny-adder-chromium-" });
  const browser = new Deno.Command(commandOf("chromium")[0], {
    args: [...FLAGS, ...gpuFlags, `--user-data-dir=${profile}`, `http://127.0.0.1:${server.addr.port}/`],
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const messages = browser.stderr.text();
  let running = true;
  const ended = browser.status.then(async ({ code }) => {
    running = false;
    throw new Error(
      `Cannot take evidence as Chromium ended with code ${code} after at most ${timeLimit} ms: ${await messages}`,
    );
  });
  const limit = setTimeout(() => running && browser.kill(), timeLimit);
  try {
    return await Promise.race([report, ended]);
  } finally {
    clearTimeout(limit);
    if (running) browser.kill();
    await messages; // all its processes write to it, so it closes when the last one has left the profile alone
    await ended.catch(() => {});
    await server.shutdown();
    await Deno.remove(profile, { recursive: true });
  }
}
