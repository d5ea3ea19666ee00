/** What took work stays in its folder unless `overwrite` says otherwise. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { TrainingError } from "../../src/training/error.ts";
import { continueTraining, train } from "../../src/training/train.ts";
import type { TrainResult } from "../../src/training/types.ts";
import { temporaryFolder } from "../cli/tiny_adder.ts";
import { shortRecipe } from "./short_recipe.ts";

const recipe = shortRecipe({ name: "mine" });

/** The bytes of all files of a folder. */
async function contents(folder: string): Promise<Map<string, Uint8Array>> {
  const names = (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
  return new Map(
    await Promise.all(names.map(async (name) => [name, await Deno.readFile(join(folder, name))] as const)),
  );
}

/** What fills a folder, what is asked for there, and what the error names. */
const KEPT: Readonly<
  Record<string, [fill: (out: string) => Promise<unknown>, ask: (out: string) => Promise<TrainResult>, named: string]>
> = {
  "a finished run": [
    (out) => train({ recipe, seed: 7, out }),
    (out) => train({ recipe, out, steps: 50 }),
    "it holds model.safetensors of recipe mine, model 763, seed 7. Replace it (--overwrite), or name another folder",
  ],
  "an unfinished run": [
    (out) => train({ recipe, out, steps: 20 }),
    (out) => train({ recipe, out }),
    "it holds one at step 20. Go on with it (--resume), replace it (--overwrite), or name another folder",
  ],
  "the weights that a second pass starts from": [
    (out) => train({ recipe, out }),
    (out) => continueTraining({ recipe, from: join(out, "model.safetensors"), out }),
    "it holds model.safetensors of recipe mine",
  ],
  "attempts side by side": [
    (out) => train({ recipe, out }),
    (out) => train({ recipe, out, attempts: 2 }),
    "it holds model.safetensors of recipe mine",
  ],
  "weights alone": [
    (out) => Deno.writeTextFile(join(out, "model.safetensors"), "weights"),
    (out) => train({ recipe, out }),
    "it holds model.safetensors. Replace it",
  ],
  "a proof alone": [
    (out) => Deno.writeTextFile(join(out, "certificate.json"), "{}"),
    (out) => train({ recipe, out }),
    "it holds certificate.json. Replace it",
  ],
  "a log of something else": [
    (out) => Deno.writeTextFile(join(out, "log.jsonl"), "line\n"),
    (out) => train({ recipe, out }),
    "it holds log.jsonl. Replace it",
  ],
};

for (const [what, [fill, ask, named]] of Object.entries(KEPT)) {
  Deno.test(`a new run does not replace ${what}`, async () => {
    await using folder = await temporaryFolder();
    const { path: out } = folder;
    await fill(out);
    const before = await contents(out);
    await assertRejects(() => ask(out), TrainingError, named);
    const after = await contents(out);
    for (const [name, bytes] of before) assertEquals(after.get(name), bytes, name);
  });
}

Deno.test("overwrite replaces a run and its proof", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  const { checkpoint: from } = await train({ recipe, out });
  await Deno.writeTextFile(join(out, "certificate.json"), "{}");
  const { checkpoint } = await continueTraining({ recipe, from, out, steps: 9, overwrite: true });
  const files = await contents(out);
  assertEquals(files.get("model.safetensors"), checkpoint);
  assert(!files.has("certificate.json"));
  await train({ recipe, out, steps: 9, overwrite: true }); // an unfinished one, too
});

Deno.test("a resumed run does not replace proved weights", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  await train({ recipe, out, steps: 100 });
  await Deno.writeTextFile(join(out, "certificate.json"), "{}");
  const before = await contents(out);
  const { message } = await assertRejects(() => train({ out, resume: true }), TrainingError);
  assert(message.includes("must not replace proved weights") && message.includes("--overwrite"), message);
  assertEquals(await contents(out), before);
  // nothing is left to do: nothing is lost
  await train({ out, resume: true, steps: 100 });
  assertEquals((await contents(out)).get("certificate.json"), before.get("certificate.json"));
  await train({ out, resume: true, overwrite: true });
  assert(!(await contents(out)).has("certificate.json"));
});

Deno.test("weights that hardening has changed stay, with their proof, when a resume does without it", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  await train({ recipe, out });
  const model = join(out, "model.safetensors");
  const hardened = await Deno.readFile(model); // stands for the weights that hardening leaves
  hardened[hardened.length - 1] ^= 1;
  await Deno.writeFile(model, hardened);
  await Deno.writeTextFile(join(out, "certificate.json"), "{}");
  await assertRejects(() => train({ out, resume: true }), TrainingError, "must not replace proved weights");
  assertEquals((await contents(out)).get("model.safetensors"), hardened);
  assert((await contents(out)).has("certificate.json"));
});

Deno.test("a folder without anything that took work is used", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  await Deno.writeTextFile(join(out, "notes.txt"), "mine");
  for (const name of ["model.safetensors", "log.jsonl"]) await Deno.writeTextFile(join(out, name), "");
  await train({ recipe, out, steps: 5 });
  assertEquals(await Deno.readTextFile(join(out, "notes.txt")), "mine");
});
