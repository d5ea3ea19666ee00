/** Our ONNX files in onnxruntime-web. */
import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import type { Checkpoint } from "../../../src/checkpoint/safetensors/checkpoint.ts";
import { encodeOnnx } from "../../../src/checkpoint/onnx/onnx.ts";
import { createEngine } from "../../../src/engine/mod.ts";
import { adderBoardCases } from "../../../src/evaluation/adderboard.ts";
import { MODELS, variantOf } from "../../../src/model/variant.ts";
import { PROMPT_LENGTH, promptTokens, QUERIES, SUM_DIGITS } from "../../../src/model/vocabulary.ts";
import { shippedCheckpoint } from "../../../src/weights/mod.ts";
import { temporaryFolder } from "../../cli/tiny_adder.ts";
import { livelyParameters } from "../../engine/lively.ts";
import { goldenSets } from "../../golden.ts";
import { outputOf } from "../../runtimes/program.ts";
import { assertLogitsClose, engineLogits, queried, tokensOf } from "../logits.ts";

const SUMS = 1000;
const RUNTIME = fromFileUrl(new URL("./onnx_runtime.ts", import.meta.url));
const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));

/** The first of the AdderBoard's cases, its edge cases among them. */
const OPERANDS = adderBoardCases().slice(0, 2 * SUMS);

/** Prompts [n, 22] of operands. */
function prompts(operands: Float64Array): Uint8Array {
  const bytes = new Uint8Array(PROMPT_LENGTH * operands.length / 2);
  for (let i = 0; i < operands.length; i += 2) {
    bytes.set(promptTokens(operands[i], operands[i + 1]), PROMPT_LENGTH * i / 2);
  }
  return bytes;
}

/** Digits [n, 11] that our engine writes. */
async function decoded({ model, parameters }: Checkpoint, operands: Float64Array): Promise<Uint8Array> {
  const engine = await createEngine({ model });
  try {
    engine.setParameters(parameters);
    const tokens = await engine.decode(operands);
    return tokens.filter((_, i) => i % QUERIES < SUM_DIGITS);
  } finally {
    await engine.dispose();
  }
}

const golden = new Map((await goldenSets()).map(({ name, model, weights }) => [name, { model, weights }]));
const models: [name: string, checkpoint: Checkpoint][] = [
  ["the shipped weights", shippedCheckpoint()],
  ...["w1", "x1", "n1", "n3"].map((name): [string, Checkpoint] => {
    const { model, weights } = golden.get(name)!;
    return [name, { model, parameters: weights, metadata: {} }];
  }),
  ...(["2x1", "2x14+norm", "3x1", "7x1", "5x14+norm"] as const).map((model): [string, Checkpoint] => {
    return [`drawn weights of ${model}`, { model, parameters: livelyParameters(model), metadata: {} }];
  }),
];

for (const [name, checkpoint] of models) {
  Deno.test(`${name} give onnxruntime-web the logits and the digits of our engine, on ${SUMS} sums`, async () => {
    await using folder = await temporaryFolder();
    const file = (name: string) => join(folder.path, name);
    await Deno.writeFile(file("model.onnx"), encodeOnnx(checkpoint));
    await Deno.writeFile(file("tokens"), await tokensOf(SUMS));
    await Deno.writeFile(file("prompts"), prompts(OPERANDS));
    const files = ["model.onnx", "tokens", "logits", "prompts", "digits"].map(file);
    const ports = await outputOf(Deno.execPath(), [
      ...["run", "--quiet", "--allow-all", "--no-prompt", "--config", CONFIG, RUNTIME],
      ...files,
    ]);
    assertEquals(JSON.parse(ports), [
      [{ name: "tokens", isTensor: true, type: "int64", shape: ["batch", "length"] }],
      [{ name: "logits", isTensor: true, type: "float32", shape: ["batch", "length", 14] }],
    ]);

    const logits = new Float32Array((await Deno.readFile(file("logits"))).buffer);
    assertLogitsClose(queried(logits, SUMS), await engineLogits(checkpoint, "wasm", SUMS), name);
    assertEquals(await Deno.readFile(file("digits")), await decoded(checkpoint, OPERANDS));
  });
}

/** The fields of a Protocol Buffers message: numbers where they are varints, else bytes. */
function* fields(message: Uint8Array): Generator<[field: number, value: number | Uint8Array]> {
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = BigInt(message[at++]);
      value |= (byte & 0x7fn) << shift;
      if (byte < 0x80n) return Number(BigInt.asIntN(64, value));
    }
  };
  while (at < message.length) {
    const tag = varint();
    if ((tag & 7) === 0) {
      yield [tag >> 3, varint()];
    } else {
      const length = (tag & 7) === 2 ? varint() : 4;
      yield [tag >> 3, message.subarray(at, at += length)];
    }
  }
}

Deno.test("an ONNX file says what it is, who wrote it and where its weights come from", () => {
  const text = (bytes: number | Uint8Array) => new TextDecoder().decode(bytes as Uint8Array);
  const checkpoint = {
    model: 763,
    parameters: new Float32Array(763),
    metadata: { seed: "1", recipe: "fast" },
  } as const;
  const file = [...fields(encodeOnnx(checkpoint))];
  const only = (wanted: number) => file.filter(([field]) => field === wanted).map(([, value]) => value);
  assertEquals(only(1), [8]); // ModelProto.ir_version
  assertEquals(only(2).map(text), ["tiny-adder"]); // producer_name
  assertEquals([...fields(only(8)[0] as Uint8Array)].filter(([field]) => field === 2), [[2, 17]]); // opset_import
  const graph = [...fields(only(7)[0] as Uint8Array)];
  assertEquals(text(graph.find(([field]) => field === 2)![1]), "tiny-adder-763"); // GraphProto.name
  const properties = only(14).map((entry) => [...fields(entry as Uint8Array)].map(([, value]) => text(value)));
  assertEquals(properties, [["format_version", "1"], ["model", "763"], ["recipe", "fast"], ["seed", "1"]]);
});

for (const model of MODELS) {
  Deno.test(`the initializers of an ONNX file are the tensors of model ${model} and nothing else`, () => {
    const parameters = Float32Array.from({ length: model }, (_, i) => i);
    const file = [...fields(encodeOnnx({ model, parameters, metadata: {} }))];
    const graph = file.find(([field]) => field === 7)![1] as Uint8Array; // ModelProto.graph
    const found = [...fields(graph)].filter(([field]) => field === 5).map(([, initializer]) => { // GraphProto.initializer
      const tensor = [...fields(initializer as Uint8Array)];
      const bytes = tensor.find(([field]) => field === 9)![1] as Uint8Array; // TensorProto.raw_data
      return {
        name: new TextDecoder().decode(tensor.find(([field]) => field === 8)![1] as Uint8Array),
        shape: tensor.filter(([field]) => field === 1).map(([, extent]) => extent),
        values: new Float32Array(bytes.slice().buffer),
      };
    });
    const expected = variantOf(model).tensors.map(({ name, shape, offset, size }) => ({
      name,
      shape: [...shape],
      values: parameters.slice(offset, offset + size),
    }));
    assertEquals(found, expected);
  });
}
