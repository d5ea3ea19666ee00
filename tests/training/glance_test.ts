import { assert, assertEquals } from "@std/assert";
import { train } from "../../src/training/train.ts";
import type { ProgressEvent } from "../../src/training/types.ts";

Deno.test("glances tell the accuracy on the way, and change nothing of what is trained", async () => {
  const glances: ProgressEvent[] = [];
  const options = { backend: "reference", steps: 40, finalProblems: 1, evalEvery: 0 } as const; // slow enough to be looked at
  const { parameters, report } = await train({
    ...options,
    glanceProblems: 2,
    onProgress: (event) => event.type === "glance" && glances.push(event),
  });
  assert(glances.length > 0, "there was no glance in more than a second");
  for (const glance of glances) {
    assert(glance.type === "glance" && glance.total === 2 && glance.correct <= 2 && glance.step <= 40);
  }
  assertEquals(report.evaluations, []);
  assertEquals(parameters, (await train(options)).parameters);
});
