/** `deno task build [--check]`: compiles `assembly/` into the modules of `src/engine/wasm/`, or fails where these differ. */
import asc from "assemblyscript/asc";
import { COEFFICIENTS } from "../src/engine/interface/coefficients.ts";
import { PAGES } from "../src/engine/wasm/core.ts";
import { foldOffsets } from "./fold_offsets.ts";
import { unroll } from "./unroll.ts";

const FOLDER = new URL("../assembly/", import.meta.url);
const TARGET = new URL("../src/engine/wasm/", import.meta.url);

/** Loop bounds that `// unroll` understands by name: those of assembly/layout.ts. */
const BOUNDS = { N: 6, D: 7, F: 14, T: 14 };

/** The compiler's flags for each arithmetic. */
export const FEATURES = { exact: [], fast: ["--enable", "relaxed-simd"] } as const;

const MODULES = {
  exact: { entry: "entry.ts", features: FEATURES.exact, description: "The WASM core, `exact` arithmetic" },
  fast: { entry: "entry.ts", features: FEATURES.fast, description: "The WASM core, `fast` arithmetic" },
  adder: { entry: "adder.ts", features: FEATURES.exact, description: "The decoder by itself, `exact` arithmetic" },
};

/** Made from src/engine/interface/coefficients.ts: the address of each coefficient, and a function that writes them all. */
function coefficientsSource(): string {
  const names = Object.keys(COEFFICIENTS);
  return [
    'import * as layout from "./layout";',
    ...names.map((name, i) => `export const ${name}: usize = layout.COEFFICIENTS + ${16 * i};`),
    "export function writeCoefficients(): void {",
    ...Object.entries(COEFFICIENTS).map(([name, value]) => `  v128.store(${name}, f32x4.splat(<f32> ${value}));`),
    "}",
  ].join("\n");
}

/** The sources by name, as the compiler reads them. */
const SOURCES = new Map([["coefficients.ts", coefficientsSource()]]);
for (const { name } of Deno.readDirSync(FOLDER)) {
  if (!name.endsWith(".ts")) continue;
  // functions carry a comment, as `deno fmt` removes the decorator, which is not TypeScript
  const text = unroll(Deno.readTextFileSync(new URL(name, FOLDER)), BOUNDS)
    .replaceAll(/^((?:export )?function [^{]*\{) \/\/ inline$/gm, "@inline $1");
  SOURCES.set(name, text);
}

/** Compiles an entry file of `assembly/` with flags of the compiler; where `write` is given it gets the module's text as well. */
export async function compile(
  { entry, features }: { entry: string; features: readonly string[] },
  write?: (text: string) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  let binary: Uint8Array<ArrayBuffer> | undefined;
  const messages: string[] = [];
  const { error } = await asc.main([
    entry,
    ...["--outFile", "core.wasm", ...(write ? ["--textFile", "core.wat"] : [])],
    // -O1: from -O2 on Binaryen nests a chain of sums into one expression, whose last factors are loaded first and wait on the stack for
    // all others (measured: training 1.2 times slower)
    ...["-O1", "--noAssert", "--runtime", "stub", "--use", "abort="],
    ...["--enable", "simd", "--enable", "threads", "--disableWarning", "112", ...features],
    ...["--importMemory", "--initialMemory", `${PAGES}`, "--maximumMemory", `${PAGES}`],
  ], {
    readFile: (name) => SOURCES.get(name) ?? null,
    writeFile: (name, contents) => {
      if (typeof contents === "string") write?.(contents);
      else if (name === "core.wasm") binary = Uint8Array.from(contents);
    },
    listFiles: () => [],
    transforms: [foldOffsets],
    stderr: { write: (text: string | Uint8Array) => void messages.push(String(text)) },
  });
  if (error !== null || binary === undefined) {
    throw new Error(`Cannot compile assembly/ as the compiler found errors:\n${messages.join("")}`);
  }
  return binary;
}

/** Checks that the compiler's static data ends before the core's own. */
function checkLayout(binary: Uint8Array<ArrayBuffer>): void {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory } });
  const [begin, end] = [exports.layoutBegin, exports.staticDataEnd].map((at) => (at as WebAssembly.Global).value);
  if (end > begin) {
    throw new Error(`Cannot lay out the memory as static data must end before ${begin}: it ends at ${end}`);
  }
}

/** A hash of all that the modules are made from, so that a reader can see which sources they belong to. */
async function sourceHash(): Promise<string> {
  const text = [...SOURCES.keys()].sort().map((name) => `${name}\n${SOURCES.get(name)}`).join("\n");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}

if (import.meta.main) {
  const check = Deno.args.includes("--check");
  const hash = await sourceHash();
  let failed = false;
  for (const [name, { description, ...compilation }] of Object.entries(MODULES)) {
    const binary = await compile(compilation);
    checkLayout(binary);
    const path = new URL(`${name}_module.ts`, TARGET);
    const text = `// @generated by build/build.ts from assembly/ (SHA-256 of the sources ${hash}). Do not edit.
// deno-fmt-ignore-file
// deno-lint-ignore-file

/** ${description}; ${binary.length} bytes, in base64. */
export const WASM: string = "\\
${binary.toBase64().match(/.{1,120}/g)!.join("\\\n")}";
`;
    const same = await Deno.readTextFile(path).catch(() => "") === text;
    if (!check) await Deno.writeTextFile(path, text);
    const state = same ? "is up to date" : check ? "differs from its sources: run deno task build" : "is new";
    console.log(`src/engine/wasm/${name}_module.ts, ${binary.length} bytes of WASM, ${state}`);
    failed ||= check && !same;
  }
  if (failed) Deno.exit(1);
}
