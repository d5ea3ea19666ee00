import { encodeAdderBoardSubmission } from "../checkpoint/adderboard.ts";
import { type Checkpoint, encodeCheckpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { encodeFlax } from "../checkpoint/numpy/flax.ts";
import { encodeNpz } from "../checkpoint/numpy/npz.ts";
import { encodeOnnx } from "../checkpoint/onnx/onnx.ts";
import { encodePyTorchCheckpoint } from "../checkpoint/pytorch/pytorch.ts";
import { formatInteger } from "../common/format_value.ts";
import { parameterCount, variantOf } from "../model/variant.ts";
import { defineCommand } from "./command.ts";
import { checkOutput, modelFrom, STANDARD, writeOutput } from "./files.ts";
import { FROM_FLAG, oneOf, outputFile, OVERWRITE_FLAG, wrongValue } from "./flags.ts";
import { printResult } from "./format.ts";

type Encode = (checkpoint: Checkpoint) => Uint8Array | string;

/** By ending; `note` is what its files are for, in the help. */
const FORMATS: Readonly<Record<string, { readonly name: string; readonly note?: string; readonly encode: Encode }>> = {
  safetensors: { name: "safetensors", encode: encodeCheckpoint },
  pt: { name: "PyTorch state dict", note: "PyTorch", encode: encodePyTorchCheckpoint },
  npz: { name: "NumPy", note: "NumPy", encode: encodeNpz },
  pkl: { name: "pickled Flax parameters", note: "Flax parameters of gpt-acc-jax, model 777 alone", encode: encodeFlax },
  onnx: { name: "ONNX", encode: encodeOnnx },
  py: {
    name: "AdderBoard submission",
    note: "a submission to the AdderBoard, https://github.com/anadim/AdderBoard, with the weights in it",
    encode: encodeAdderBoardSubmission,
  },
};
const ENDINGS = Object.keys(FORMATS);

export const exportCommand = defineCommand({
  name: "export",
  description: "Writes a model for other programs. The ending of FILE chooses the format:\n" +
    Object.entries(FORMATS).map(([ending, { note }]) => `  .${ending}${note ? ` (${note})` : ""}`).join("\n"),
  flags: {
    from: FROM_FLAG,
    to: { ...outputFile("FILE", "file to write; -: standard output"), required: true },
    format: oneOf(ENDINGS, "format of the file (default: by its ending; safetensors for -)"),
    overwrite: OVERWRITE_FLAG,
  },
  permissions: "--allow-write=FILE; --allow-read=CKPT with --from",
  example: "deno run --allow-write=adder.onnx cli.ts export --to adder.onnx",
  async run({ flags: { from, to, format, overwrite }, json }) {
    const { name, encode } = FORMATS[format ?? endingOf(to)];
    await checkOutput(to, overwrite);
    const { checkpoint, name: source } = await modelFrom(from);
    const { model } = checkpoint;
    const bytes = await writeOutput(to, encode(checkpoint));
    const parameters = parameterCount(variantOf(model));
    const text = `${parameters} parameters are in ${to} (${name}, ${formatInteger(bytes)} bytes)`;
    const result = { model, parameters, format: name, bytes, to, checkpoint: source };
    return printResult(result, text, { json, output: to });
  },
});

function endingOf(path: string): string {
  const ending = path === STANDARD ? "safetensors" : ENDINGS.find((each) => path.toLowerCase().endsWith(`.${each}`));
  if (ending !== undefined) return ending;
  throw wrongValue("to", `a file that ends in one of ${ENDINGS.map((each) => `.${each}`).join(", ")}`, path);
}
