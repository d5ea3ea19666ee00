/** Offsets that are folded into loads and stores: compiled small, run, and looked at as text. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import asc from "assemblyscript/asc";
import { foldOffsets } from "../../build/fold_offsets.ts";

/** Compiles a source with the transform: its text, and its exports on a memory of one page. */
async function compile(
  source: string,
): Promise<{ text: string; exports: Record<string, (...args: number[]) => number>; memory: WebAssembly.Memory }> {
  let binary = new Uint8Array();
  let text = "";
  const { error, stderr } = await asc.main([
    ...[
      "source.ts",
      "--outFile",
      "out.wasm",
      "--textFile",
      "out.wat",
      "-O1",
      "--noAssert",
      "--runtime",
      "stub",
      "--use",
      "abort=",
    ],
    ...["--enable", "simd", "--importMemory", "--disableWarning", "201"],
  ], {
    readFile: (name: string) => name === "source.ts" ? source : null,
    writeFile: (_: string, contents: string | Uint8Array) => {
      if (typeof contents === "string") text = contents;
      else binary = Uint8Array.from(contents);
    },
    listFiles: () => [],
    transforms: [foldOffsets],
  });
  assert(error === null, String(stderr));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { instance } = await WebAssembly.instantiate(binary, { env: { memory } });
  return { text, exports: instance.exports as never, memory };
}

Deno.test("foldOffsets turns constants of an address into its offset, through inlined functions and constants", async () => {
  const { text, exports, memory } = await compile(`
    const TABLE: usize = 1000;
    const ROW: usize = 112;
    @inline function second(row: usize): i32 { return load<i32>(row + ROW, 8); }
    export function read(base: usize): i32 { return second(base + TABLE + 2 * ROW); }
  `);
  assertMatch(text, /local\.get \$0\s+i32\.load offset=1344/);
  new DataView(memory.buffer).setInt32(16 + 1344, 42, true);
  assertEquals(exports.read(16), 42);
});

Deno.test("foldOffsets leaves the value of what it rewrites", async () => {
  const source = `
    export function f(a: i32, b: i32): i32 {
      const x = a + 5;                      // read where no address is
      const y = x * 3 - 7 - b;
      let sum = 0;
      let at = x + 12;                      // set again in a loop
      for (let i = 0; i < 4; ++i) {
        store<i32>(at + 4 * i + 64, y + i);
        sum += load<i32>(at + 4 * i + 64) * (x - 2 * i) + (3 - x);
        at += 16;
      }
      return sum + at * 100000;
    }
  `;
  const { exports } = await compile(source);
  const expected = (a: number, b: number) => {
    const x = a + 5;
    const y = x * 3 - 7 - b;
    let sum = 0;
    for (let i = 0; i < 4; i++) sum += (y + i) * (x - 2 * i) + (3 - x);
    return sum + (x + 12 + 64) * 100000;
  };
  for (const [a, b] of [[0, 0], [3, 9], [100, -4], [1000, 77]]) assertEquals(exports.f(a, b), expected(a, b));
});

Deno.test("foldOffsets folds no negative sum", async () => {
  const { text, exports, memory } = await compile(`export function read(at: usize): i32 { return load<i32>(at - 8); }`);
  assert(!/offset=/.test(text), text);
  new DataView(memory.buffer).setInt32(8, 7, true);
  assertEquals(exports.read(16), 7);
});
