/** The short form of `deno task fuzz`: the first cases of each target, and all that ever found a fault. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { concatenate } from "../../src/checkpoint/common/bytes.ts";
import { decodePyTorchCheckpoint, importCheckpoint } from "../../src/checkpoint/import_checkpoint.ts";
import { readZip, writeZip } from "../../src/checkpoint/common/zip.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/checkpoint/safetensors/safetensors.ts";
import { createEngine } from "../../src/engine/mod.ts";
import { parseCases } from "../../src/evaluation/cases.ts";
import { trainRecipe } from "../../src/training/recipes.ts";
import { ARGUMENT_TARGETS } from "./arguments.ts";
import { FILE_TARGETS } from "./files.ts";
import { fuzz, fuzzCase, type Target } from "./fuzz.ts";
import { MEMORY_TARGETS } from "./memory.ts";

const SEED = 1;
const CASES: Readonly<Record<string, number>> = {
  "WASM memory, exact": 300,
  "WASM memory, fast": 300,
  "API arguments": 1500,
  "certificates, sealed, cuts": 500,
};
const TARGETS = [...FILE_TARGETS, ...ARGUMENT_TARGETS, ...MEMORY_TARGETS];

for (const target of TARGETS) {
  const cases = CASES[target.name] ?? 4000;
  Deno.test(`fuzzing: ${cases} inputs of the kind of ${target.name} are taken or refused with a sentence`, async () => {
    const { taken, refused } = await fuzz(target, cases, SEED);
    assertEquals(taken + refused, cases);
    assert(taken > 0, "no input was ever taken: the fuzzer gets nowhere");
    assert(refused > 0 || target.refuses.length === 0, "no input was ever refused: the fuzzer does nothing");
  });
}

/** Cases that found a fault once: `deno task fuzz --target NAME --seed S --only I` runs one. */
const FOUND: readonly (readonly [target: string, seed: number, index: number, fault: string])[] = [
  ["sweep lines", 1, 20, "a message as long as the line"],
  ["sweep lines", 1, 1633, "a message with a line break of the file's"],
  ["recipes", 1, 2503, "a message with a line break of the file's"],
  ["command lines", 1, 7152, "a flag of the parser's own: --_"],
  ["command lines", 1, 32290, "the same by its letter: -_"],
  ["WASM memory, exact", 1, 2, "decoding with the 777 model wrote to address 0"],
  ["API arguments", 1, 33, "a recipe without stages"],
  ["API arguments", 1, 127, "bytes that are none"],
  ["API arguments", 1, 2411, "a model that cannot be shown"],
  ["certificates, sealed, cuts", 1, 480, "a reason that was the runtime's: of null (reading 'length')"],
];

for (const [name, seed, index, fault] of FOUND) {
  Deno.test(`fuzzing: case ${index} of ${name} has no fault any more: ${fault}`, async () => {
    await fuzzCase(TARGETS.find((target) => target.name === name)!, seed, index);
  });
}

Deno.test("decoding with the 777 model changes nothing of the training after it", async () => {
  const [stage] = trainRecipe("fast").stages;
  const train = async (decodeFirst: boolean) => {
    const engine = await createEngine({ model: 777 });
    engine.initialize(0);
    if (decodeFirst) await engine.decode([{ a: 1, b: 2 }]);
    engine.initialize(1);
    const start = { seed: 1, attempt: 0, firstSample: 0, firstStep: 0, steps: 3000, minDigits: 1, maxDigits: 10 };
    await engine.trainRun({ ...start, stage });
    return engine.parameters();
  };
  assertEquals(await train(true), await train(false));
});

Deno.test("the fuzzer notices what it is there for", async () => {
  const target = (run: () => unknown): Target => ({
    name: "a target",
    make: () => 0,
    run,
    refuses: [RangeError],
    says: /somewhere/,
  });
  const faults: [run: () => unknown, said: string][] = [
    [() => (undefined as unknown as string).length, "none of ours"],
    [() => {
      throw new RangeError("Cannot do it as it must be right:\nit is not");
    }, "something else than a sentence"],
    [() => {
      throw new RangeError(`Cannot do it as ${"x".repeat(2000)}`);
    }, "something else than a sentence"],
    [() => {
      throw new RangeError("Cannot do it as it must be right: it is not");
    }, "does not say where"],
  ];
  for (const [run, said] of faults) {
    const { message } = await assertRejects(() => fuzzCase(target(run), 7, 3), Error);
    assertStringIncludes(message, said);
    assertStringIncludes(message, "Case 3 of seed 7 of a target");
  }
  assertEquals(
    await fuzzCase(
      target(() => {
        throw new RangeError("Cannot do it as somewhere it is wrong");
      }),
      7,
      3,
    ),
    false,
  );
});

/** Bytes in use after something is done that were not before. */
function bytesOf(work: () => void): number {
  const used = () => {
    const { heapUsed, external } = Deno.memoryUsage();
    return heapUsed + external;
  };
  const before = used();
  work();
  return used() - before;
}

const LARGE = 2 ** 24; // the most that is read of a checkpoint

Deno.test("reading a checkpoint takes no more memory than twice the file", () => {
  const size = LARGE / 4;
  const file = encodeSafetensors({
    tensors: [{ name: "large", shape: [size], values: new Float32Array(size).fill(1) }],
  });
  const grown = bytesOf(() => assertEquals(decodeSafetensors(file).tensors[0].values.length, size));
  assert(grown < 2 * file.length, `${grown} bytes for a file of ${file.length}`);
});

Deno.test("reading a .pt takes no more memory than twice the file", async () => {
  const golden = await Deno.readFile(new URL("../golden/w0.pt", import.meta.url));
  const file = writeZip([...readZip(golden, "read it"), ["archive/data/large", new Uint8Array(LARGE)]]);
  const grown = bytesOf(() => assertEquals(decodePyTorchCheckpoint(file).parameters.length, 763));
  assert(grown < 2 * file.length, `${grown} bytes for a file of ${file.length}`);
});

Deno.test("importing takes no more memory than twice the file, however an .npz is packed", async () => {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${LARGE / 4},), }`.padEnd(117) + "\n";
  const npy = Uint8Array.from(`\x93NUMPY\x01\x00\x76\x00${header}`, (letter) => letter.charCodeAt(0));
  const large = concatenate([npy, crypto.getRandomValues(new Uint8Array(2 ** 16)), new Uint8Array(LARGE - 2 ** 16)]);
  const golden = await Deno.readFile(new URL("../golden/import/npz_prefix_and_more.npz", import.meta.url));
  const file = writeZip([...readZip(golden, "read it"), ["large.npy", large]]);
  const before = Deno.memoryUsage();
  assertEquals((await importCheckpoint(file)).parameters.length, 763);
  const after = Deno.memoryUsage();
  const grown = after.heapUsed + after.external - before.heapUsed - before.external;
  assert(grown < 2 * file.length, `${grown} bytes for a file of ${file.length}`);
});

Deno.test("reading a case file takes no more memory than twice the file", () => {
  const text = "a,b\n" + "1234567890,9876543210\n".repeat(1_500_000); // 33 MB, beside which 20 MB of garbage do not tell
  assertEquals(text.charCodeAt(text.length - 1), 10); // puts the pieces together
  const grown = bytesOf(() => assertEquals(parseCases(text).length, 3_000_000));
  assert(grown < 2 * text.length, `${grown} bytes for a file of ${text.length}`);
});

Deno.test("a header that promises what the file has not is refused before anything is made for it", () => {
  for (const shape of [[2 ** 40], [2 ** 20, 2 ** 20], [2 ** 50]]) {
    const end = shape.reduce((product, extent) => product * extent, 4);
    const json = new TextEncoder().encode(JSON.stringify({ w: { dtype: "F32", shape, data_offsets: [0, end] } }));
    const file = new Uint8Array(8 + json.length + 16);
    new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
    file.set(json, 8);
    try {
      decodeSafetensors(file, { source: "large" });
      throw new Error("it was taken");
    } catch (error) {
      assertStringIncludes(
        (error as Error).message,
        `Cannot read large as its header promises ${end} bytes of tensors`,
      );
    }
  }
});
