/** Memory that the system refuses. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { loadAdder } from "../../../src/adder/load_adder.ts";
import { createEngine, EngineError } from "../../../src/engine/mod.ts";
import { shippedCheckpoint } from "../../../src/weights/mod.ts";
import { outputOf, testIn } from "../../runtimes/program.ts";

testIn(
  "a limit of addresses",
  "an engine that is refused its memory is an EngineError, and those before it go on",
  async () => {
    const source = `
      import { createEngine } from "${new URL("../../../src/engine/mod.ts", import.meta.url)}";
      const engine = await createEngine();
      engine.initialize(0);
      const before = await engine.predict([{ a: 42, b: 7 }]);
      const hoard = []; // of addresses alone: nothing in it is ever touched
      for (let pages = 4096; pages >= 256; pages /= 2) {
        try {
          for (;;) hoard.push(new WebAssembly.Memory({ initial: pages, maximum: pages }));
        } catch { /* less, then */ }
      }
      const { name, message } = await createEngine().catch((error) => error);
      const after = await engine.predict([{ a: 42, b: 7 }]);
      console.log(JSON.stringify([name, message, String(before) === String(after), hoard.length > 0]));
    `;
    // 60 GB of addresses: V8 has some 50 GB of them for itself when it starts
    const script = 'ulimit -v 62914560 && exec "$0" run --no-prompt --no-check "$1"';
    const program = `data:application/typescript,${encodeURIComponent(source)}`;
    const printed = await outputOf("a limit of addresses", ["-c", script, Deno.execPath(), program]);
    const [name, message, ...rest] = JSON.parse(printed);
    assertEquals([name, ...rest], ["EngineError", true, true]);
    assert(/^Cannot create an engine as the system must grant it 16 MiB of memory: .+/.test(message), message);
  },
);

/** Has the system refuse every memory meanwhile. */
async function withoutMemory<T>(run: () => T | Promise<T>): Promise<T> {
  const { Memory } = WebAssembly;
  WebAssembly.Memory = class {
    constructor() {
      throw new RangeError("could not allocate memory");
    }
  } as unknown as typeof Memory;
  try {
    return await run();
  } finally {
    WebAssembly.Memory = Memory;
  }
}

const REFUSED = "as the system must grant it 16 MiB of memory: could not allocate memory";

Deno.test("whatever needs memory of its own says that it was refused", async () => {
  await withoutMemory(async () => {
    await assertRejects(() => createEngine(), EngineError, REFUSED);
    await assertRejects(() => createEngine({ threads: 2 }), EngineError, REFUSED);
    assertThrows(() => loadAdder(shippedCheckpoint()), EngineError, REFUSED);
  });
  assertEquals(loadAdder(shippedCheckpoint()).add(42, 7), 49);
});

Deno.test("more problems than memory has room for are refused with a sentence", async () => {
  for (const backend of ["wasm", "reference"] as const) {
    const engine = await createEngine({ backend });
    assertThrows(
      () => engine.sample({ seed: 1, stream: "evaluation", count: 2 ** 32 - 1 }),
      RangeError,
      "Cannot draw problems as count must be a whole number from 0 to 134217728: current value is 4294967295",
    );
    await engine.dispose();
  }
});
