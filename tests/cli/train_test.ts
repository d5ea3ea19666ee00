import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { decodeCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { RECORDED } from "../engine/recorded.ts";
import { outcome, startTinyAdder, temporaryFolder, tinyAdder } from "./tiny_adder.ts";

Deno.test("train --json prints the report, and leaves a run directory", async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, "run");
  const args = [
    "train",
    "--steps",
    "20",
    "--seed",
    "3",
    "--model",
    "777",
    "--no-certify",
    "--eval-every",
    "0",
    "--json",
  ];
  const { code, stdout } = await tinyAdder([...args, "--out", out], folder.allow);
  const report = JSON.parse(stdout);
  assertEquals(code, 0);
  const { model, recipe, seed, steps, examples, backend, threads, arithmetic, certified, checkpoint } = report;
  assertEquals({ model, recipe, seed, steps, examples, backend, threads, arithmetic, certified, checkpoint }, {
    model: 777,
    recipe: "fast",
    seed: 3,
    steps: 20,
    examples: 640,
    backend: "wasm",
    threads: Math.min(navigator.hardwareConcurrency, 8),
    arithmetic: "exact",
    certified: null,
    checkpoint: join(out, "model.safetensors"),
  });
  assert(report.seconds > 0);
  assert(report.exactMatch >= 0 && report.exactMatch <= 1);
  const files = (await Array.fromAsync(Deno.readDir(out), ({ name }) => name)).sort();
  assertEquals(files, ["log.jsonl", "model.safetensors", "state.safetensors"]);
});

Deno.test("train says how right the model is, and adds with it", async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, "run");
  const { code, stdout, stderr } = await tinyAdder(["train", "--steps", "20", "--out", out], folder.allow);
  assertEquals(code, 0);
  assertMatch(stdout, /^[\d.]+% of [\d,]+ sums of new 10-digit numbers are right\n/);
  assertStringIncludes(stdout, `weights: ${join(out, "model.safetensors")}\n`);
  assertMatch(stdout, /\n1234567890 \+ 9876543210 = (\d+|no number) {2}✗ {2}11111111100 is right\n$/);
  assertMatch(stderr, /^fast: 763 parameters, 20 steps, seed 1, wasm\n/);
});

Deno.test("train is the same for the same seed, and another for another", async () => {
  await using folder = await temporaryFolder();
  const weights = async (name: string, seed: string) => {
    const out = join(folder.path, name);
    const { code } = await tinyAdder(["train", "--steps", "20", "--seed", seed, "--out", out], folder.allow);
    assertEquals(code, 0);
    return await Deno.readFile(join(out, "model.safetensors"));
  };
  const first = await weights("first", "1");
  assertEquals(await weights("second", "1"), first);
  assert((await weights("third", "2")).some((byte, i) => byte !== first[i]));
});

Deno.test("train gives the recorded bytes, straight and in pieces", async () => {
  await using folder = await temporaryFolder();
  const train = async (name: string, steps: number, ...more: string[]) => {
    const out = join(folder.path, name);
    const args = ["train", "--recipe", "fast", "--seed", "1", "--steps", `${steps}`, "--no-certify", "--out", out];
    assertEquals((await tinyAdder([...args, ...more], folder.allow)).code, 0);
    const { parameters } = decodeCheckpoint(await Deno.readFile(join(out, "model.safetensors")));
    return new Uint8Array(await crypto.subtle.digest("SHA-256", new Float32Array(parameters))).toHex();
  };
  assertEquals(await train("straight", 2000), RECORDED[2000]);
  await train("pieces", 700);
  await train("pieces", 1300, "--resume", "--threads", "3");
  assertEquals(await train("pieces", 2000, "--resume", "--threads", "1"), RECORDED[2000]);
});

Deno.test("continue goes on from a checkpoint", async () => {
  await using folder = await temporaryFolder();
  const [out, more] = [join(folder.path, "run"), join(folder.path, "more")];
  assertEquals((await tinyAdder(["train", "--steps", "20", "--out", out], folder.allow)).code, 0);
  const args = ["continue", "--from", join(out, "model.safetensors"), "--steps", "10", "--out", more, "--json"];
  const { code, stdout } = await tinyAdder(args, folder.allow);
  const { model, recipe, steps, checkpoint } = JSON.parse(stdout);
  assertEquals([code, model, recipe, steps, checkpoint], [0, 763, "fast", 10, join(more, "model.safetensors")]);
});

for (const [signal, exitCode] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test({
    name: `train saves its state at ${signal} and says how to go on`,
    ignore: Deno.build.os === "windows",
    async fn() {
      await using folder = await temporaryFolder();
      const out = join(folder.path, "run");
      const process = startTinyAdder(
        ["train", "--recipe", "paper", "--seed", "4", "--out", out, "--json"],
        folder.allow,
      );
      const log = join(out, "log.jsonl");
      while ((await Deno.stat(log).catch(() => null)) === null) await new Promise((wait) => setTimeout(wait, 20));
      await new Promise((wait) => setTimeout(wait, 300));
      process.kill(signal);
      const { code, stdout, stderr } = await outcome(process);
      assertEquals([code, stdout], [exitCode, ""]);
      assertStringIncludes(stderr, `Stopped by ${signal}: go on with train --resume --out ${out}\n`);

      const resumed = await tinyAdder(["train", "--resume", "--out", out, "--steps", "5000", "--json"], folder.allow);
      assertEquals(resumed.code, 0, resumed.stderr);
      const { recipe, seed } = JSON.parse(resumed.stdout);
      assertEquals([recipe, seed], ["paper", 4]);
      assertMatch(resumed.stderr, /, from step [\d,]+ on\n/);
    },
  });
}
