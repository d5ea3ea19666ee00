import { encodeAdderBoardSubmission } from "../checkpoint/adderboard.ts";
import { type Checkpoint, encodeCheckpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { encodeFlax } from "../checkpoint/numpy/flax.ts";
import { encodeNpz } from "../checkpoint/numpy/npz.ts";
import { encodeOnnx } from "../checkpoint/onnx/onnx.ts";
import { encodePyTorchCheckpoint } from "../checkpoint/pytorch/pytorch.ts";
import { formatInteger } from "../common/format_integer.ts";
import { parameterCount, variantOf } from "../model/variant.ts";
import { defineCommand } from "./command.ts";
import { checkOutput, printLine, STANDARD, writeOutput } from "./files.ts";
import { FROM_FLAG, oneOf, outputFile, OVERWRITE_FLAG } from "./flags.ts";
import { printJson } from "./format.ts";
import { modelFrom } from "./model.ts";
import { quote, UsageError } from "./usage_error.ts";

interface Format {
  readonly name: string;
  readonly encode: (checkpoint: Checkpoint) => Uint8Array;
}

const FORMATS: Readonly<Record<string, Format>> = {
  ".safetensors": { name: "safetensors", encode: encodeCheckpoint },
  ".pt": { name: "PyTorch state dict", encode: encodePyTorchCheckpoint },
  ".npz": { name: "NumPy", encode: encodeNpz },
  ".pkl": { name: "pickled Flax parameters", encode: encodeFlax },
  ".onnx": { name: "ONNX", encode: encodeOnnx },
  ".py": {
    name: "AdderBoard submission",
    encode: (checkpoint) => new TextEncoder().encode(encodeAdderBoardSubmission(checkpoint)),
  },
};

export const exportCommand = defineCommand({
  name: "export",
  description:
    "Writes a model for other programs. The ending of FILE chooses the format: .safetensors, .pt (PyTorch), .npz\n" +
    "(NumPy), .pkl (Flax parameters of gpt-acc-jax, model 777 alone), .onnx, or .py (a submission to the AdderBoard,\n" +
    "https://github.com/anadim/AdderBoard, with the weights in it).",
  flags: {
    from: FROM_FLAG,
    to: outputFile(
      "FILE",
      "file to write: FILE.safetensors, FILE.pt, FILE.npz, FILE.pkl, FILE.onnx or FILE.py; -: standard output",
    ),
    format: oneOf(
      Object.keys(FORMATS).map((ending) => ending.slice(1)),
      "format of the file (default: by its ending; safetensors for -)",
    ),
    overwrite: OVERWRITE_FLAG,
  },
  required: ["to"],
  permissions: "--allow-write=FILE; --allow-read=CKPT with --from",
  example: "deno run --allow-write=adder.onnx cli.ts export --to adder.onnx",
  async run({ flags: { from, to, format, overwrite }, json }) {
    const { name, encode } = format === undefined ? formatOf(to!) : FORMATS[`.${format}`];
    await checkOutput(to, overwrite);
    const { checkpoint, name: source } = await modelFrom(from);
    const bytes = encode(checkpoint);
    await writeOutput(to!, bytes);
    const parameters = parameterCount(variantOf(checkpoint.model));
    if (json) {
      printJson({
        model: checkpoint.model,
        parameters,
        format: name,
        bytes: bytes.length,
        to,
        checkpoint: source,
      });
    } else {
      printLine(`${parameters} parameters are in ${to} (${name}, ${formatInteger(bytes.length)} bytes)`, to);
    }
    return 0;
  },
});

function formatOf(path: string): Format {
  if (path === STANDARD) return FORMATS[".safetensors"];
  const ending = Object.keys(FORMATS).find((ending) => path.toLowerCase().endsWith(ending));
  if (ending !== undefined) return FORMATS[ending];
  throw new UsageError(
    `Cannot run export as --to must end in one of ${Object.keys(FORMATS).join(", ")}: current value is ${quote(path)}`,
  );
}
