/** Training runs and sweeps on the GPU. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { loadAdder } from "../../../src/adder/load_adder.ts";
import { readSweep } from "../../../src/sweep/file.ts";
import { gpuTrainer } from "../../../src/sweep/gpu_trainer.ts";
import { planRuns, sweep } from "../../../src/sweep/sweep.ts";
import { TrainingError } from "../../../src/training/error.ts";
import { type Recipe, trainRecipe } from "../../../src/training/recipes.ts";
import { train } from "../../../src/training/train.ts";
import { sha256 } from "../../../src/common/encoding.ts";
import { assertClose } from "../../golden.ts";
import { testOnGpu } from "./gpu.ts";

async function inFolder(use: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "tiny-adder-" });
  try {
    await use(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

const FAST = trainRecipe("fast");

/** A recipe of a few steps whose attempts fail at a gate, one or two for some seeds and none for others. */
const GATED: Recipe = {
  ...FAST,
  name: "gated",
  maxAttempts: 3,
  stages: [{
    ...FAST.stages[0],
    steps: 12,
    warmupSteps: 1,
    curriculum: [{ fromStep: 0, minDigits: 1, maxDigits: 3 }, { fromStep: 5, minDigits: 1, maxDigits: 10 }],
    gate: { atStep: 8, window: 3, loss: 2 },
  }],
};

testOnGpu(
  "train() on the GPU says where it ran, and a resume goes on there with the same bytes",
  () =>
    inFolder(async (out) => {
      const options = { recipe: GATED, seed: 3, backend: "webgpu", finalProblems: 100 } as const;
      const { parameters, report } = await train(options);
      assertEquals(report.backend, "webgpu");
      assert(report.adapter!.name.length > 0);
      await train({ ...options, out, steps: 4 });
      await assertRejects(
        () => train({ out, resume: true, backend: "wasm" }),
        TrainingError,
        "its backend must be the one asked for, wasm: it is webgpu",
      );
      const resumed = await train({ out, resume: true, finalProblems: 100 }); // not on WASM, though nobody says so
      assertEquals(resumed.report.backend, "webgpu");
      assertEquals(resumed.parameters, parameters);
      assertEquals(loadAdder(resumed.checkpoint).add(1, 2), loadAdder(join(out, "model.safetensors")).add(1, 2));
    }),
);

testOnGpu(
  "sweep() on the GPU trains all runs as one population, each to the bytes of the run that it has alone",
  () =>
    inFolder(async (folder) => {
      const out = join(folder, "sweep.jsonl");
      const seeds = [0, 1, 2, 3, 4, 5];
      const runs = planRuns({ recipes: [GATED], models: [763], seeds, arithmetic: "exact" });
      const options = { out, threads: seeds.length, pairs: 50, hard: 50 };
      const done = await sweep(runs, { ...options, trainer: await gpuTrainer() });
      assertEquals(done, { done: 6, known: 0 });
      const lines = await readSweep(out);
      assert(new Set(lines.map(({ attempts }) => attempts)).size > 1, "the gate must close on some seeds, not on all");
      for (const { seed, backend, adapter, arithmetic, weights, attempts } of lines) {
        const { parameters, report } = await train({ recipe: GATED, seed, backend: "webgpu", finalProblems: 1 });
        assertEquals({ backend, arithmetic }, { backend: "webgpu", arithmetic: "fast" });
        assertEquals(adapter, report.adapter!.name);
        assertEquals(attempts, report.restarts.length + 1);
        assertEquals(weights, await sha256(new Float32Array(parameters)), `seed ${seed}`);
      }
      assertEquals(await sweep(runs, { ...options, trainer: await gpuTrainer() }), { done: 0, known: 6 });
    }),
);

testOnGpu(
  "train() on the GPU takes problems of the caller, keeps weights and measures them, as WASM does",
  async () => {
    const run = async (backend: "webgpu" | "wasm") => {
      const measures: number[] = [];
      const { parameters } = await train({
        ...{ recipe: GATED, seed: 3, backend, steps: 6, finalProblems: 10, keep: [0, 4] },
        problems: ({ step, count }) =>
          Array.from({ length: count }, (_, i) => ({ a: 7919 * step + 31 * i, b: 31 * step + i })),
        onProgress: (event) => event.type === "measures" && measures.push(event.step, ...event.positionLoss),
      });
      return { parameters, measures };
    };
    const [gpu, wasm] = [await run("webgpu"), await run("wasm")];
    assertClose(gpu.parameters, wasm.parameters, { absolute: 1e-5, of: "parameters" });
    assertClose(gpu.measures, wasm.measures, { absolute: 1e-4, of: "measures" });
  },
);
