import { variantOf } from "../../model/variant.ts";
import { littleEndian } from "../bytes.ts";
import type { Checkpoint, DecodeCheckpointOptions } from "../checkpoint.ts";
import { CheckpointError, excerpt, tensorLabel } from "../error.ts";
import { checkParameters, checkpointOf, FORMAT_VERSION, type NamedTensor } from "../state_dict.ts";
import { type PyTorchArchive, readArchive } from "./archive.ts";
import { isCausalMask } from "./causal_mask.ts";
import { PickleDict, type PickleValue } from "./pickle_reader.ts";
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
} from "./pickle_writer.ts";
import { PyTorchTensor, readElements } from "./tensor.ts";
import { looksLikeZip, writeZip } from "./zip.ts";

/** Keys under which training scripts save a state dict beside other data. */
const WRAPPERS = ["model_state_dict", "state_dict", "model"];
/** Prefixes that `nn.DataParallel` and `torch.compile` add to every name. */
const PREFIXES = ["module.", "_orig_mod."];
/** The last part of the name of a buffer that holds no weights, if it is a causal mask. */
const MASK_NAMES = ["mask", "causal_mask", "attn_mask", "bias", "tril"];
/** Our metadata are `state_dict._metadata[""]["tiny_adder"]`; PyTorch keeps `_metadata` beside a state dict. */
const METADATA = { root: "", key: "tiny_adder" };

/** The first bytes of `torch.save` files of older versions: a pickled magic number. No safetensors file begins so. */
const OLD_BEGINNING = [0x80, 0x02, 0x8a, 0x0a];

/** Whether bytes begin like a file of `torch.save`. */
export function looksLikePyTorch(bytes: Uint8Array): boolean {
  return looksLikeZip(bytes) || OLD_BEGINNING.every((byte, i) => bytes[i] === byte);
}

/**
 * Reads a file that `torch.save` of PyTorch 1.6 or later wrote, without running any code in it. The file must hold a state dict, alone or
 * under the key `model_state_dict`, `state_dict` or `model`. An output projection is accepted if it equals `tok_emb.weight`; causal masks
 * are ignored.
 *
 * @example Usage
 * ```ts
 * import { decodePyTorchCheckpoint, encodePyTorchCheckpoint } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const parameters = new Float32Array(763).fill(0.5);
 * const bytes = encodePyTorchCheckpoint({ model: 763, parameters, metadata: { seed: "7" } });
 * assertEquals(decodePyTorchCheckpoint(bytes, { source: "adder.pt" }).parameters, parameters);
 * ```
 *
 * @param bytes The whole file
 * @param options Its name in errors, and the variant that it must be
 * @throws {CheckpointError} If it is not such a file, names anything but tensors, or does not hold the weights of the variant
 */
export function decodePyTorchCheckpoint(
  bytes: Uint8Array,
  { source = "the checkpoint", model }: DecodeCheckpointOptions = {},
): Checkpoint {
  const asked = `read ${source}`;
  const archive = readArchive(bytes, asked);
  const dict = stateDictOf(archive.root, asked);
  const tensors = new Map<string, NamedTensor>();
  for (const [name, tensor] of tensorsOf(dict, asked)) {
    const read = elementsOf(name, tensor, archive, asked);
    if (MASK_NAMES.includes(name.slice(name.lastIndexOf(".") + 1)) && isCausalMask(tensor, read)) continue;
    tensors.set(name, { shape: tensor.shape, values: () => finiteFloats(name, tensor, read, asked) });
  }
  return checkpointOf(tensors, { metadata: metadataOf(dict), asked, model });
}

/** The saved dict, or the state dict under one of its usual keys. */
function stateDictOf(root: PickleValue, asked: string): PickleDict {
  if (root instanceof PickleDict) {
    const nested = WRAPPERS.map((key) => root.entries.get(key)).find((value) => value instanceof PickleDict);
    if (nested instanceof PickleDict) return nested;
    if ([...root.entries.values()].some((value) => value instanceof PyTorchTensor)) return root;
  }
  throw new CheckpointError(
    `Cannot ${asked} as it must hold tensors by name, by themselves or under one of ${WRAPPERS.join(", ")}: it holds ${
      root instanceof PickleDict ? `a dict with the keys ${excerpt([...root.entries.keys()])}` : "something else"
    }`,
  );
}

/** The tensors by name, without a prefix that all names share. */
function tensorsOf(dict: PickleDict, asked: string): [name: string, tensor: PyTorchTensor][] {
  const entries = [...dict.entries].map(([name, value]): [string, PyTorchTensor] => {
    if (typeof name === "string" && value instanceof PyTorchTensor) return [name, value];
    throw new CheckpointError(`Cannot ${asked} as it must hold tensors alone: ${excerpt(name)} is none`);
  });
  const prefix = PREFIXES.find((prefix) => entries.every(([name]) => name.startsWith(prefix))) ?? "";
  return entries.map(([name, tensor]) => [name.slice(prefix.length), tensor]);
}

type ReadElements = (read: (view: DataView, at: number) => number) => Float32Array;

function elementsOf(name: string, tensor: PyTorchTensor, archive: PyTorchArchive, asked: string): ReadElements {
  return (read) => {
    const bytes = archive.storageBytes(tensor.storage.key);
    if (bytes !== undefined) return readElements(name, tensor, bytes, read, asked);
    throw new CheckpointError(
      `Cannot ${asked} as ${tensorLabel(name)} must have its storage in entry data/${
        excerpt(tensor.storage.key)
      }: there is none`,
    );
  };
}

function finiteFloats(name: string, { storage: { kind } }: PyTorchTensor, read: ReadElements, asked: string) {
  if (kind !== "FloatStorage") {
    throw new CheckpointError(`Cannot ${asked} as ${tensorLabel(name)} must be of float32: current type is ${kind}`);
  }
  const values = read((view, at) => view.getFloat32(at, true));
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new CheckpointError(
      `Cannot ${asked} as ${tensorLabel(name)} must hold finite numbers: value ${wrong} is ${values[wrong]}`,
    );
  }
  return values;
}

/** What {@linkcode encodePyTorchCheckpoint} put beside the tensors; PyTorch carries it through loading and saving. */
function metadataOf(dict: PickleDict): Record<string, string> {
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
export function encodePyTorchCheckpoint(checkpoint: Checkpoint): Uint8Array<ArrayBuffer> {
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
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, extent) => product * extent, 1));
  const ints = (values: readonly number[]) => pickledTuple(...values.map(pickledInt));
  const kind = pickledGlobal("torch", "FloatStorage");
  const storage = pickledTuple(
    ...[pickledText("storage"), kind, pickledText(key), pickledText("cpu"), pickledInt(size)],
  );
  return pickledCall(
    pickledGlobal("torch._utils", "_rebuild_tensor_v2"),
    pickledTuple(
      ...[pickledPersistent(storage), pickledInt(0), ints(shape), ints(strides)],
      ...[pickledFalse(), pickledOrderedDict([])],
    ),
  );
}
