import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { recorded } from "../logs/recorded_log.ts";
import { assertRefused, temporaryFolder, tinyAdder } from "./tiny_adder.ts";

Deno.test("log reads a run, a file and several, and writes what its flags ask for", async () => {
  await using folder = await temporaryFolder();
  const [run, file, svg, board] = ["run", "other.jsonl", "run.svg", "board"].map((name) => join(folder.path, name));
  await Deno.mkdir(run);
  for (const path of [join(run, "log.jsonl"), file]) await Deno.copyFile(recorded("log.jsonl"), path);
  const allow = [`--allow-read=${folder.path}`, `--allow-write=${svg},${board}`];

  const { code, stdout, stderr } = await tinyAdder(["log", run, "--csv"], [`--allow-read=${run}`]);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.replaceAll(`\n${run},`, "\nrun,"), await Deno.readTextFile(recorded("log.csv")));

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
  await assertRefused(["log"], ["log", "name one"], allow);
  const none = join(folder.path, "none");
  await assertRefused(["log", none], [none, "there is no such file"], allow);
});
