/** The same seed gives the same bytes in every runtime: in Deno, and from one bundle in Node and in a browser. */
import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { RECORDED } from "../engine/recorded.ts";
import { evidenceOfChromium } from "./chromium.ts";
import { type Evidence, evidence, evidenceInPieces, type Proof } from "./evidence.ts";
import { withFirefox } from "./firefox.ts";
import { outputOf, testIn } from "./program.ts";

const STEPS = 2000;

/** What every runtime must show. */
async function expected(threads: number): Promise<Evidence> {
  return { sha256: RECORDED[STEPS], loss: await lossInDeno(), threads, sums: [49, 3, 10000000000] };
}

let loss: Promise<number> | undefined;

/** The loss as Deno computes it, with one thread. */
function lossInDeno(): Promise<number> {
  return loss ??= evidence(STEPS, 1).then(({ loss }) => loss);
}

let folder: string;
let bundle: string;

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "tiny-adder-" });
  bundle = join(folder, "evidence.mjs");
  const entry = fromFileUrl(new URL("./evidence.ts", import.meta.url));
  await outputOf(Deno.execPath(), ["bundle", "--quiet", "--platform", "browser", "--output", bundle, entry]);
});

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

for (const threads of [1, 2, 3, 4]) {
  Deno.test(`${STEPS} steps in Deno with threads: ${threads} give the recorded bytes`, async () => {
    assertEquals(await evidence(STEPS, threads), await expected(threads));
  });
}

/** Calls a function of the bundle in Node, after a statement that changes what Node has. */
async function callInNode<T>(before: string, call: string): Promise<T> {
  const script = `
    ${before};
    const bundle = await import("node:url").then(({ pathToFileURL }) => import(pathToFileURL(process.argv[1])));
    console.log(JSON.stringify(await bundle.${call}));
  `;
  return JSON.parse(await outputOf("node", ["--input-type=module", "--eval", script, bundle]));
}

function evidenceOfNode(before: string, threads: number): Promise<Evidence> {
  return callInNode(before, `evidence(${STEPS}, ${threads})`);
}

testIn("node", `${STEPS} steps in Node give the recorded bytes`, async () => {
  assertEquals(await evidenceOfNode("", 1), await expected(1));
});

testIn("node", "Node has no web workers, so an engine has one thread, and says so", async () => {
  assertEquals(await evidenceOfNode("", 4), await expected(1));
});

testIn("node", "a runtime without Uint8Array.fromBase64 loads the modules, too", async () => {
  assertEquals(await evidenceOfNode("delete Uint8Array.fromBase64", 1), await expected(1));
});

const PAGES = [
  { name: "an isolated page", isolated: true, where: "page", threads: 2, real: 2 },
  { name: "a worker of an isolated page", isolated: true, where: "worker", threads: 2, real: 2 },
  { name: "a page that is not isolated", isolated: false, where: "page", threads: 2, real: 1 },
  { name: "a worker of a page that is not isolated", isolated: false, where: "worker", threads: 2, real: 1 },
] as const;

for (const { name, real, threads, ...page } of PAGES) {
  testIn(
    "chromium",
    `${STEPS} steps in ${name} with threads: ${threads} give the recorded bytes on ${real}`,
    async () => {
      const call = ["evidence", STEPS, threads] as const;
      const options = { bundle: await Deno.readTextFile(bundle), call, ...page };
      assertEquals(await evidenceOfChromium<Evidence>(options), await expected(real));
    },
  );
}

/** In an isolated page, with two threads. */
async function inPieces() {
  const call = ["evidenceInPieces", STEPS, 2] as const;
  return { bundle: await Deno.readTextFile(bundle), call, isolated: true, where: "page" } as const;
}

testIn("chromium", `${STEPS} steps in a page in two pieces give the recorded bytes`, async () => {
  assertEquals(await evidenceOfChromium<Evidence>(await inPieces()), await expected(2));
});

testIn(
  "firefox-esr",
  `${STEPS} steps in each kind of page of Firefox, and in two pieces, give the recorded bytes`,
  async () => {
    await withFirefox(async (evidenceOf) => {
      for (const { name, real, threads, ...page } of PAGES) {
        const call = ["evidence", STEPS, threads] as const;
        const options = { bundle: await Deno.readTextFile(bundle), call, ...page };
        assertEquals(await evidenceOf<Evidence>(options), await expected(real), name);
      }
      assertEquals(await evidenceOf<Evidence>(await inPieces()), await expected(2), "in two pieces");
    });
  },
);

Deno.test(`${STEPS} steps in two pieces give the recorded bytes in Deno`, async () => {
  assertEquals(await evidenceInPieces(STEPS, 1), await expected(1));
});

/** The margin in the certificate that lies beside the weights. */
async function certifiedMargin(): Promise<number> {
  const file = new URL("../../src/weights/shipped_763.certificate.json", import.meta.url);
  return JSON.parse(await Deno.readTextFile(file)).worstMargin;
}

testIn("node", "the shipped weights are proved right in Node, on one thread", async () => {
  const { certified, worstMargin, threads } = await callInNode<Proof>("", "proof(2)");
  assertEquals([certified, worstMargin?.toFixed(3), threads], [true, (await certifiedMargin()).toFixed(3), 1]);
});

testIn("chromium", "the shipped weights are proved right in a page that is not isolated, on two threads", async () => {
  const options = {
    bundle: await Deno.readTextFile(bundle),
    call: ["proof", 2],
    isolated: false,
    where: "page",
  } as const;
  const { certified, worstMargin, threads } = await evidenceOfChromium<Proof>(options);
  assertEquals([certified, worstMargin?.toFixed(3), threads], [true, (await certifiedMargin()).toFixed(3), 2]);
});
