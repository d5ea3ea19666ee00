import { variantOf } from "../../model/variant.ts";
import { littleEndian } from "../common/bytes.ts";
import { PickleDict, type PickleValue } from "../common/pickle_reader.ts";
import {
  pickle,
  type Pickled,
  pickledCall,
  pickledDict,
  pickledFalse,
  pickledGlobal,
  pickledInt,
  pickledOrderedDict,
  pickledPersistent,
  pickledText,
  pickledTuple,
  withAttributes,
} from "../common/pickle_writer.ts";
import { checkpointFrom, type CheckpointSource } from "../safetensors/source.ts";
import { checkParameters, FORMAT_VERSION } from "../safetensors/state_dict.ts";
import { denseStrides } from "../common/tensor.ts";
import { writeZip } from "../common/zip.ts";

/** Our metadata are `state_dict._metadata[""]["tiny_adder"]`; PyTorch keeps `_metadata` beside a state dict. */
const METADATA = { root: "", key: "tiny_adder" };

/** What {@linkcode encodePyTorchCheckpoint} put beside the tensors; PyTorch carries it through loading and saving. */
export function metadataOf(dict: PickleDict): Record<string, string> {
  const ours = [METADATA.root, METADATA.key].reduce<PickleValue | undefined>(
    (value, key) => value instanceof PickleDict ? value.entries.get(key) : undefined,
    dict.attributes?.entries.get("_metadata"),
  );
  if (!(ours instanceof PickleDict)) return {};
  const texts = [...ours.entries].filter((entry): entry is [string, string] =>
    entry.every((part) => typeof part === "string")
  );
  return Object.fromEntries(texts);
}

/**
 * Writes the weights as `torch.save(model.state_dict(), …)` would: an `OrderedDict` of tensors, with `output_proj.weight` as a second name
 * of `tok_emb.weight`, to which it is tied. `torch.load` reads it, also with `weights_only=True`.
 *
 * @example Usage
 * ```ts
 * import { encodePyTorchCheckpoint } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodePyTorchCheckpoint({ model: 763, parameters: new Float32Array(763), metadata: {} });
 * assertEquals(new TextDecoder().decode(bytes.subarray(0, 2)), "PK"); // a ZIP file
 * ```
 *
 * @returns The bytes of the file; the same checkpoint gives the same bytes
 * @throws {CheckpointError} If there are too few or too many parameters, or one is not finite
 */
export function encodePyTorchCheckpoint(source: CheckpointSource): Uint8Array<ArrayBuffer> {
  const checkpoint = checkpointFrom(source, "write a checkpoint");
  checkParameters(checkpoint);
  const { model, parameters, metadata } = checkpoint;
  const { tensors } = variantOf(model);
  const described = tensors.map(({ name, shape, size }, i) => [name, pickledTensor(String(i), shape, size)] as const);
  const stateDict = pickledOrderedDict([...described, ["output_proj.weight", described[0][1]]]);

  const texts = Object.entries({ ...metadata, format_version: FORMAT_VERSION, model: String(model) })
    .sort(([a], [b]) => a < b ? -1 : 1).map(([key, text]) => [key, pickledText(text)] as const);
  const ofRoot = pickledDict([["version", pickledInt(1)], [METADATA.key, pickledDict(texts)]]);
  const attributes = pickledDict([["_metadata", pickledOrderedDict([[METADATA.root, ofRoot]])]]);

  const text = (content: string) => new TextEncoder().encode(content);
  return writeZip([
    ["archive/data.pkl", pickle(withAttributes(stateDict, attributes))],
    ["archive/byteorder", text("little")],
    ...tensors.map(({ offset, size }, i) =>
      [`archive/data/${i}`, littleEndian(parameters.subarray(offset, offset + size))] as const
    ),
    ["archive/version", text("3\n")],
  ]);
}

/** `_rebuild_tensor_v2` of a whole storage in row-major order. */
function pickledTensor(key: string, shape: readonly number[], size: number): Pickled {
  const ints = (values: readonly number[]) => pickledTuple(...values.map(pickledInt));
  const kind = pickledGlobal("torch", "FloatStorage");
  const storage = pickledTuple(
    ...[pickledText("storage"), kind, pickledText(key), pickledText("cpu"), pickledInt(size)],
  );
  return pickledCall(
    pickledGlobal("torch._utils", "_rebuild_tensor_v2"),
    pickledTuple(
      ...[pickledPersistent(storage), pickledInt(0), ints(shape), ints(denseStrides(shape))],
      ...[pickledFalse(), pickledOrderedDict([])],
    ),
  );
}
