import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { decodeCheckpoint } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { checkCommand } from "../../src/cli/check.ts";
import { readInput } from "../../src/cli/command.ts";
import { RECORDED } from "../engine/recorded.ts";
import { testIn } from "../runtimes/program.ts";
import { outcome, startTinyAdder, temporaryFolder, tinyAdder, typed } from "./tiny_adder.ts";

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
    "--recipe",
    "fast",
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

Deno.test("train ends with a model that is proved right, three lines, and two commands that can be typed", async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, "run");
  const { code, stdout, stderr } = await tinyAdder(["train", "--seed", "4", "--out", out], folder.allow);
  assertEquals(code, 0);
  const [right, proof, saved, blank, _, ...commands] = stdout.trimEnd().split("\n");
  assertMatch(right, /^100% of 10,000 sums of new 10-digit numbers are right/);
  assertMatch(proof, /^proved right on all 10\^20 pairs, worst margin \d/);
  assertEquals([saved, blank], [
    `weights: ${join(out, "model.safetensors")}, proof: ${join(out, "certificate.json")}`,
    "",
  ]);
  assertMatch(stderr, /^sure: model 763, 13,000 steps, seed 4, wasm\n/);
  assertEquals(commands.length, 2);
  const [add, check] = commands;
  assertEquals(await typed(add), { code: 0, stdout: "42 + 7 = 49  ✓\n", stderr: "" });
  // it is checked elsewhere: here, that the command is one, and that its files are there
  const input = readInput("check", checkCommand, check.split(" cli.ts check ")[1].split(" "));
  const { inputs } = JSON.parse(await Deno.readTextFile(input!.flags.certificate!));
  assertEquals([inputs, input!.flags.from], ["100000000000000000000", out]);
});

Deno.test("train without --out trains in memory, says so, and says how to keep the model", async () => {
  const { code, stdout } = await tinyAdder(["train", "--steps", "20", "--seed", "3", "--no-certify"]);
  assertEquals(code, 0);
  const [_, proof, saved, , , keep, add, ...rest] = stdout.trimEnd().split("\n");
  assertMatch(proof, /^not proved/);
  assertMatch(saved, /in memory/);
  assertMatch(keep, / cli\.ts train --steps 20 --seed 3 --no-certify --out run$/);
  assertMatch(add, / cli\.ts 42 7 --from run$/);
  assertEquals(rest, []);
});

Deno.test("the last line of a run that is refuted mends it", async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, "run");
  const { stdout } = await tinyAdder(["train", "--recipe", "fast", "--seed", "1", "--out", out], folder.allow);
  assertStringIncludes(stdout, "9999999999 + 9999999999 = 9999999998  ✗  19999999998 is right");
  const mended = await typed(`${stdout.trimEnd().split("\n").at(-1)} --json`);
  assertEquals([mended.code, JSON.parse(mended.stdout).certified], [0, true], mended.stderr);
});

Deno.test("a refuted run that --steps cut short is finished by its last line", async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, "run");
  const args = ["train", "--steps", "20", "--seed", "3"];
  const saved = await tinyAdder([...args, "--out", out], folder.allow);
  const inMemory = await tinyAdder(args);
  const [resume, again] = [saved, inMemory].map(({ stdout }) => stdout.trimEnd().split("\n").at(-1)!);
  assert(resume.endsWith(` train --resume --harden --out ${out}`), resume);
  assert(again.endsWith(" train --seed 3 --harden --out run"), again);
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
  testIn(
    "Unix",
    `train saves its state at ${signal} and says how to go on`,
    async () => {
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
      const [, command] = stderr.split(`Stopped by ${signal}: to go on:\n`);
      assertMatch(command, / cli\.ts train --resume --out \S+\n$/);

      const resumed = await typed(`${command.trim()} --steps 5000 --json`);
      assertEquals(resumed.code, 0, resumed.stderr);
      const { recipe, seed } = JSON.parse(resumed.stdout);
      assertEquals([recipe, seed], ["paper", 4]);
      assertMatch(resumed.stderr, /, from step [\d,]+ on\n/);
    },
  );
}
