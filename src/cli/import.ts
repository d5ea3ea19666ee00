import { encodeCheckpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { readForeignFile } from "../checkpoint/foreign_file.ts";
import { importCheckpoint } from "../checkpoint/import_checkpoint.ts";
import { parameterCount, variantOf } from "../model/variant.ts";
import { defineCommand } from "./command.ts";
import { checkOutput, nameOf, printLine, readBytes, STANDARD, writeOutput } from "./files.ts";
import { inputFile, outputFile, OVERWRITE_FLAG, text } from "./flags.ts";
import { printJson } from "./format.ts";
import { quote, UsageError } from "./usage_error.ts";

export const importCommand = defineCommand({
  name: "import",
  description:
    "Makes a checkpoint from a file of torch.save (PyTorch 1.6 or later), safetensors, .npz of NumPy, or pickled Flax\n" +
    "parameters of gpt-acc-jax. It searches the file for the tensors of a model, wherever they are nested and whatever\n" +
    "prefix their names have, and ignores everything else. No code in the file is run. Float16 and bfloat16 are read\n" +
    "exactly, float64 is rounded. If there is an output projection, it must equal the token embedding.",
  flags: {
    from: inputFile(
      "FILE",
      "file to read: .pt, .ckpt, .safetensors, .npz or .pkl; its content decides; -: standard input",
    ),
    to: outputFile("FILE", "checkpoint to write, FILE.safetensors; -: standard output"),
    key: text("PATH", "which model of several: the keys that lead to it, such as ema.module"),
    overwrite: OVERWRITE_FLAG,
  },
  required: ["from", "to"],
  permissions: "--allow-read=FILE --allow-write=FILE",
  example:
    "deno run --allow-read=gpt_addition_v2.pt --allow-write=v2.safetensors cli.ts import --from gpt_addition_v2.pt --to v2.safetensors",
  async run({ flags: { from, to, key, overwrite }, json }) {
    if (to !== STANDARD && !to!.toLowerCase().endsWith(".safetensors")) {
      throw new UsageError(`Cannot run import as --to must end in .safetensors: current value is ${quote(to!)}`);
    }
    await checkOutput(to, overwrite);
    const { types, ...checkpoint } = from === STANDARD
      ? await importCheckpoint(await readBytes(from, "a checkpoint"), { key, source: nameOf(from) })
      : await readForeignFile(from!, { key });
    await writeOutput(to!, encodeCheckpoint(checkpoint));
    const parameters = parameterCount(variantOf(checkpoint.model));
    const narrowed = types.includes("float64") ? ", narrowed from float64 to float32" : "";
    if (json) printJson({ model: checkpoint.model, parameters, types, from, to });
    else printLine(`${parameters} parameters of ${from} are in ${to}${narrowed}`, to);
    return 0;
  },
});
