/** The built page on WebGPU, that of headless Chromium's software adapter. */
import { assert, assertEquals } from "@std/assert";
import { SOFTWARE_WEBGPU } from "../../tests/runtimes/chromium.ts";
import { click, hasSteps, hasText, openLab, startTraining, textOf } from "./page.ts";
import { testIn } from "../../tests/runtimes/program.ts";
import { setStage } from "./stage.ts";

const stage = setStage(SOFTWARE_WEBGPU);

testIn("chromium", "the page trains on WebGPU where the browser has it, and says so", async () => {
  await using lab = await openLab(stage.browser, stage.site.url);
  const { page, errors } = lab;
  await startTraining(page, { recipe: "fast", seed: "2", backend: "webgpu" });
  await hasSteps(page, "A", 300);
  const text = await textOf(page, "#run-A");
  assert(text.includes("763 parameters on webgpu") && /swiftshader/i.test(text), text);
  // the loss of 300 steps is that of a model that learns: an untrained one is at ln 14 = 2.6
  const loss = Number(/loss\s+([\d.]+)/.exec(text)?.[1]);
  assert(loss > 0 && loss < 2.3, text);
  await click(page, "#run-A button");
  await hasText(page, "#run-A .state", "paused");
  assertEquals(errors, []);
});
