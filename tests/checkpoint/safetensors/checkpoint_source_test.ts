/** What takes a checkpoint takes it in any form. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { certify, harden } from "../../../src/certify/mod.ts";
import {
  type CheckpointSource,
  decodeCheckpoint,
  decodePyTorchCheckpoint,
  encodeAdderBoardSubmission,
  encodeCheckpoint,
  encodeFlax,
  encodeNpz,
  encodeOnnx,
  encodePyTorchCheckpoint,
  importCheckpoint,
} from "../../../src/checkpoint/mod.ts";
import { continueTraining, evaluate, loadAdder, shippedCheckpoint } from "../../../mod.ts";
import { temporaryFolder } from "../../cli/tiny_adder.ts";

const GOLDEN = new URL("../../golden/x0.safetensors", import.meta.url);
const { model, parameters } = decodeCheckpoint(Deno.readFileSync(GOLDEN));
const BYTES = encodeCheckpoint({ model, parameters, metadata: {} });

/** The same checkpoint in all forms. */
function forms(path: string): [what: string, source: CheckpointSource][] {
  const shifted = new Uint8Array(BYTES.length + 3);
  shifted.set(BYTES, 3);
  const shared = new SharedArrayBuffer(BYTES.length);
  new Uint8Array(shared).set(BYTES);
  return [
    ["an object", { model, parameters, metadata: {} }],
    ["an object without metadata", { model, parameters }],
    ["a Uint8Array", BYTES],
    ["a part of a Uint8Array", shifted.subarray(3)],
    ["an ArrayBuffer", BYTES.buffer],
    ["a SharedArrayBuffer", shared],
    ["a DataView", new DataView(BYTES.buffer)],
    ["a path", path],
  ];
}

function nameOfAbort(error: Error): string {
  if (error.name !== "AbortError") throw error;
  return error.name;
}

/** All functions that take a checkpoint, and what shows what they took. */
const TAKERS: readonly (readonly [name: string, take: (source: CheckpointSource) => unknown])[] = [
  ["loadAdder", (source) => loadAdder(source).add(42, 7)],
  ["evaluate", async (source) => (await evaluate(source, [{ a: 42, b: 7 }])).errors],
  ["certify", async (source) => (await certify(source, { seconds: 5, threads: 1 })).weights],
  // a proof takes seconds: that it begins shows what was taken
  ["harden", (source) => harden(source, { signal: AbortSignal.abort() }).catch(nameOfAbort)],
  ["encodeNpz", encodeNpz],
  ["encodeFlax", encodeFlax],
  ["encodeOnnx", encodeOnnx],
  ["encodeAdderBoardSubmission", encodeAdderBoardSubmission],
  ["encodePyTorchCheckpoint", encodePyTorchCheckpoint],
  ["continueTraining", async (from) => (await continueTraining({ from, recipe: "fast", steps: 0 })).parameters],
];

for (const [name, take] of TAKERS) {
  Deno.test(`${name}() takes a checkpoint in any form`, async () => {
    await using folder = await temporaryFolder();
    const path = `${folder.path}/model.safetensors`;
    await Deno.writeFile(path, BYTES);
    const expected = await take(BYTES);
    for (const [what, source] of forms(path)) assertEquals(await take(source), expected, what);
  });

  Deno.test(`${name}() says what it was given instead of a checkpoint`, async () => {
    const wrong: [value: unknown, said: string][] = [
      [GOLDEN, "the URL file://"],
      [Deno.readFile(GOLDEN), "a promise; await it"],
      [new Blob([BYTES]), "not read yet; await its arrayBuffer()"],
      [763, "763"],
      [null, "null"],
    ];
    for (const [value, said] of wrong) {
      const call = async () => await take(value as CheckpointSource);
      const { message } = await assertRejects(call, TypeError, said);
      assert(message.includes("as it must be a checkpoint, its bytes or its path: current value is "), message);
    }
  });
}

Deno.test("decoders take bytes in any form", async () => {
  for (const [, source] of forms("")) {
    if (typeof source === "string" || "parameters" in source) continue;
    assertEquals(decodeCheckpoint(source).parameters, parameters);
    assertEquals((await importCheckpoint(source)).parameters, parameters);
  }
  const pt = encodePyTorchCheckpoint({ model, parameters });
  assertEquals(decodePyTorchCheckpoint(pt.buffer).parameters, parameters);
  assertThrows(
    () => decodeCheckpoint(GOLDEN as never),
    TypeError,
    "must be the bytes of a file: current value is the URL",
  );
});

Deno.test("shippedCheckpoint() and evaluate() are exported, and fit each other", async () => {
  const { total, correct } = await evaluate(shippedCheckpoint(), Float64Array.of(42, 7, 9999999999, 9999999999));
  assertEquals([total, correct], [2, 2]);
});
