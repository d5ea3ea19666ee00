import { PickleDict, type PickleValue } from "../common/pickle_reader.ts";
import { call, globalName, orderedDict, persistent, pickle, type Pickled, withState } from "../common/pickle_writer.ts";
import { denseStrides } from "../common/tensor.ts";
import { writeZip } from "../common/zip.ts";
import { type CheckpointSource, tensorsToWrite } from "../safetensors/checkpoint.ts";

/** Our metadata are `state_dict._metadata[""]["tiny_adder"]`; PyTorch keeps `_metadata` beside a state dict. */
const METADATA = { root: "", key: "tiny_adder" };

/** What {@linkcode encodePyTorchCheckpoint} put beside the tensors; PyTorch carries it through loading and saving. */
export function metadataOf(dict: PickleDict): Record<string, string> {
  const ours = [METADATA.root, METADATA.key].reduce<PickleValue | undefined>(
    (value, key) => value instanceof PickleDict ? value.entries.get(key) : undefined,
    dict.attributes?.entries.get("_metadata"),
  );
  if (!(ours instanceof PickleDict)) return {};
  return Object.fromEntries([...ours.entries].filter((entry) => entry.every((part) => typeof part === "string")));
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
  const { tensors, metadata } = tensorsToWrite(source);
  const described = tensors.map(({ name, shape, values }, i) =>
    [name, pickledTensor(String(i), shape, values.length)] as const
  );
  const texts = Object.entries(metadata).sort(([a], [b]) => a < b ? -1 : 1);
  const ofRoot = new Map<string, number | Map<string, string>>([["version", 1], [METADATA.key, new Map(texts)]]);
  const stateDict = withState(
    orderedDict([...described, ["output_proj.weight", described[0][1]]]),
    new Map([["_metadata", orderedDict([[METADATA.root, ofRoot]])]]),
  );
  const text = (content: string) => new TextEncoder().encode(content);
  return writeZip([
    ["archive/data.pkl", pickle(stateDict)],
    ["archive/byteorder", text("little")],
    ...tensors.map(({ bytes }, i) => [`archive/data/${i}`, bytes] as const),
    ["archive/version", text("3\n")],
  ]);
}

/** `_rebuild_tensor_v2` of a whole storage in row-major order. */
function pickledTensor(key: string, shape: readonly number[], size: number): Pickled {
  const storage = persistent(["storage", globalName("torch FloatStorage"), key, "cpu", size]);
  return call("torch._utils _rebuild_tensor_v2", storage, 0, shape, denseStrides(shape), false, orderedDict([]));
}
