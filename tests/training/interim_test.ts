import { assert, assertEquals } from "@std/assert";
import { train } from "../../src/training/train.ts";
import type { ProgressEvent } from "../../src/training/types.ts";

Deno.test("interim evaluations tell the accuracy on the way, and change nothing of what is trained", async () => {
  const found: ProgressEvent[] = [];
  const options = { backend: "reference", steps: 40, finalProblems: 1, evalEvery: 0 } as const; // slow enough to be looked at
  const { parameters, report } = await train({
    ...options,
    interimProblems: 2,
    onProgress: (event) => event.type === "interim" && found.push(event),
  });
  assert(found.length > 0, "there was none in more than a second");
  for (const event of found) {
    assert(event.type === "interim" && event.total === 2 && event.correct <= 2 && event.step <= 40);
  }
  assertEquals(report.evaluations, []);
  assertEquals(parameters, (await train(options)).parameters);
});
