import { assert, assertEquals, assertThrows } from "@std/assert";
import { CheckpointError } from "../../../src/checkpoint/common/error.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsInput,
} from "../../../src/checkpoint/safetensors/safetensors.ts";
import { decodeState, encodeState } from "../../../src/checkpoint/safetensors/state.ts";

const STATE = {
  progress: { step: 4000, loss: 0.1 + 0.2, stage: "explore", restarts: [{ gate: 0.3 }], tiny: 5e-324 },
  parameters: new Float32Array(763).fill(1.5),
  firstMoment: new Float32Array(763).fill(-1e-30),
  secondMoment: new Float32Array(763).fill(1e-45),
};

Deno.test("decodeState() gives back what encodeState() was given, to the bit", () => {
  const state = decodeState(encodeState(STATE));
  assertEquals(state, STATE);
  assert(!("best" in state));
  const withBest = { ...STATE, best: new Float32Array(763).fill(2) };
  assertEquals(decodeState(encodeState(withBest)), withBest);
  assertEquals(encodeState(decodeState(encodeState(withBest))), encodeState(withBest));
});

Deno.test("encodeState() refuses what could not be read back", () => {
  const write = (change: Partial<typeof STATE>) => () => encodeState({ ...STATE, ...change });
  assertThrows(
    write({ firstMoment: new Float32Array(7) }),
    CheckpointError,
    "tensor first_moment must be as long as the parameters, 763: current length is 7",
  );
  assertThrows(
    write({ parameters: new Float32Array(7) }),
    CheckpointError,
    "it must be that of a model: current size is 7",
  );
  assertThrows(
    write({ progress: { ...STATE.progress, loss: NaN } }),
    CheckpointError,
    'its progress must hold finite numbers: "loss" is NaN',
  );
});

const REFUSED: [what: string, change: (content: SafetensorsInput) => SafetensorsInput, message: string][] = [
  ["a checkpoint", ({ tensors }) => ({ tensors }), "its format_version must be 1: current value is missing"],
  [
    "a missing moment",
    (content) => ({ ...content, tensors: content.tensors.slice(0, 2) }),
    "a state must have tensor second_moment: the file holds none",
  ],
  [
    "an extra tensor",
    (content) => ({ ...content, tensors: [...content.tensors, { ...content.tensors[0], name: "third_moment" }] }),
    "a state has no tensor third_moment: the file holds one",
  ],
  [
    "a moment of another length",
    (content) => ({
      ...content,
      tensors: content.tensors.with(1, { ...content.tensors[1], shape: [7], values: new Float32Array(7) }),
    }),
    "tensor first_moment must be as long as the parameters, 763: current length is 7",
  ],
  [
    "no progress",
    (content) => ({ ...content, metadata: { format_version: "1" } }),
    "its progress must be a JSON object: current value is missing",
  ],
  [
    "progress that is no JSON",
    (content) => ({ ...content, metadata: { format_version: "1", progress: "{" } }),
    'current value is "{"',
  ],
  [
    "progress that is a list",
    (content) => ({ ...content, metadata: { format_version: "1", progress: "[]" } }),
    'current value is "[]"',
  ],
];
for (const [what, change, message] of REFUSED) {
  Deno.test(`decodeState() refuses ${what}`, () => {
    const bytes = encodeSafetensors(change(decodeSafetensors(encodeState(STATE))));
    assertThrows(() => decodeState(bytes, { source: "a" }), CheckpointError, `Cannot read a as`);
    assertThrows(() => decodeState(bytes), CheckpointError, message);
  });
}
