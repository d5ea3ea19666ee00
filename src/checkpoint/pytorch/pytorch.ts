/**
 * The file of `torch.save`, since version 1.6: a ZIP file with a pickle and one entry for each storage.
 *
 * ```
 * NAME/data.pkl     the saved value, with the keys of storages in place of tensors
 * NAME/data/KEY     the elements of a storage
 * NAME/byteorder    "little", from version 2.1 on
 * ```
 */
import { bytesOfLatin1, latin1 } from "../../common/encoding.ts";
import { refuse } from "../common/error.ts";
import { TORCH_PICKLE } from "../common/identify.ts";
import { PERSISTENT, type PickleCall, PickleDict, PickleGlobal, type PickleValue } from "../common/pickle_reader.ts";
import { readPickle } from "../common/pickle_reader.ts";
import { call, globalName, orderedDict, persistent, pickle, withState } from "../common/pickle_writer.ts";
import { denseStrides, FileTensor, isShape, isSize, typeNamed } from "../common/tensor.ts";
import { writeZip, type ZipEntries } from "../common/zip.ts";
import { NUMPY_CALLS } from "../numpy/npz.ts";
import { type CheckpointSource, tensorsToWrite } from "../safetensors/checkpoint.ts";

const LITTLE = bytesOfLatin1("little");

/** Reads what was saved. @throws {CheckpointError} If it is no such file, or its pickle is malformed or harmful */
export function readArchive(entries: ZipEntries, asked: string): PickleValue {
  const found = [...entries.keys()].filter((name) => TORCH_PICKLE.test(name));
  const must = "a file of torch.save has one entry NAME/data.pkl";
  if (found.length !== 1) refuse(asked, `${must}: this ZIP file has ${found.length}`);
  const folder = found[0].replace(/data\.pkl$/, "");
  const order = latin1(entries.get(`${folder}byteorder`)?.subarray(0, 16) ?? LITTLE);
  if (order !== latin1(LITTLE)) refuse(asked, "its byteorder must be little: it is another");
  /** `("storage", torch.FloatStorage, key, device, number of elements)` */
  const storageOf: PickleCall = ([id], fail) => {
    const [tag, kind, key, _device, length] = Array.isArray(id) ? id : [];
    const [, name] = /^torch(?:\.\S*)? (.*Storage)$/.exec(kind instanceof PickleGlobal ? kind.name : "") ?? [];
    if (tag !== "storage" || name === undefined || typeof key !== "string" || !isSize(length)) {
      return fail("a persistent id is not that of a storage");
    }
    const entry = `data/${key}`;
    return new Storage(typeNamed(name, "pytorch"), entry, length, entries.get(folder + entry));
  };
  return readPickle(entries.get(found[0])!, { ...CALLS, [PERSISTENT]: storageOf }, asked);
}

/** Elements of one type: as many as the pickle says, and the bytes of the entry, if there is one. */
class Storage {
  constructor(readonly type: string, readonly entry: string, readonly length: number, readonly bytes?: Uint8Array) {}
}

/** `_rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, …)` */
const rebuildTensor: PickleCall = ([storage, offset, shape, strides], fail) => {
  if (!(storage instanceof Storage)) return fail("a tensor has no storage");
  if (!isSize(offset) || !isShape(shape) || !isShape(strides) || shape.length !== strides.length) {
    return fail("a tensor has no offset, shape and strides of whole numbers >= 0");
  }
  // copies: the pickle could still append to its lists
  return new FileTensor({ ...storage, storage, offset, shape: [...shape], strides: [...strides] });
};

/** `_rebuild_parameter(data, requires_grad, backward_hooks)`, for what was saved as `nn.Parameter` */
const rebuildParameter: PickleCall = ([data], fail) =>
  data instanceof FileTensor ? data : fail("a parameter has no tensor");

/** `_rebuild_from_type_v2(function, type, args, state)`, for tensors of a subclass or with attributes */
const rebuildSubclass: PickleCall = ([rebuild, , args], fail) => {
  const isKnown = rebuild instanceof PickleGlobal && /^torch\._utils _rebuild_tensor_v[23]$/.test(rebuild.name);
  return isKnown && Array.isArray(args) ? rebuildTensor(args, fail) : fail("a tensor is made in an unknown way");
};

/** What a pickle of PyTorch, NumPy or JAX calls. */
export const CALLS: Readonly<Record<string, PickleCall>> = {
  /** `OrderedDict()`; its items follow. */
  "collections OrderedDict": ({ length }, fail) =>
    length === 0 ? new PickleDict() : fail("an OrderedDict is made of something"),
  "torch._utils _rebuild_tensor_v2": rebuildTensor,
  "torch._utils _rebuild_tensor_v3": rebuildTensor,
  "torch._utils _rebuild_parameter": rebuildParameter,
  "torch._utils _rebuild_parameter_with_state": rebuildParameter,
  "torch._tensor _rebuild_from_type_v2": rebuildSubclass,
  /** A file of PyTorch's within a pickle that torch.save did not write. */
  "torch.storage _load_from_bytes": (_, fail) =>
    fail("it holds tensors of PyTorch that pickle.dump wrote: write them with torch.save"),
  [PERSISTENT]: (_, fail) => fail("it refers to parts outside of itself, which only a file of torch.save has"),
  ...NUMPY_CALLS,
};

/** Our metadata are `state_dict._metadata[""]["tiny_adder"]`; PyTorch keeps `_metadata` beside a state dict, and carries it through loading and saving. */
const METADATA = ["_metadata", "", "tiny_adder"];

export function metadataOf({ attributes }: PickleDict): Record<string, string> {
  let ours: PickleValue | undefined = attributes;
  for (const key of METADATA) ours = ours instanceof PickleDict ? ours.entries.get(key) : undefined;
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
 * @throws {CheckpointError} If the number of parameters is wrong, or one is not finite
 */
export function encodePyTorchCheckpoint(source: CheckpointSource): Uint8Array<ArrayBuffer> {
  const { tensors, metadata } = tensorsToWrite(source);
  const described = tensors.map(({ name, shape, values }, i) => { // each of a whole storage, in row-major order
    const storage = persistent(["storage", globalName("torch FloatStorage"), String(i), "cpu", values.length]);
    const layout = [0, shape, denseStrides(shape), false, orderedDict([])];
    return [name, call("torch._utils _rebuild_tensor_v2", storage, ...layout)] as const;
  });
  const [attribute, root, key] = METADATA;
  const ofRoot = new Map<string, number | Map<string, string>>([["version", 1], [key, new Map(metadata)]]);
  const stateDict = withState(
    orderedDict([...described, ["output_proj.weight", described[0][1]]]),
    new Map([[attribute, orderedDict([[root, ofRoot]])]]),
  );
  return writeZip([
    ["archive/data.pkl", pickle(stateDict)],
    ["archive/byteorder", LITTLE],
    ...tensors.map(({ bytes }, i) => [`archive/data/${i}`, bytes] as const),
    ["archive/version", bytesOfLatin1("3\n")],
  ]);
}
