import { assert, assertEquals, assertThrows } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { crc32, crc32c } from "../../src/checkpoint/common/crc32.ts";
import { lossSvg } from "../../src/logs/plot.ts";
import { parseLog, toCsv } from "../../src/logs/run_log.ts";
import { toEventFile } from "../../src/logs/tensorboard.ts";
import { temporaryFolder, tinyAdder } from "../cli/tiny_adder.ts";
import { outputOf, testIn } from "../runtimes/program.ts";

const golden = (name: string) => fromFileUrl(new URL(`../golden/${name}`, import.meta.url));
const fail = (line: number, reason: string) => new SyntaxError(`line ${line}: ${reason}`);
const log = parseLog("run", await Deno.readTextFile(golden("log.jsonl")), fail);

Deno.test("crc32c() and crc32() give the check values of their definitions", () => {
  const digits = new TextEncoder().encode("123456789");
  assertEquals([crc32(digits), crc32c(digits)], [0xcbf43926, 0xe3069283]);
});

Deno.test("toCsv() gives the recorded table, with the attempt of each row", async () => {
  assertEquals(toCsv([log]), await Deno.readTextFile(golden("log.csv")));
});

Deno.test("lossSvg() gives the recorded plot", async () => {
  assertEquals(lossSvg([log, { ...log, run: "a<b" }]), await Deno.readTextFile(golden("log.svg")));
});

Deno.test("parseLog() names the line that is none of a log", () => {
  const end = '{"event":"end"}\n';
  const wrong = ["{", "null", "[]", '{"step":1}', '{"event":"step"}', '{"event":"step","step":"1"}'];
  wrong.push('{"event":"end","step":1.5}', '{"event":"step","step":-1}', '{"event":"restart","attempt":"1"}');
  for (const line of wrong) {
    assertThrows(() => parseLog("run", `${end}${line}\n`, fail), SyntaxError, "line 2: ");
  }
  assertEquals(parseLog("run", `${end}{"ev`, fail).lines.length, 1);
});

Deno.test("a long log is plotted, and a cell holds any value", () => {
  const line = (step: number) => `{"event":"step","step":${step},"stage":{"a":[1]},"loss":1}\n`;
  const long = parseLog("run", Array.from({ length: 200_000 }, (_, step) => line(step)).join(""), fail);
  assert(lossSvg([long]).includes(">150,000<"));
  assert(toCsv([{ ...long, lines: long.lines.slice(0, 1) }]).includes(',"{""a"":[1]}",'));
});

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

Deno.test("log reads a run, a file and several, and writes what its flags ask for", async () => {
  await using folder = await temporaryFolder();
  const [run, file, svg, board] = ["run", "other.jsonl", "run.svg", "board"].map((name) => join(folder.path, name));
  await Deno.mkdir(run);
  for (const path of [join(run, "log.jsonl"), file]) await Deno.copyFile(golden("log.jsonl"), path);
  const allow = [`--allow-read=${folder.path}`, `--allow-write=${svg},${board}`];

  const { code, stdout, stderr } = await tinyAdder(["log", run, "--csv"], [`--allow-read=${run}`]);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.replaceAll(`\n${run},`, "\nrun,"), await Deno.readTextFile(golden("log.csv")));

  const all = await tinyAdder(["log", run, file, "--out", svg, "--tensorboard", board], allow);
  assertEquals([all.code, all.stderr], [0, ""]);
  assertEquals(
    all.stdout,
    [run, file].map((one) => `${one}: step 250, loss 0.000977, 750 of 1000 right, ended\n`).join(""),
  );
  assertEquals((await Deno.readTextFile(svg)).match(/stroke-width="2"/g)?.length, 2);
  assertEquals((await Array.fromAsync(Deno.readDir(board))).length, 2);

  const again = await tinyAdder(["log", run, "--out", svg], allow);
  assertEquals(again.code, 2);
  assert(again.stderr.includes("--overwrite"), again.stderr);
  for (const [args, part] of [[[], "name one"], [[join(folder.path, "none")], "there is no such file"]] as const) {
    const wrong = await tinyAdder(["log", ...args], allow);
    assertEquals([wrong.code, wrong.stdout], [2, ""]);
    assert(wrong.stderr.includes(part), wrong.stderr);
  }
});
