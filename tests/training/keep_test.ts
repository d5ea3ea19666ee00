/** Weights that are kept on the way, and what is measured of them. */
import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { readCheckpointFile } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { createEngine } from "../../src/engine/mod.ts";
import { argmax } from "../../src/engine/reference/model.ts";
import { look } from "../../src/inspection/look.ts";
import { initialParameters } from "../../src/model/initialization.ts";
import { variantOf } from "../../src/model/variant.ts";
import { targetTokens } from "../../src/model/vocabulary.ts";
import type { TrainOptions } from "../../src/training/types.ts";
import { train } from "../../src/training/train.ts";
import type { ProgressEvent } from "../../src/training/types.ts";
import { temporaryFolder } from "../cli/tiny_adder.ts";
import { assertClose } from "../golden.ts";
import { shortRecipe, shortStage } from "./short_recipe.ts";

type Kept = Extract<ProgressEvent, { type: "checkpoint" }>;
type Measures = Extract<ProgressEvent, { type: "measures" }>;

const RECIPE = shortRecipe({ stages: [shortStage({ steps: 1100 }), shortStage({ name: "second", steps: 1000 })] });

async function run(options: TrainOptions) {
  const events: ProgressEvent[] = [];
  const result = await train({
    ...{ recipe: RECIPE, seed: 4, finalProblems: 100, ...options },
    onProgress: (event) => events.push(event),
  });
  const kept = events.filter((event): event is Kept => event.type === "checkpoint");
  const measures = events.filter((event): event is Measures => event.type === "measures");
  return { ...result, events, kept, measures };
}

async function filesOf(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(`${folder}/steps`), ({ name }) => name)).sort();
}

const LOG = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 2000];

Deno.test("keep: log keeps steps 0, 1, 2, 4 … 512, then every 1,000, in events and files, and changes no byte", async () => {
  await using folder = await temporaryFolder();
  const plain = await run({});
  const { checkpoint, kept, measures } = await run({ keep: "log", out: folder.path });
  assertEquals(checkpoint, plain.checkpoint);
  assertEquals(kept.map(({ step }) => step), [...LOG, 2100]);
  assertEquals(measures.map(({ step }) => step), LOG);
  assertEquals(await filesOf(folder.path), LOG.map((step) => `${step}.safetensors`).sort());
  for (const { step, path, parameters } of kept.slice(0, -1)) {
    assertEquals(path, `${folder.path}/steps/${step}.safetensors`);
    const file = await readCheckpointFile(path!);
    assertEquals(file.parameters, parameters);
    assertEquals([file.model, file.metadata.step, file.metadata.seed, file.metadata.recipe], [
      763,
      `${step}`,
      "4",
      "short",
    ]);
  }
  assertClose(kept[0].parameters, initialParameters(variantOf(763), 4), { absolute: 1e-6, of: "step 0" });
  // each is what a run of that many steps ends with
  for (const step of [1, 64, 1000]) {
    assertEquals((await run({ steps: step })).parameters, kept.find((each) => each.step === step)!.parameters);
  }
  const lines = (await Deno.readTextFile(`${folder.path}/log.jsonl`)).trim().split("\n").map((line) =>
    JSON.parse(line)
  );
  const logged = lines.filter(({ event }) => event === "measures").map(({ event: _, ...line }) => line);
  assertEquals(logged, measures.map(({ type: _, ...event }) => event));
});

Deno.test("keep: a list keeps its steps, in memory alone without a folder", async () => {
  const { kept } = await run({ keep: [7, 0, 2100] });
  assertEquals(kept.map(({ step, path }) => [step, path]), [[0, null], [7, null], [2100, null]]);
});

Deno.test("measures are those of the weights: loss by position, accuracy by digit, sums written correctly, norms by tensor", async () => {
  const { kept, measures } = await run({ keep: [2000], model: "4x8" });
  const [{ positionLoss, digitAccuracy, weightNorms, total, correct }, { parameters }] = [measures[0], kept[0]];
  const engine = await createEngine({ backend: "reference", model: "4x8" });
  engine.setParameters(parameters);
  const operands = engine.sample({ seed: 4, stream: "evaluation", sample: 1, count: total });
  const { loss } = await engine.lossAndGradient(operands);
  assertAlmostEquals(positionLoss.reduce((sum, each) => sum + each) / 12, loss, 1e-4);
  const { logits } = look({ model: "4x8", parameters }, operands, { only: ["logits"] });
  const third = Array.from({ length: total }, (_, i) => {
    const row = logits.row(i, 3);
    const normalizer = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
    return normalizer - row[targetTokens(operands[2 * i], operands[2 * i + 1])[3]];
  });
  assertAlmostEquals(positionLoss[3], third.reduce((sum, each) => sum + each) / total, 1e-4);
  const targets = Array.from({ length: total }, (_, i) => targetTokens(operands[2 * i], operands[2 * i + 1]));
  const right = Array.from(
    { length: 11 },
    (_, digit) => targets.filter((target, i) => argmax(logits.row(i, digit)) === target[digit]).length / total,
  );
  assertClose(digitAccuracy, right, { absolute: 0.02, of: "accuracy" }); // float32 may decide a tie otherwise
  const tokens = await engine.decode(operands);
  const written = targets.filter((target, i) =>
    target.slice(0, 11).every((token, digit) => tokens[12 * i + digit] === token)
  );
  assertAlmostEquals(correct, written.length, 1);
  const { tensors } = variantOf("4x8");
  assertEquals(Object.keys(weightNorms), tensors.map(({ name }) => name));
  const squares = parameters.reduce((sum, value) => sum + value ** 2, 0);
  assertAlmostEquals(Object.values(weightNorms).reduce((sum, norm) => sum + norm ** 2, 0), squares, 1e-6 * squares);
});

Deno.test("an interrupted run goes on keeping, with the same files in the end", async () => {
  await using folder = await temporaryFolder();
  await run({ keep: "log", out: `${folder.path}/whole` });
  const stop = new AbortController();
  const out = `${folder.path}/parts`;
  await assertRejects(
    () =>
      train({
        ...{ recipe: RECIPE, seed: 4, finalProblems: 100, keep: "log", out, signal: stop.signal },
        onProgress: (event) => event.type === "checkpoint" && event.step === 128 && stop.abort(new Error("enough")),
      }),
    Error,
    "enough",
  );
  const { kept } = await run({ recipe: undefined, seed: undefined, out, resume: true });
  assertEquals(kept.at(-2)!.step, 2000);
  assertEquals(await filesOf(out), await filesOf(`${folder.path}/whole`));
  for (const name of await filesOf(out)) {
    assertEquals(
      await Deno.readFile(`${out}/steps/${name}`),
      await Deno.readFile(`${folder.path}/whole/steps/${name}`),
    );
  }
});

for (const attempts of [undefined, 2]) {
  Deno.test(`a restart begins the series anew${attempts ? ", also side by side" : ""}, as does a run in place of another`, async () => {
    await using folder = await temporaryFolder();
    const recipe = shortRecipe({
      maxAttempts: 2,
      stages: [shortStage({ steps: 200, gate: { atStep: 150, window: 50, loss: 0 } })],
    });
    const { kept, parameters } = await run({ recipe, attempts, keep: [0, 140, 200], out: folder.path });
    assertEquals(kept.map(({ step }) => step), [0, 140, 0, 140, 200, 200]);
    assertEquals(kept.at(-1)!.parameters, parameters);
    const file = await readCheckpointFile(`${folder.path}/steps/140.safetensors`);
    assertEquals([file.metadata.attempt, file.parameters], ["1", kept[3].parameters]);
    await run({ recipe, keep: [100], out: folder.path, overwrite: true });
    assertEquals(await filesOf(folder.path), ["100.safetensors"]);
  });
}

Deno.test("keep must be log or a list of steps", async () => {
  for (const keep of ["all", [-1], [0.5], 7]) {
    // deno-lint-ignore no-explicit-any
    await assertRejects(() => train({ keep: keep as any }), RangeError, "keep must be log or a list of steps");
  }
});
