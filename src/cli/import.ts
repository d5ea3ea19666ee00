import { encodeCheckpoint } from "../checkpoint/checkpoint.ts";
import { readForeignFile } from "../checkpoint/foreign_file.ts";
import { writeFile } from "../checkpoint/store.ts";
import { parameterCount, variantOf } from "../model/variant.ts";
import { defineCommand } from "./command.ts";
import { text } from "./flags.ts";
import { printJson } from "./format.ts";
import { quote, UsageError } from "./usage_error.ts";

export const importCommand = defineCommand({
  name: "import",
  description:
    "Makes a checkpoint from a file of torch.save (PyTorch 1.6 or later) or from a safetensors file. No code in the file\n" +
    "is run. If the file has an output projection, it must equal the token embedding, because the two are tied.",
  flags: {
    from: text("FILE", "file to read, of torch.save or safetensors"),
    to: text("FILE", "checkpoint to write, FILE.safetensors"),
  },
  required: ["from", "to"],
  permissions: "--allow-read=FILE --allow-write=FILE",
  example:
    "deno run --allow-read=gpt_addition_v2.pt --allow-write=v2.safetensors cli.ts import --from gpt_addition_v2.pt --to v2.safetensors",
  async run({ flags: { from, to }, json }) {
    if (!to!.toLowerCase().endsWith(".safetensors")) {
      throw new UsageError(`Cannot run import as --to must end in .safetensors: current value is ${quote(to!)}`);
    }
    const checkpoint = readForeignFile(from!);
    await writeFile(to!, encodeCheckpoint(checkpoint));
    const parameters = parameterCount(variantOf(checkpoint.model));
    if (json) printJson({ model: checkpoint.model, parameters, from, to });
    else console.log(`${parameters} parameters of ${from} are in ${to}`);
    return 0;
  },
});
