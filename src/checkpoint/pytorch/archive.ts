/**
 * The file of `torch.save`, since version 1.6: a ZIP file with a pickle and one entry for each storage.
 *
 * ```
 * NAME/data.pkl     the saved value, with the keys of storages in place of tensors
 * NAME/data/KEY     the elements of a storage
 * NAME/byteorder    "little", from version 2.1 on
 * ```
 *
 * @module
 */
import { CheckpointError } from "../common/error.ts";
import { NUMPY_GLOBALS } from "../numpy/array.ts";
import { PickleDict, PickleGlobal, PickleRefusal, type PickleValue, readPickle } from "../common/pickle_reader.ts";
import type { ZipEntries } from "../common/zip.ts";
import { PyTorchTensor, Storage } from "./tensor.ts";

/** The entries of a file of `torch.save`: its pickle, at the top of one folder. */
const PICKLE = /^[^/]*\/data\.pkl$/;

/** Whether a ZIP file can be one of `torch.save`. */
export function isArchive(entries: ZipEntries): boolean {
  return [...entries.keys()].some((name) => PICKLE.test(name));
}

/**
 * Reads what `torch.save` wrote.
 *
 * @param asked What errors say was asked: `Cannot <asked> as …`
 * @returns What was saved
 * @throws {CheckpointError} If it is no such file, or its pickle is malformed or harmful
 */
export function readArchive(entries: ZipEntries, asked: string): PickleValue {
  const found = [...entries.keys()].filter((name) => PICKLE.test(name));
  if (found.length !== 1) {
    throw new CheckpointError(
      `Cannot ${asked} as a file of torch.save has one entry NAME/data.pkl: this ZIP file has ${found.length}`,
    );
  }
  const folder = found[0].replace(/data\.pkl$/, "");
  const order = entries.get(`${folder}byteorder`);
  if (order !== undefined && new TextDecoder().decode(order.subarray(0, 16)) !== "little") {
    throw new CheckpointError(`Cannot ${asked} as its byteorder must be little: it is another`);
  }
  const persistent = (id: PickleValue) => storageOf(id, (key) => entries.get(`${folder}data/${key}`));
  return readPickle(entries.get(found[0])!, { globals: GLOBALS, persistent }, asked);
}

/** All that is more than a placeholder. */
export const GLOBALS = {
  "collections OrderedDict": emptyDict,
  "torch._utils _rebuild_tensor_v2": rebuildTensor,
  "torch._utils _rebuild_tensor_v3": rebuildTensor,
  "torch._utils _rebuild_parameter": rebuildParameter,
  "torch._utils _rebuild_parameter_with_state": rebuildParameter,
  "torch.storage _load_from_bytes": refuseLoose,
  ...NUMPY_GLOBALS,
};

/** `OrderedDict()`; its items follow. */
function emptyDict(args: PickleValue[]): PickleDict {
  if (args.length > 0) throw new PickleRefusal("an OrderedDict is made of something");
  return new PickleDict();
}

/** `_rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, …)` */
function rebuildTensor([storage, offset, shape, strides]: PickleValue[]): PyTorchTensor {
  if (!(storage instanceof Storage)) throw new PickleRefusal("a tensor has no storage");
  if (!isIndex(offset) || !isListOfIndices(shape) || !isListOfIndices(strides) || shape.length !== strides.length) {
    throw new PickleRefusal("a tensor has no offset, shape and strides of whole numbers >= 0");
  }
  // copies: the pickle could still append to its lists
  return new PyTorchTensor(storage, offset, [...shape], [...strides]);
}

/** `_rebuild_parameter(data, requires_grad, backward_hooks)`, for what was saved as `nn.Parameter` */
function rebuildParameter([data]: PickleValue[]): PyTorchTensor {
  if (!(data instanceof PyTorchTensor)) throw new PickleRefusal("a parameter has no tensor");
  return data;
}

/** `torch.storage._load_from_bytes(bytes)`: a file of PyTorch's within a pickle that torch.save did not write */
function refuseLoose(): never {
  throw new PickleRefusal("it holds tensors of PyTorch that pickle.dump wrote: write them with torch.save");
}

/** `("storage", torch.FloatStorage, key, device, number of elements)` */
function storageOf(id: PickleValue, bytesOf: (key: string) => Uint8Array | undefined): Storage {
  if (Array.isArray(id)) {
    const [tag, kind, key, _device, length] = id;
    if (tag === "storage" && kind instanceof PickleGlobal && typeof key === "string" && isIndex(length)) {
      const [module, name] = kind.name.split(" ");
      if (/^torch(?:\.|$)/.test(module) && name.endsWith("Storage")) {
        return new Storage(name, key, length, bytesOf(key));
      }
    }
  }
  throw new PickleRefusal("a persistent id is not that of a storage");
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A shape or strides; PyTorch itself allows 64 extents, more than 8 are no tensor of a model. */
function isListOfIndices(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 8 && value.every(isIndex);
}
