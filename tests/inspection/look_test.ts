/** Activations and edits of the forward pass. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { type Checkpoint, encodeCheckpoint } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { encodePyTorchCheckpoint } from "../../src/checkpoint/pytorch/pytorch.ts";
import { decodeSafetensors } from "../../src/checkpoint/safetensors/safetensors.ts";
import { type ActivationName, ACTIVATIONS } from "../../src/engine/reference/attention.ts";
import { createEngine } from "../../src/engine/mod.ts";
import { encodeActivations, look } from "../../src/inspection/look.ts";
import { drawOperands } from "../../src/model/sampler.ts";
import { TOKENS, variantOf } from "../../src/model/variant.ts";
import { promptTokens, QUERIES, readSum, targetTokens } from "../../src/model/vocabulary.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { temporaryFolder } from "../cli/tiny_adder.ts";
import { assertClose, goldenSet, goldenSets } from "../golden.ts";
import { python } from "../python/python.ts";
import { testIn } from "../runtimes/program.ts";

const OPERANDS = drawOperands({ seed: 3, stream: "evaluation", count: 100 });

async function checkpointOf(name: string): Promise<Checkpoint> {
  if (name === "shipped") return shippedCheckpoint();
  const { model, weights } = await goldenSet(name);
  return { model, parameters: weights, metadata: {} };
}

for (const golden of await goldenSets()) {
  Deno.test(`look() gives the logits of PyTorch in float64 on ${golden.name}`, async () => {
    for (const { operands, float64 } of golden.batches) {
      if (float64.logits === undefined) continue;
      const some = operands.subarray(0, 2 * float64.logits.length / (QUERIES * TOKENS));
      const { logits } = look(await checkpointOf(golden.name), some, { only: ["logits"] });
      assertClose(logits.values, float64.logits, { relative: 1e-9, of: "logits" });
    }
  });
}

for (const name of ["shipped", "w1", "x1", "n1", "n3"]) {
  testIn("PyTorch", `look() gives every activation of PyTorch's hooks on ${name}, for 100 sums`, async () => {
    await using folder = await temporaryFolder();
    const checkpoint = await checkpointOf(name);
    const seen = look(checkpoint, OPERANDS);
    await Deno.writeFile(join(folder.path, "model.pt"), encodePyTorchCheckpoint(checkpoint));
    await Deno.writeFile(join(folder.path, "model.tokens"), Uint8Array.from(seen.tokens.values));
    await python("hooks.py", folder.path);
    const { width, hidden } = variantOf(checkpoint.model);
    for (const activation of ACTIVATIONS) {
      const expected = new Float64Array((await Deno.readFile(join(folder.path, `model.${activation}`))).buffer);
      const { shape, values } = seen[activation];
      const widths: readonly number[] = [width, hidden, 33, 14];
      assert(shape[0] === 100 && [12, 33].includes(shape[1]) && widths.includes(shape[2]), `${activation}: ${shape}`);
      // both are -Infinity where attention must not look
      const [finite, hooked] = [values, expected].map((all) => all.map((value) => value === -Infinity ? -1e9 : value));
      assertClose(finite, hooked, { absolute: 1e-5, of: activation });
    }
  });
}

Deno.test("look() reads the right answer, or the one that the model writes", async () => {
  const { model, parameters } = await checkpointOf("w1");
  const engine = await createEngine({ backend: "reference", model });
  engine.setParameters(parameters);
  const some = OPERANDS.subarray(0, 20);
  const decoded = await engine.decode(some);
  const right = look({ model, parameters }, some, { only: [] });
  const written = look({ model, parameters }, some, { answer: "written", only: [] });
  for (let i = 0; i < 10; i++) {
    const [a, b] = some.subarray(2 * i);
    assertEquals([...right.tokens.row(i, 0), ...right.tokens.values.subarray(33 * i + 1, 33 * i + 33)], [
      ...promptTokens(a, b),
      ...targetTokens(a, b).slice(0, 11),
    ]);
    const own = decoded.subarray(12 * i, 12 * i + 12);
    assertEquals(Array.from(written.predicted.values.subarray(12 * i, 12 * i + 12)), [...own]);
    assertEquals(Array.from(written.tokens.values.subarray(33 * i + 22, 33 * i + 33)), [...own.subarray(0, 11)]);
    const sum = readSum(own);
    assertEquals(written.sums[i], Number.isNaN(sum) ? null : sum);
  }
  assertEquals(look(shippedCheckpoint(), [{ a: 42n, b: 7 }], { only: [] }).sums, [49]);
  assertEquals(look(encodeCheckpoint(shippedCheckpoint()), [{ a: 42, b: 7 }], { only: [] }).sums, [49]);
});

for (const name of ["shipped", "x1", "n1"]) {
  Deno.test(`on ${name} an activation of another sum, patched in, gives what follows from it there`, async () => {
    const checkpoint = await checkpointOf(name);
    const [one, other] = [OPERANDS.subarray(0, 2), OPERANDS.subarray(2, 4)];
    const [plain, donor] = [one, other].map((each) => look(checkpoint, each));
    const after = (edited: ActivationName) => {
      const edit = {
        [edited]: (_: Float64Array, { step, position }: { step: number; position: number }) =>
          donor[edited].row(0, donor[edited].shape[1] === 33 ? position : step),
      };
      return look(checkpoint, one, { edit });
    };
    // what the rest of the pass is a function of, whole
    for (const edited of ["middle", "output", "logits"] as const) {
      const patched = after(edited);
      assertEquals(patched.logits.values, donor.logits.values, edited);
      assertEquals(patched.mixed.values, plain.mixed.values, edited);
    }
    assertEquals(after("scores").pattern.values, donor.pattern.values);
    assertEquals(after("hidden").feedForwardOut.values, donor.feedForwardOut.values);
    assertEquals(after("activated").feedForwardOut.values, donor.feedForwardOut.values);
    const embedded = after("embedded");
    assertEquals(
      ACTIVATIONS.filter((each) => embedded[each].values.some((value, i) => value !== donor[each].values[i])),
      [],
    );
    for (const edited of ["query", "key", "value", "mixed", "attentionOut", "feedForwardOut"] as const) {
      const patched = after(edited);
      assertEquals(patched[edited].values, donor[edited].values, edited);
      assert(patched.logits.values.some((value, i) => value !== plain.logits.values[i]), edited);
    }
  });
}

Deno.test("an edit gets a copy of each row with its place, and one that returns it changes nothing", () => {
  const problems = [{ a: 1234567890, b: 987654321 }, { a: 5, b: 95 }];
  const plain = look(shippedCheckpoint(), problems);
  const places = new Map<string, number[][]>();
  const edit = Object.fromEntries(ACTIVATIONS.map((name) => {
    const own: number[][] = [];
    places.set(name, own);
    return [
      name,
      (row: Float64Array, { step, problem, position }: { step: number; problem: number; position: number }) => {
        own.push([problem, position, step]);
        const copy = row.slice();
        row.fill(NaN);
        return Array.from(copy);
      },
    ];
  }));
  const edited = look(shippedCheckpoint(), problems, { edit });
  for (const name of ACTIVATIONS) {
    assertEquals(edited[name].values, plain[name].values, name);
    const first = ["embedded", "key", "value"].includes(name) ? 0 : 21;
    const expected = [0, 1].flatMap((problem) =>
      Array.from({ length: 33 - first }, (_, i) => [problem, first + i, first + i - 21])
    );
    assertEquals(places.get(name), expected, name);
  }
});

Deno.test("look() keeps what is asked for, and a file holds the same numbers", () => {
  const seen = look(shippedCheckpoint(), OPERANDS.subarray(0, 4), { only: ["pattern", "logits"] });
  assertEquals(Object.keys(seen), ["pattern", "logits", "tokens", "predicted", "sums"]);
  const { tensors } = decodeSafetensors(encodeActivations(seen));
  assertEquals(tensors.map(({ name, shape, dtype }) => [name, shape, dtype]), [
    ["pattern", [2, 12, 33], "F64"],
    ["logits", [2, 12, 14], "F64"],
    ["tokens", [2, 33], "F64"],
    ["predicted", [2, 12], "F64"],
  ]);
  assertEquals(tensors[1].values, Float32Array.from(seen.logits.values));
  assertEquals(seen.pattern.row(1, 3), seen.pattern.values.subarray((12 + 3) * 33, (12 + 4) * 33));
});

Deno.test("notebooks draw what look() returns, and JSON and comparisons do not see that", () => {
  const seen = look(shippedCheckpoint(), [{ a: 42, b: 7 }]);
  const display = Symbol.for("Jupyter.display");
  for (const result of [seen, ...ACTIVATIONS.map((name) => seen[name])]) {
    const drawing = Reflect.get(result, display)() as Record<string, string>;
    assert(drawing["image/svg+xml"].startsWith("<svg") && !drawing["image/svg+xml"].includes("NaN"));
    assertEquals(
      Reflect.ownKeys(result).filter((key) => Object.keys(result).includes(String(key))).includes(display),
      false,
    );
  }
});

for (
  const [title, options, error, ...named] of [
    ["an unknown activation", { only: ["patern"] }, RangeError, "one of embedded", "value is patern"],
    ["an unknown edit", { edit: { atention: () => [] } }, TypeError, "atention"],
    ["an edit that is none", { edit: { pattern: 0 } }, RangeError, "pattern must be a function", "0"],
    ["an unknown option", { ony: [] }, TypeError, "ony", "only"],
    ["a list that is none", { only: "pattern" }, RangeError, "only", "value is pattern"],
    ["another answer", { answer: "wrong" }, RangeError, "right, written", "value is wrong"],
    [
      "a row too short",
      { edit: { mixed: () => [1, 2] } },
      RangeError,
      "mixed at step 0 of problem 0",
      "7 numbers",
      "2",
    ],
    ["no row", { edit: { mixed: () => undefined } }, RangeError, "mixed at step 0", "undefined"],
    ["no number", { edit: { logits: () => Array(14).fill("x") } }, RangeError, "logits at step 0", "value is x"],
    [
      "attention to what comes",
      { edit: { pattern: () => Array(33).fill(0.5) } },
      RangeError,
      "after 21 must keep 0",
      "0.5",
    ],
  ] as const
) {
  Deno.test(`look() refuses ${title} by its name and value`, () => {
    // deno-lint-ignore no-explicit-any
    const refused = assertThrows(() => look(shippedCheckpoint(), [{ a: 42, b: 7 }], options as any), error);
    for (const part of named) assert(refused.message.includes(part), refused.message);
  });
}

Deno.test("look() refuses operands that cannot be added, and weights that are not the model's", () => {
  assertThrows(() => look(shippedCheckpoint(), [{ a: -1, b: 7 }]), RangeError, "-1");
  const parameters = new Float32Array(762);
  assertThrows(() => look({ model: 763, parameters }, [{ a: 1, b: 7 }]), RangeError, "762");
  assertThrows(() => look(shippedCheckpoint(), new Float64Array(2e6)), RangeError, "134217728");
});
