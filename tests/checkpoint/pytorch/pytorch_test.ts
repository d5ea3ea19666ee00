/** Our `.pt` files in PyTorch, and PyTorch's in ours. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "../../../src/checkpoint/safetensors/checkpoint.ts";
import { CheckpointError } from "../../../src/checkpoint/common/error.ts";
import { decodePyTorchCheckpoint, importCheckpoint } from "../../../src/checkpoint/import_checkpoint.ts";
import { encodePyTorchCheckpoint } from "../../../src/checkpoint/pytorch/pytorch.ts";
import { parameterCount, variantOf } from "../../../src/model/variant.ts";
import { shippedCheckpoint } from "../../../src/weights/mod.ts";
import { fromBase64 } from "../../../src/common/encoding.ts";
import { SHIPPED_763 } from "../../../src/weights/shipped_763.ts";
import { goldenSets } from "../../golden.ts";
import { python } from "../../python/python.ts";
import { testIn } from "../../runtimes/program.ts";
import { temporaryFolder } from "../../cli/tiny_adder.ts";
import { assertLogitsClose, engineLogits, tokensOf } from "../logits.ts";

for (const golden of await goldenSets()) {
  Deno.test(`decodePyTorchCheckpoint() reads ${golden.name} as PyTorch wrote it`, async () => {
    const checkpoint = decodePyTorchCheckpoint(await Deno.readFile(golden.files.pt));
    assertEquals(checkpoint, { model: golden.model, parameters: golden.weights, metadata: {} });
  });
}

/** All models that go to PyTorch and back, by name. */
async function checkpoints(): Promise<Map<string, Checkpoint>> {
  const golden = (await goldenSets()).map(({ name, model, weights }): [string, Checkpoint] => [name, {
    model,
    parameters: weights,
    metadata: { note: 'text with "quotes", \u00fc and \ud83e\uddee' },
  }]);
  return new Map([["shipped", shippedCheckpoint()], ...golden]);
}

testIn("PyTorch", "ours -> PyTorch -> ours gives the same bytes, and PyTorch the same logits", async (t) => {
  await using folder = await temporaryFolder();
  const models = await checkpoints();
  for (const [name, checkpoint] of models) {
    await Deno.writeFile(join(folder.path, `${name}.pt`), encodePyTorchCheckpoint(checkpoint));
    await Deno.writeFile(join(folder.path, `${name}.tokens`), await tokensOf(1000));
  }
  const counted = JSON.parse(await python("interchange.py", folder.path));

  for (const [name, checkpoint] of models) {
    const read = (kind: string) => decodePyTorchCheckpoint(Deno.readFileSync(join(folder.path, `${name}${kind}.pt`)));
    await t.step(`${name}: torch.load, torch.save, and every byte is back`, () => {
      const bytes = encodeCheckpoint(checkpoint);
      if (name === "shipped") assertEquals(bytes, fromBase64(SHIPPED_763));
      assertEquals(encodeCheckpoint(read(".again")), bytes);
      assertEquals(encodePyTorchCheckpoint(read(".again")), encodePyTorchCheckpoint(checkpoint));
    });
    await t.step(`${name}: through an nn.Module, which drops our metadata, every weight is back`, () => {
      const { model, parameters, metadata } = read(".module");
      assertEquals({ model, parameters, metadata }, {
        model: checkpoint.model,
        parameters: checkpoint.parameters,
        metadata: {},
      });
    });
    await t.step(`${name}: PyTorch counts the parameters of ${checkpoint.model}`, () => {
      assertEquals(counted[name], parameterCount(variantOf(checkpoint.model)));
    });
    await t.step(`${name}: logits of 1,000 sums are those of our engines`, async () => {
      const file = await Deno.readFile(join(folder.path, `${name}.logits`));
      const logits = new Float32Array(file.buffer);
      // the reference takes a second for 1,000 sums, and the engines are compared with each other elsewhere
      for (const backend of name === "shipped" ? ["wasm", "reference"] as const : ["wasm"] as const) {
        assertLogitsClose(logits, await engineLogits(checkpoint, backend, 1000), `${name}, PyTorch against ${backend}`);
      }
    });
  }
});

/** Why a file is refused: the end of its name, and what the error says. */
const REFUSED: Readonly<Record<string, string>> = {
  bad_untied: "tensor output_proj.weight must equal tok_emb.weight, to which it is tied: value 0 is",
  bad_missing: "model 763 must have tensor blocks.0.ln2.bias: the file holds none of that name",
  bad_extra: "model 763 has no tensor blocks.1.ln1.weight: the file holds one",
  bad_bias: "model 763 has no tensor blocks.0.attn.bias: the file holds one",
  bad_mask: "model 763 has no tensor blocks.0.attn.mask: the file holds one",
  bad_shape: "tensor tok_emb.weight must be of shape [14,7]: current value is [7,14]",
  bad_nan: "tensor blocks.0.ln1.weight must hold finite numbers: value 0 is NaN",
  bad_whole_model: 'it holds an object of class "adder.Adder", which its own code alone can make',
  bad_tensor: "it holds one tensor of shape [763]",
  bad_legacy: "it is a file of torch.save before version 1.6: save it again with `python3 -c",
  bad_quantized: "model 763 must have tensor blocks.0.ln1.weight: the file holds none of that name",
};

testIn("PyTorch", "state dicts as people save them are read, and what is none of ours is refused", async (t) => {
  await using folder = await temporaryFolder();
  await python("state_dicts.py", fromFileUrl(new URL("../../golden/w0.pt", import.meta.url)), folder.path);
  const { parameters } = decodeCheckpoint(await Deno.readFile(new URL("../../golden/w0.safetensors", import.meta.url)));
  const names = (await Array.fromAsync(Deno.readDir(folder.path), ({ name }) => name.replace(/\.pt$/, ""))).sort();
  assertEquals(names.filter((name) => name.startsWith("bad_")), Object.keys(REFUSED).sort());
  assert(names.includes("original") && names.length === 30);
  for (const name of names) {
    await t.step(name, async () => {
      const read = () => importCheckpoint(Deno.readFileSync(join(folder.path, `${name}.pt`)));
      if (name in REFUSED) await assertRejects(read, CheckpointError, REFUSED[name]);
      else {assertEquals(await read(), {
          model: 763,
          parameters,
          metadata: {},
          types: [name === "double" ? "float64" : "float32"],
        });}
    });
  }
});
