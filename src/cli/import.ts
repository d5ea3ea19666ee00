import { encodeCheckpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { importCheckpoint, READABLE, readForeignFile } from "../checkpoint/import_checkpoint.ts";
import { parameterCount, variantOf } from "../model/variant.ts";
import { defineCommand } from "./command.ts";
import { checkOutput, nameOf, readBytes, STANDARD, writeOutput } from "./files.ts";
import { inputFile, outputFile, OVERWRITE_FLAG, text } from "./flags.ts";
import { printResult } from "./format.ts";

export const importCommand = defineCommand({
  name: "import",
  description: "Makes a checkpoint from a file of PyTorch, safetensors, NumPy or Flax.\n" +
    `It reads ${READABLE}; its content decides which.\n` +
    "PyTorch must be 1.6 or later; the Flax parameters are those of gpt-acc-jax.\n" +
    "It searches the file for the tensors of a model, wherever they are nested and whatever prefix their names have, and\n" +
    "ignores everything else. No code in the file is run. Float16 and bfloat16 are read exactly, float64 is rounded.\n" +
    "If there is an output projection, it must equal the token embedding.",
  flags: {
    from: { ...inputFile("FILE", "file to read; -: standard input"), required: true },
    to: { ...outputFile("FILE.safetensors", "checkpoint to write; -: standard output"), required: true },
    key: text("PATH", "which model of several: the keys that lead to it, such as ema.module"),
    overwrite: OVERWRITE_FLAG,
  },
  permissions: "--allow-read=FILE --allow-write=FILE",
  example:
    "deno run --allow-read=gpt_addition_v2.pt --allow-write=v2.safetensors cli.ts import --from gpt_addition_v2.pt --to v2.safetensors",
  async run({ flags: { from, to, key, overwrite }, json }) {
    await checkOutput(to, overwrite);
    const { types, ...checkpoint } = from === STANDARD
      ? await importCheckpoint(await readBytes(from, "a checkpoint"), { key, source: nameOf(from) })
      : await readForeignFile(from, { key });
    await writeOutput(to, encodeCheckpoint(checkpoint));
    const parameters = parameterCount(variantOf(checkpoint.model));
    const narrowed = types.includes("float64") ? ", narrowed from float64 to float32" : "";
    const text = `${parameters} parameters of ${from} are in ${to}${narrowed}`;
    return printResult({ model: checkpoint.model, parameters, types, from, to }, text, { json, output: to });
  },
});
