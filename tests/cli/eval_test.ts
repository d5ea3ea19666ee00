import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { goldenCheckpoint, temporaryFolder, tinyAdder } from "./tiny_adder.ts";

Deno.test("eval says how many sums are right", async () => {
  const { code, stdout } = await tinyAdder(["eval", "--random", "1000", "--seed", "5"]);
  assertEquals(code, 0);
  assertMatch(stdout, /^1,000 of 1,000 sums are right \(100%\), \d+\.\d s \(wasm, exact, \d+ threads?\)\n$/);
});

Deno.test("eval --json prints one object", async () => {
  const { code, stdout } = await tinyAdder(["eval", "--hard", "500", "--seed", "5", "--json"]);
  const { seconds, ...rest } = JSON.parse(stdout);
  assert(seconds > 0);
  assertEquals(code, 0);
  assertEquals(rest, {
    total: 500,
    correct: 500,
    exactMatch: 1,
    digitAccuracy: new Array(11).fill(1),
    errors: [],
    backend: "wasm",
    threads: Math.min(navigator.hardwareConcurrency, 8),
    arithmetic: "exact",
    checkpoint: "shipped",
  });
});

Deno.test("eval counts and lists wrong sums, exit code 1", async () => {
  const from = goldenCheckpoint("w0"); // its weights are random
  const args = ["eval", "--from", from, "--random", "300", "--json"];
  const { code, stdout } = await tinyAdder(args, [`--allow-read=${from}`]);
  const { total, correct, exactMatch, errors, checkpoint } = JSON.parse(stdout);
  assertEquals([code, total, exactMatch, errors.length, checkpoint], [1, 300, correct / total, 100, from]);
  for (const { a, b, expected, got } of errors) {
    assertEquals(expected, a + b);
    assert(got !== expected);
  }
});

Deno.test("eval draws the same problems on every engine", async () => {
  const from = goldenCheckpoint("w1");
  const errors = async (backend: string) => {
    const args = ["eval", "--from", from, "--random", "20", "--seed", "3", "--backend", backend, "--json"];
    const result = JSON.parse((await tinyAdder(args, [`--allow-read=${from}`])).stdout);
    assertEquals(result.backend, backend);
    return result.errors.map(({ a, b }: { a: number; b: number }) => [a, b]);
  };
  assertEquals(await errors("wasm"), await errors("reference"));
});

Deno.test("eval --cases asks the problems of a file", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "cases.csv");
  await Deno.writeTextFile(path, "a,b,sum\n42,7,49\n9999999999,1,10000000000\n");
  const { code, stdout } = await tinyAdder(["eval", "--cases", path, "--json"], folder.allow);
  const { total, correct } = JSON.parse(stdout);
  assertEquals([code, total, correct], [0, 2, 2]);
});

Deno.test("verify adds the AdderBoard cases", async () => {
  const { code, stdout } = await tinyAdder(["verify"]);
  assertEquals([code, stdout], [0, "AdderBoard: 10010 of 10010 right (100%)\n"]);
});

Deno.test("verify --json lists at most 100 wrong sums, exit code 1", async () => {
  const from = goldenCheckpoint("x0"); // its weights are random
  const { code, stdout } = await tinyAdder(["verify", "--from", from, "--json"], [`--allow-read=${from}`]);
  const { total, errors } = JSON.parse(stdout);
  assertEquals([code, total, errors.length], [1, 10010, 100]);
});
