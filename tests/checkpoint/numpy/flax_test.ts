/** Flax's files in ours, and ours in the forward pass that goes with Flax's. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { type Checkpoint, decodeCheckpoint } from "../../../src/checkpoint/safetensors/checkpoint.ts";
import { encodeFlax } from "../../../src/checkpoint/numpy/flax.ts";
import { importCheckpoint } from "../../../src/checkpoint/import_checkpoint.ts";
import { createEngine } from "../../../src/engine/mod.ts";
import { temporaryFolder } from "../../cli/tiny_adder.ts";
import { python } from "../../python/python.ts";
import { testIn } from "../../runtimes/program.ts";
import { assertLogitsClose, engineLogits, tokensOf } from "../logits.ts";

const GOLDEN = new URL("../../golden/", import.meta.url);
const SUMS = 500;
const CLOSE = 1e-5;

Deno.test("logits of imported Flax parameters are those that Flax itself computed", async () => {
  const { model, parameters } = await importCheckpoint(
    Deno.readFileSync(new URL("import/flax_jax_arrays.pkl", GOLDEN)),
  );
  const logits = new Float32Array(Deno.readFileSync(new URL("import/flax_logits.f32", GOLDEN)).buffer);
  for (const backend of ["reference", "wasm"] as const) {
    const engine = await createEngine({ backend, model });
    try {
      engine.setParameters(parameters);
      assertLogitsClose(await engine.logits([{ a: 42, b: 7 }]), logits, `Flax against ${backend}`, CLOSE);
    } finally {
      await engine.dispose();
    }
  }
});

testIn(
  "PyTorch",
  "logits of Flax parameters, imported and exported, are those of the forward pass in NumPy",
  async (t) => {
    await using folder = await temporaryFolder();
    const path = (name: string, ending: string) => join(folder.path, `${name}.${ending}`);
    const theirs = new URL("import/case_flax_pickle__final_params.pkl", GOLDEN);
    await Deno.copyFile(theirs, path("theirs", "pkl"));
    const models = new Map<string, Checkpoint>([["theirs", await importCheckpoint(await Deno.readFile(theirs))]]);
    for (const name of ["x0", "x1"]) {
      const checkpoint = decodeCheckpoint(Deno.readFileSync(new URL(`${name}.safetensors`, GOLDEN)));
      models.set(name, checkpoint);
      await Deno.writeFile(path(name, "pkl"), encodeFlax(checkpoint));
    }
    for (const name of models.keys()) await Deno.writeFile(path(name, "tokens"), await tokensOf(SUMS));
    await python("flax_forward.py", folder.path);

    for (const [name, checkpoint] of models) {
      await t.step(name, async () => {
        const logits = new Float32Array((await Deno.readFile(path(name, "logits"))).buffer);
        for (const backend of ["reference", "wasm"] as const) {
          assertLogitsClose(await engineLogits(checkpoint, backend, SUMS), logits, `${name} by ${backend}`, CLOSE);
        }
        const { parameters } = await importCheckpoint(encodeFlax(checkpoint));
        assertEquals(parameters, checkpoint.parameters);
      });
    }
  },
);
