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
import { CheckpointError, excerpt } from "../error.ts";
import {
  PickleDict,
  PickleGlobal,
  PickleRefusal,
  type PickleValue,
  type PickleWorld,
  readPickle,
} from "./pickle_reader.ts";
import { PyTorchTensor, type Storage, STORAGE_CLASSES } from "./tensor.ts";
import { looksLikeZip, readZip, type ZipEntries } from "./zip.ts";

/** What was saved, and where its numbers lie. */
export interface PyTorchArchive {
  /** What was saved. */
  readonly root: PickleValue;
  /** The bytes of a storage, or undefined where there are none. */
  storageBytes(key: string): Uint8Array | undefined;
}

/**
 * Reads what `torch.save` wrote.
 *
 * @param asked What errors say was asked: `Cannot <asked> as …`
 * @throws {CheckpointError} If it is no such file, or describes anything else than dicts, lists, numbers, text and tensors
 */
export function readArchive(bytes: Uint8Array, asked: string): PyTorchArchive {
  if (!looksLikeZip(bytes)) {
    throw new CheckpointError(
      `Cannot ${asked} as it must be a file of torch.save, version 1.6 or later, which begins with "PK": current beginning is ${
        excerpt(Array.from(bytes.subarray(0, 4)))
      }`,
    );
  }
  const entries = readZip(bytes, asked);
  const folder = folderOf(entries, asked);
  const order = entries.get(`${folder}/byteorder`);
  if (order !== undefined && new TextDecoder().decode(order.subarray(0, 16)) !== "little") {
    throw new CheckpointError(`Cannot ${asked} as its byteorder must be little: it is another`);
  }
  return {
    root: readPickle(entries.get(`${folder}/data.pkl`)!, WORLD, asked),
    storageBytes: (key) => entries.get(`${folder}/data/${key}`),
  };
}

/** The one folder that all entries lie in: the name of the file when it was saved, or `archive`. */
function folderOf(entries: ZipEntries, asked: string): string {
  const suffix = "/data.pkl";
  const found = [...entries.keys()].filter((name) => name.endsWith(suffix) && name.indexOf("/") === name.length - 9);
  if (found.length !== 1) {
    throw new CheckpointError(
      `Cannot ${asked} as a file of torch.save has one entry NAME${suffix}: this ZIP file has ${found.length}`,
    );
  }
  return found[0].slice(0, -suffix.length);
}

/** All that a file of tensors may name. */
const WORLD: PickleWorld = {
  globals: {
    "collections OrderedDict": emptyDict,
    "torch._utils _rebuild_tensor_v2": rebuildTensor,
    "torch._utils _rebuild_parameter": rebuildParameter,
    ...Object.fromEntries(Object.keys(STORAGE_CLASSES).map((name) => [`torch ${name}`, null])),
  },
  persistent: storageOf,
};

/** `OrderedDict()`; its items follow. */
function emptyDict(args: PickleValue[]): PickleDict {
  if (args.length > 0) throw new PickleRefusal("an OrderedDict is made of something");
  return new PickleDict();
}

/** `_rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, …)` */
function rebuildTensor([storage, offset, shape, strides]: PickleValue[]): PyTorchTensor {
  if (!isStorage(storage)) throw new PickleRefusal("a tensor has no storage");
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

/** `("storage", torch.FloatStorage, key, device, number of elements)` */
function storageOf(id: PickleValue): Storage {
  if (Array.isArray(id)) {
    const [tag, kind, key, _device, length] = id;
    if (tag === "storage" && kind instanceof PickleGlobal && typeof key === "string" && isIndex(length)) {
      const name = kind.name.replace(/^torch /, "");
      if (Object.hasOwn(STORAGE_CLASSES, name)) return { kind: name, key, length };
    }
  }
  throw new PickleRefusal("a persistent id is not that of a storage");
}

function isStorage(value: unknown): value is Storage {
  return typeof value === "object" && value !== null && "kind" in value && "key" in value;
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A shape or strides; PyTorch itself allows 64 extents, more than 8 are no tensor of a model. */
function isListOfIndices(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 8 && value.every(isIndex);
}
