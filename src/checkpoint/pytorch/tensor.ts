import { CheckpointError, excerpt, tensorLabel } from "../error.ts";

/** Bytes of one element by the name of PyTorch's storage class. */
export const STORAGE_CLASSES: Readonly<Record<string, number>> = {
  FloatStorage: 4,
  DoubleStorage: 8,
  HalfStorage: 2,
  BFloat16Storage: 2,
  LongStorage: 8,
  IntStorage: 4,
  ShortStorage: 2,
  CharStorage: 1,
  ByteStorage: 1,
  BoolStorage: 1,
};

/** A run of elements of one type. */
export interface Storage {
  /** Name of PyTorch's class. */
  readonly kind: string;
  /** Name of the entry, without the folder. */
  readonly key: string;
  /** Number of elements, according to the pickle. */
  readonly length: number;
}

/** A window on a storage. Its form is checked, its agreement with the storage is not. */
export class PyTorchTensor {
  /** Describes a tensor. */
  constructor(
    /** Where its elements are. */
    readonly storage: Storage,
    /** Index of its first element in the storage. */
    readonly offset: number,
    /** Its extents. */
    readonly shape: readonly number[],
    /** How far apart neighbours along each extent are, in elements. */
    readonly strides: readonly number[],
  ) {}
}

/**
 * Reads the elements of a tensor, in row-major order. No tensor has more elements than its storage, so the sum of all that is made is
 * bounded by the number of tensors that the model has.
 *
 * @param name What errors call it
 * @param bytes The storage's entry
 * @param read Reads the element at a byte
 * @throws {CheckpointError} If the window does not lie within the storage, or the storage is not as long as the pickle says
 */
export function readElements(
  name: string,
  { storage, offset, shape, strides }: PyTorchTensor,
  bytes: Uint8Array,
  read: (view: DataView, at: number) => number,
  asked: string,
): Float32Array {
  const size = STORAGE_CLASSES[storage.kind];
  const fail = (reason: string): never => {
    throw new CheckpointError(`Cannot ${asked} as ${tensorLabel(name)} ${reason}`);
  };
  if (bytes.length !== storage.length * size) {
    fail(`must have a storage of ${storage.length * size} bytes: entry data/${storage.key} has ${bytes.length}`);
  }
  const count = shape.reduce((product, extent) => product * extent, 1);
  const last = shape.reduce((index, extent, i) => index + (extent - 1) * strides[i], offset);
  if (count > storage.length || (count > 0 && last >= storage.length)) {
    fail(
      `of shape ${excerpt(shape)}, strides ${excerpt(strides)} and offset ${offset} must lie within its storage: ` +
        `it holds ${storage.length} elements`,
    );
  }

  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    // index along each extent, the last one fastest
    let index = offset;
    for (let axis = shape.length - 1, rest = i; axis >= 0; axis--) {
      index += (rest % shape[axis]) * strides[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    values[i] = read(view, index * size);
  }
  return values;
}
