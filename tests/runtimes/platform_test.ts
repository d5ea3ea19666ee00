/** Platforms that lack something: Node without WebAssembly, workerd, and pages of Chromium under content-security policies. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { evidenceOfChromium } from "./chromium.ts";
import type { PlatformReport } from "./platform.ts";
import { outputOf, testIn } from "./program.ts";

let folder: string;
let bundle: string;

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "tiny-adder-platform-" });
  bundle = join(folder, "platform.mjs");
  await bundleOf("./platform.ts", bundle);
});

async function bundleOf(module: string, output: string): Promise<void> {
  const entry = fromFileUrl(new URL(module, import.meta.url));
  await outputOf(Deno.execPath(), ["bundle", "--quiet", "--platform", "browser", "--output", output, entry]);
}

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

/** The reference engine does what it can, and who asks for WASM reads what is missing. */
function assertReference({ sums, adder, auto, wasm, twoThreads, trained }: PlatformReport, missing: string): void {
  assertEquals([sums, adder, auto, twoThreads, trained], [
    [49, 10000000000],
    "reference",
    ["reference", "1"],
    ["reference", "1"],
    "reference",
  ]);
  assertEquals(wasm[0], "EngineError");
  assertStringIncludes(wasm[1], missing);
  assertStringIncludes(wasm[1], "backend reference");
}

/** WASM does all. @returns What became of two threads */
function assertWasm({ sums, adder, auto, wasm, twoThreads, trained }: PlatformReport): string[] {
  assertEquals([sums, adder, auto, wasm, trained], [
    [49, 10000000000],
    "wasm",
    ["wasm", "1"],
    ["wasm", "1"],
    "wasm",
  ]);
  return twoThreads;
}

/** The report of Node, after a statement that changes what it has. */
async function reportOfNode(node: "Node 22" | "Node 24", before = "", ...flags: string[]): Promise<PlatformReport> {
  const script = join(folder, `${crypto.randomUUID()}.mjs`);
  const run = `console.log(JSON.stringify(await (await import("./platform.mjs")).platform()));`;
  await Deno.writeTextFile(script, `${before}\n${run}`);
  return JSON.parse(await outputOf(node, [...flags, script]));
}

for (const node of ["Node 22", "Node 24"] as const) {
  testIn(node, `${node} without WebAssembly (--jitless) adds and trains on the reference engine`, async () => {
    assertReference(await reportOfNode(node, "", "--jitless"), "must have WebAssembly: it has none");
  });
}

testIn("Node 22", "the subpath ./add says that it needs WebAssembly, and what does not", async () => {
  await bundleOf("../../src/adder/add.ts", join(folder, "add.mjs"));
  const script = join(folder, "add_alone.mjs");
  await Deno.writeTextFile(
    script,
    `import { add } from "./add.mjs"; try { add(42, 7); } catch (e) { console.log(String(e)); }`,
  );
  const said = await outputOf("Node 22", ["--jitless", script]);
  for (const part of ["EngineError", "must have WebAssembly: it has none", "add of the whole library"]) {
    assertStringIncludes(said, part);
  }
});

testIn("Node 22", "a runtime without SIMD adds and trains on the reference engine", async () => {
  const withoutSimd = "WebAssembly.validate = () => false;" +
    "WebAssembly.Module = class { constructor() { throw new WebAssembly.CompileError('no SIMD'); } };";
  assertReference(await reportOfNode("Node 22", withoutSimd), "must have WebAssembly SIMD: it has none");
});

testIn("Node 22", "a runtime without SharedArrayBuffer has one thread", async () => {
  assertEquals(assertWasm(await reportOfNode("Node 22", "delete globalThis.SharedArrayBuffer;")), ["wasm", "1"]);
});

testIn("workerd", "workerd, which compiles no WebAssembly at run time, adds on the reference engine", async () => {
  await Deno.writeTextFile(
    join(folder, "main.mjs"),
    `import { platform } from "./platform.mjs";
     export default { async test() { console.log("REPORT" + JSON.stringify(await platform())); } };`,
  );
  const modules = ["main", "platform"].map((name) => `(name = "${name}.mjs", esModule = embed "${name}.mjs")`);
  await Deno.writeTextFile(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
     const config :Workerd.Config = (services = [(name = "main", worker = .main)]);
     const main :Workerd.Worker = (modules = [${modules.join(", ")}], compatibilityDate = "2026-01-01");`,
  );
  const printed = await outputOf("workerd", ["test", join(folder, "config.capnp")]);
  const [, report] = /REPORT(\{.*\})/.exec(printed)!;
  assertReference(JSON.parse(report), "WebAssembly must be allowed: it is forbidden");
});

/** Checks two threads that a page forbids. */
function assertForbidden([name, message]: string[]): void {
  assertEquals(name, "EngineError");
  assert(/blob:.*forbidden.*worker-src blob:.*threads: 1/s.test(message), message);
}

const POLICIES: Readonly<Record<string, (report: PlatformReport) => void>> = {
  "script-src 'self'": (report) => assertReference(report, "'wasm-unsafe-eval'"),
  "default-src 'self'; worker-src blob:": (report) => assertReference(report, "'wasm-unsafe-eval'"),
  "script-src 'self' 'wasm-unsafe-eval'": (report) => assertForbidden(assertWasm(report)),
  "script-src 'self' 'wasm-unsafe-eval'; require-trusted-types-for 'script'": (report) =>
    assertForbidden(assertWasm(report)),
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:": (report) =>
    assertEquals(assertWasm(report), ["wasm", "2"]),
};

for (const [policy, check] of Object.entries(POLICIES)) {
  testIn("chromium", `a page under ${policy} does what the policy lets it do, and says what is missing`, async () => {
    const page = { bundle: await Deno.readTextFile(bundle), isolated: true, where: "page", policy } as const;
    check(await evidenceOfChromium<PlatformReport>({ ...page, call: ["platform"] }));
  });
}
