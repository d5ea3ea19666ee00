import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { toEventFile } from "../../src/logs/tensorboard.ts";
import { temporaryFolder } from "../cli/tiny_adder.ts";
import { outputOf, testIn } from "../runtimes/program.ts";
import { log } from "./recorded_log.ts";

testIn("python", "a reader written from TensorBoard's format accepts the event file", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "events.out.tfevents.1.test");
  await Deno.writeFile(path, toEventFile(log, 1.5));
  const reader = fromFileUrl(new URL("../python/read_events.py", import.meta.url));
  const events = JSON.parse(await outputOf("python", ["-B", reader, path]));
  const train = (loss: number, rate: number, norm: number, speed: number) => ({
    "train/loss": loss,
    "train/learning_rate": Math.fround(rate),
    "train/gradient_norm": norm,
    "train/examples_per_second": speed,
  });
  assertEquals(events, [
    { step: 0, wallTime: 1.5, version: "brain.Event:2" },
    { step: 100, wallTime: 1.5, scalars: train(1.5, 0.016, 0.5, 12000) },
    { step: 0, wallTime: 1.5, status: 1 }, // a new attempt
    { step: 100, wallTime: 1.5, scalars: train(0.75, 0.016, 0.25, 13000) },
    { step: 250, wallTime: 1.5, scalars: train(0.0009765625, 0.02, 0.125, 14000) },
    { step: 250, wallTime: 1.5, scalars: { "evaluation/exact_match": 0.75, "evaluation/digit_accuracy": 0.96875 } },
  ]);
});
