/**
 * The file of `torch.save`, since version 1.6: a ZIP file with a pickle and one entry for each storage.
 *
 * ```
 * NAME/data.pkl     the saved value, with the keys of storages in place of tensors
 * NAME/data/KEY     the elements of a storage
 * NAME/byteorder    "little", from version 2.1 on
 * ```
 */
import { refuse } from "../common/error.ts";
import { PickleDict, PickleGlobal, PickleRefusal, type PickleValue, readPickle } from "../common/pickle_reader.ts";
import { FileTensor, isShape, isSize, typeNamed } from "../common/tensor.ts";
import type { ZipEntries } from "../common/zip.ts";
import { NUMPY_GLOBALS } from "../numpy/npz.ts";

/** The entries of a file of `torch.save`: its pickle, at the top of one folder. */
const PICKLE = /^[^/]*\/data\.pkl$/;

/** Reads what was saved. @throws {CheckpointError} If it is no such file, or its pickle is malformed or harmful */
export function readArchive(entries: ZipEntries, asked: string): PickleValue {
  const found = [...entries.keys()].filter((name) => PICKLE.test(name));
  if (found.length !== 1) {
    refuse(asked, `a file of torch.save has one entry NAME/data.pkl: this ZIP file has ${found.length}`);
  }
  const folder = found[0].replace(/data\.pkl$/, "");
  const order = entries.get(`${folder}byteorder`);
  if (order !== undefined && new TextDecoder().decode(order.subarray(0, 16)) !== "little") {
    refuse(asked, "its byteorder must be little: it is another");
  }
  const persistent = (id: PickleValue) => storageOf(id, (key) => entries.get(`${folder}data/${key}`));
  return readPickle(entries.get(found[0])!, { globals: GLOBALS, persistent }, asked);
}

/** All that is more than a placeholder. */
export const GLOBALS = {
  /** `OrderedDict()`; its items follow. */
  "collections OrderedDict": (args: PickleValue[]) => {
    if (args.length > 0) throw new PickleRefusal("an OrderedDict is made of something");
    return new PickleDict();
  },
  "torch._utils _rebuild_tensor_v2": rebuildTensor,
  "torch._utils _rebuild_tensor_v3": rebuildTensor,
  "torch._utils _rebuild_parameter": rebuildParameter,
  "torch._utils _rebuild_parameter_with_state": rebuildParameter,
  "torch._tensor _rebuild_from_type_v2": rebuildSubclass,
  /** A file of PyTorch's within a pickle that torch.save did not write. */
  "torch.storage _load_from_bytes": () => {
    throw new PickleRefusal("it holds tensors of PyTorch that pickle.dump wrote: write them with torch.save");
  },
  ...NUMPY_GLOBALS,
};

/** A run of elements of one type: as many as the pickle says, and the bytes of the entry, if there is one. */
class Storage {
  constructor(
    readonly type: string,
    readonly entry: string,
    readonly length: number,
    readonly bytes: Uint8Array | undefined,
  ) {}
}

/** `_rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, …)` */
function rebuildTensor([storage, offset, shape, strides]: PickleValue[]): FileTensor {
  if (!(storage instanceof Storage)) throw new PickleRefusal("a tensor has no storage");
  if (!isSize(offset) || !isShape(shape) || !isShape(strides) || shape.length !== strides.length) {
    throw new PickleRefusal("a tensor has no offset, shape and strides of whole numbers >= 0");
  }
  // copies: the pickle could still append to its lists
  return new FileTensor({ ...storage, storage, offset, shape: [...shape], strides: [...strides] });
}

/** `_rebuild_parameter(data, requires_grad, backward_hooks)`, for what was saved as `nn.Parameter` */
function rebuildParameter([data]: PickleValue[]): FileTensor {
  if (!(data instanceof FileTensor)) throw new PickleRefusal("a parameter has no tensor");
  return data;
}

/** `_rebuild_from_type_v2(function, type, args, state)`, for tensors of a subclass or with attributes */
function rebuildSubclass([rebuild, , args]: PickleValue[]): FileTensor {
  const isKnown = rebuild instanceof PickleGlobal && /^torch\._utils _rebuild_tensor_v[23]$/.test(rebuild.name);
  if (!isKnown || !Array.isArray(args)) throw new PickleRefusal("a tensor is made in an unknown way");
  return rebuildTensor(args);
}

/** `("storage", torch.FloatStorage, key, device, number of elements)` */
function storageOf(id: PickleValue, bytesOf: (key: string) => Uint8Array | undefined): Storage {
  const [tag, kind, key, _device, length] = Array.isArray(id) ? id : [];
  const [, name] = /^torch(?:\.\S*)? (.*Storage)$/.exec(kind instanceof PickleGlobal ? kind.name : "") ?? [];
  if (tag !== "storage" || name === undefined || typeof key !== "string" || !isSize(length)) {
    throw new PickleRefusal("a persistent id is not that of a storage");
  }
  return new Storage(typeNamed(name, "pytorch"), `data/${key}`, length, bytesOf(key));
}
