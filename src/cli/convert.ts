import { READABLE } from "../checkpoint/import_checkpoint.ts";
import * as checkpoints from "../checkpoint/mod.ts";
import { readSmallFile } from "../checkpoint/safetensors/store.ts";
import { formatInteger } from "../common/format_value.ts";
import { defineCommand } from "./command.ts";
import { checkOutput, modelFrom, nameOf, readBytes, STANDARD, writeOutput } from "./files.ts";
import { FROM_FLAG, inputFile, oneOf, outputFile, OVERWRITE_FLAG, text, wrongValue } from "./flags.ts";
import { printResult } from "./format.ts";

type Encode = (source: checkpoints.Checkpoint) => Uint8Array | string;

/** By ending; the note is what its files are for, in the help. */
const FORMATS: Readonly<Record<string, readonly [name: string, encode: Encode, note?: string]>> = {
  safetensors: ["safetensors", checkpoints.encodeCheckpoint],
  pt: ["PyTorch state dict", checkpoints.encodePyTorchCheckpoint, "PyTorch"],
  npz: ["NumPy", checkpoints.encodeNpz, "NumPy"],
  pkl: ["pickled Flax parameters", checkpoints.encodeFlax, "Flax parameters of gpt-acc-jax, model 777 alone"],
  onnx: ["ONNX", checkpoints.encodeOnnx],
  py: [
    "AdderBoard submission",
    checkpoints.encodeAdderBoardSubmission,
    "a submission to the AdderBoard, https://github.com/anadim/AdderBoard, with the weights in it",
  ],
};
const ENDINGS = Object.keys(FORMATS);

export const exportCommand = defineCommand({
  description: "Writes a model for other programs. The ending of FILE chooses the format:\n" +
    Object.entries(FORMATS).map(([ending, [, , note]]) => `  .${ending}${note ? ` (${note})` : ""}`).join("\n"),
  flags: {
    from: FROM_FLAG,
    to: { ...outputFile("FILE", "file to write; -: standard output"), required: true },
    format: oneOf(ENDINGS, "format of the file (default: by its ending; safetensors for -)"),
    overwrite: OVERWRITE_FLAG,
  },
  permissions: "--allow-write=FILE; --allow-read=CKPT with --from",
  example: "deno run --allow-write=adder.onnx cli.ts export --to adder.onnx",
  async run({ flags: { from, to, format, overwrite }, json }) {
    const [name, encode] = FORMATS[format ?? endingOf(to)];
    await checkOutput(to, overwrite);
    const { checkpoint, name: source } = await modelFrom(from);
    const { model, parameters: { length: parameters } } = checkpoint;
    const bytes = await writeOutput(to, encode(checkpoint));
    const line = `${parameters} parameters are in ${to} (${name}, ${formatInteger(bytes)} bytes)`;
    return printResult({ model, parameters, format: name, bytes, to, checkpoint: source }, line, { json, output: to });
  },
});

function endingOf(path: string): string {
  const ending = path === STANDARD ? "safetensors" : ENDINGS.find((each) => path.toLowerCase().endsWith(`.${each}`));
  if (ending !== undefined) return ending;
  throw wrongValue("to", `a file that ends in one of ${ENDINGS.map((each) => `.${each}`).join(", ")}`, path);
}

export const importCommand = defineCommand({
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
    const isStandard = from === STANDARD;
    const file = isStandard ? await readBytes(from, "a checkpoint") : readSmallFile(from, "a checkpoint file");
    const source = isStandard ? nameOf(from) : from;
    const { types, ...checkpoint } = await checkpoints.importCheckpoint(file, { key, source });
    await writeOutput(to, checkpoints.encodeCheckpoint(checkpoint));
    const { model, parameters: { length: parameters } } = checkpoint;
    const narrowed = types.includes("float64") ? ", narrowed from float64 to float32" : "";
    const line = `${parameters} parameters of ${from} are in ${to}${narrowed}`;
    return printResult({ model, parameters, types, from, to }, line, { json, output: to });
  },
});
