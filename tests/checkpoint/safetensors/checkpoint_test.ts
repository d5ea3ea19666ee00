import { assertEquals, assertThrows } from "@std/assert";
import { decodeCheckpoint, encodeCheckpoint } from "../../../src/checkpoint/safetensors/checkpoint.ts";
import { CheckpointError } from "../../../src/checkpoint/common/error.ts";
import { encodeOnnx } from "../../../src/checkpoint/onnx/onnx.ts";
import { encodePyTorchCheckpoint } from "../../../src/checkpoint/pytorch/pytorch.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsTensor,
} from "../../../src/checkpoint/safetensors/safetensors.ts";
import { MODELS, tensorView, variantOf } from "../../../src/model/variant.ts";
import { goldenSets } from "../../golden.ts";

/** Weights that are all different. */
function weights(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => (i - count / 2) / 64);
}

/** The tensors of a checkpoint, to be changed before they are written again. */
function tensorsOf(model: 763 | 777): SafetensorsTensor[] {
  return decodeSafetensors(encodeCheckpoint({ model, parameters: weights(model), metadata: {} })).tensors;
}

for (const golden of await goldenSets()) {
  Deno.test(`decodeCheckpoint() reads ${golden.name} as PyTorch wrote it`, async () => {
    const bytes = await Deno.readFile(golden.files.safetensors);
    const checkpoint = decodeCheckpoint(bytes);
    assertEquals(checkpoint, { model: golden.model, parameters: golden.weights, metadata: { format: "pt" } });
  });
}

for (const model of MODELS) {
  Deno.test(`decodeCheckpoint() gives back model ${model} as encodeCheckpoint() was given it`, () => {
    const parameters = weights(model);
    const bytes = encodeCheckpoint({ model, parameters, metadata: { seed: "7", model: "999", format_version: "0" } });
    const metadata = { seed: "7", model: String(model), format_version: "1" };
    assertEquals(decodeCheckpoint(bytes, { model }), { model, parameters, metadata });
    assertEquals(encodeCheckpoint(decodeCheckpoint(bytes)), bytes);
  });

  Deno.test(`encodeCheckpoint() writes the tensors of model ${model} by PyTorch's names, in order`, () => {
    const parameters = weights(model);
    const { tensors } = decodeSafetensors(encodeCheckpoint({ model, parameters, metadata: {} }));
    const variant = variantOf(model);
    assertEquals(
      tensors.map(({ name, shape }) => ({ name, shape })),
      variant.tensors.map(({ name, shape }) => ({ name, shape })),
    );
    for (const { name, values } of tensors) assertEquals(values, tensorView(parameters, variant, name).slice());
  });

  Deno.test(`decodeCheckpoint() reads the tensors of model ${model} in any order`, () => {
    const bytes = encodeSafetensors({ tensors: tensorsOf(model).reverse() });
    assertEquals(decodeCheckpoint(bytes), { model, parameters: weights(model), metadata: {} });
  });
}

Deno.test("encodeCheckpoint() refuses parameters of another model, and those that are not finite", () => {
  const write = (parameters: Float32Array) => () => encodeCheckpoint({ model: 763, parameters, metadata: {} });
  assertThrows(write(weights(777)), CheckpointError, "as model 763 must have 763 parameters: current length is 777");
  assertThrows(
    write(weights(763).fill(Infinity, 99)),
    CheckpointError,
    "tensor pos_emb.weight must hold finite numbers: value 1 is Infinity",
  );
});

Deno.test("decodeCheckpoint() accepts an output projection that is spelled out and tied", () => {
  const tensors = tensorsOf(763);
  const bytes = encodeSafetensors({ tensors: [{ ...tensors[0], name: "output_proj.weight" }, ...tensors] });
  assertEquals(decodeCheckpoint(bytes).parameters, weights(763));
});

const tied = (change: Partial<SafetensorsTensor>) => (tensors: SafetensorsTensor[]) => [
  ...tensors,
  { ...tensors[0], name: "output_proj.weight", ...change },
];
const REFUSED: [what: string, change: (tensors: SafetensorsTensor[]) => SafetensorsTensor[], message: string][] = [
  ["no tensors", () => [], "model 763 must have tensor tok_emb.weight: the file holds none of that name"],
  [
    "a missing tensor",
    (tensors) => tensors.toSpliced(4, 1),
    "model 777 must have tensor blocks.0.attn.qkv.weight: the file holds none",
  ],
  [
    "half of a final LayerNorm",
    (tensors) => tensors.slice(0, 11),
    "model 777 must have tensor ln_f.bias: the file holds none",
  ],
  [
    "an extra tensor",
    (tensors) => [...tensors, { name: "blocks.1.ln1.weight", shape: [7], values: weights(7) }],
    "model 777 has no tensor blocks.1.ln1.weight: the file holds one",
  ],
  [
    "a transposed tensor",
    (tensors) => tensors.with(9, { ...tensors[9], shape: [14, 7] }),
    "tensor blocks.0.ffn.w2.weight must be of shape [7,14]: current value is [14,7]",
  ],
  [
    "a flat tensor",
    (tensors) => tensors.with(0, { ...tensors[0], shape: [98] }),
    "tensor tok_emb.weight must be of shape [14,7]: current value is [98]",
  ],
  [
    "an output projection of its own",
    tied({ values: weights(98) }),
    "tensor output_proj.weight must equal tok_emb.weight, to which it is tied: value 0 is -0.765625 instead of -6.0703125",
  ],
  [
    "a transposed output projection",
    tied({ shape: [7, 14] }),
    "tensor output_proj.weight must be of shape [14,7]: current value is [7,14]",
  ],
];
for (const [what, change, message] of REFUSED) {
  Deno.test(`decodeCheckpoint() refuses ${what}`, () => {
    const bytes = encodeSafetensors({ tensors: change(tensorsOf(777)) });
    assertThrows(() => decodeCheckpoint(bytes, { source: "a" }), CheckpointError, `Cannot read a as ${message}`);
  });
}

Deno.test("no format takes weights that are not finite, wherever they stand", () => {
  const places = { 0: "tok_emb.weight must hold finite numbers: value 0 is NaN", 762: "value 97 is NaN" };
  for (const [index, place] of Object.entries(places)) {
    const parameters = new Float32Array(763);
    parameters[Number(index)] = NaN;
    for (const encode of [encodeCheckpoint, encodePyTorchCheckpoint, encodeOnnx]) {
      assertThrows(() => encode({ model: 763, parameters, metadata: {} }), CheckpointError, place);
    }
  }
});

Deno.test("decodeCheckpoint() refuses NaN, naming tensor and place", () => {
  const bytes = encodeCheckpoint({ model: 763, parameters: weights(763), metadata: {} });
  new DataView(bytes.buffer).setFloat32(bytes.length - 4, NaN, true);
  assertThrows(
    () => decodeCheckpoint(bytes),
    CheckpointError,
    "tensor blocks.0.ffn.w2.weight must hold finite numbers: value 97 is NaN",
  );
});

Deno.test("decodeCheckpoint() refuses a model that is not the one asked for", () => {
  const bytes = encodeSafetensors({ tensors: tensorsOf(777) });
  assertThrows(
    () => decodeCheckpoint(bytes, { source: "x0.safetensors", model: 763 }),
    CheckpointError,
    "Cannot read x0.safetensors as it must hold model 763: current value is model 777",
  );
});

Deno.test("decodeCheckpoint() refuses a version that it does not know, and a file of ours that contradicts itself", () => {
  const read = (metadata: Record<string, string>) => () =>
    decodeCheckpoint(encodeSafetensors({ tensors: tensorsOf(763), metadata }));
  assertThrows(
    read({ format_version: "2", model: "763" }),
    CheckpointError,
    'its format_version must be 1: current value is "2"',
  );
  assertThrows(
    read({ format_version: "1", model: "777" }),
    CheckpointError,
    'must name model 763, whose tensors it holds: current value is "777"',
  );
  assertEquals(read({ model: "an adder" })().model, 763);
});
