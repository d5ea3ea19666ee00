/** Any number of threads: the same bytes, and nothing left behind. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Arithmetic, createEngine } from "../../../src/engine/mod.ts";
import { trainRecipe } from "../../../src/training/recipes.ts";

const [STAGE] = trainRecipe("fast").stages;

async function withEngine<T>(
  threads: number,
  arithmetic: Arithmetic,
  use: (engine: Awaited<ReturnType<typeof createEngine>>) => Promise<T>,
) {
  const engine = await createEngine({ threads, arithmetic });
  try {
    return await use(engine);
  } finally {
    await engine.dispose();
  }
}

/** Weights after 40 steps at a batch, and what they decode. */
function trained(threads: number, arithmetic: Arithmetic, batch: number) {
  return withEngine(threads, arithmetic, async (engine) => {
    assertEquals(engine.threads, threads);
    engine.initialize(3);
    const run = { seed: 3, attempt: 0, firstSample: 0, firstStep: 0, steps: 40, minDigits: 1, maxDigits: 10 };
    const { losses } = await engine.trainRun({ ...run, stage: { ...STAGE, batch } });
    const problems = engine.sample({ seed: 3, stream: "evaluation", count: 1000 });
    const { loss, gradient } = await engine.lossAndGradient(problems);
    return { parameters: engine.parameters(), losses, loss, gradient, tokens: await engine.decode(problems) };
  });
}

for (const arithmetic of ["exact", "fast"] as const) {
  // batches of 1, 2, 4 and 16 slices
  for (const batch of [12, 32, 128, 512]) {
    Deno.test(`2, 3 and 4 threads give the bytes of one: ${arithmetic}, batch ${batch}`, async () => {
      const alone = await trained(1, arithmetic, batch);
      for (const threads of [2, 3, 4]) assertEquals(await trained(threads, arithmetic, batch), alone);
    });
  }
}

Deno.test("threads that had nothing to do for a while serve the next job", async () => {
  await withEngine(3, "exact", async (engine) => {
    engine.initialize(1);
    const problems = engine.sample({ seed: 1, stream: "evaluation", count: 64 });
    const first = await engine.lossAndGradient(problems);
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 30)); // long enough for them to park
      assertEquals(await engine.lossAndGradient(problems), first);
    }
  });
});

Deno.test("engines with threads side by side do not disturb each other", async () => {
  const alone = await trained(1, "exact", 32);
  const together = await Promise.all([trained(2, "exact", 32), trained(2, "exact", 32), trained(3, "exact", 32)]);
  assertEquals(together, [alone, alone, alone]);
});

Deno.test("a process ends when its engines are disposed of, and needs no permission for threads", async () => {
  const source = `
    import { createEngine } from "${new URL("../../../src/engine/mod.ts", import.meta.url)}";
    for (let i = 0; i < 3; i++) {
      const engine = await createEngine({ threads: 4 });
      engine.initialize(1);
      await engine.decode([{ a: 1, b: 2 }]);
      await engine.dispose();
    }
    console.log("done");
  `;
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", `data:application/typescript,${encodeURIComponent(source)}`],
    signal: AbortSignal.timeout(30_000),
  }).output();
  assertEquals(success, true);
  assertStringIncludes(new TextDecoder().decode(stdout), "done");
});
