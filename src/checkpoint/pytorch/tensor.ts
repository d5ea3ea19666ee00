import { CheckpointError, excerpt, tensorLabel } from "../common/error.ts";
import { type ElementType, elementType } from "../common/element_type.ts";
import { elementCount, FileTensor, gather } from "../common/tensor.ts";

/** The type of the elements by the name of PyTorch's storage class. */
const TYPES: Readonly<Record<string, string>> = {
  ...{ FloatStorage: "float32", DoubleStorage: "float64", HalfStorage: "float16", BFloat16Storage: "bfloat16" },
  ...{ LongStorage: "int64", IntStorage: "int32", ShortStorage: "int16", CharStorage: "int8", ByteStorage: "uint8" },
  BoolStorage: "bool",
};

/** A run of elements of one type. */
export class Storage {
  /** The type, if its numbers can be read. */
  readonly type: ElementType | undefined;

  /** Describes a storage. */
  constructor(
    /** Name of PyTorch's class. */
    readonly kind: string,
    /** Name of the entry, without the folder. */
    readonly key: string,
    /** Number of elements, according to the pickle. */
    readonly length: number,
    /** The bytes of the entry, if there is one. */
    readonly bytes: Uint8Array | undefined,
  ) {
    this.type = elementType(TYPES[kind]);
  }
}

/** A window on a storage. Its form is checked, its agreement with the storage is not. */
export class PyTorchTensor extends FileTensor {
  /** Describes a tensor. */
  constructor(
    /** Where its elements are. */
    readonly storage: Storage,
    /** Index of its first element in the storage. */
    readonly offset: number,
    override readonly shape: readonly number[],
    /** How far apart neighbours along each extent are, in elements. */
    readonly strides: readonly number[],
  ) {
    super();
  }

  override get type(): string {
    return this.storage.type?.name ?? this.storage.kind;
  }

  /** No tensor has more elements than its storage, so all that is made is bounded by the number of tensors that the model has. */
  override elements(name: string, asked: string): Float32Array {
    const { storage: { type, key, length, bytes }, offset, shape, strides } = this;
    const fail = (reason: string): never => {
      throw new CheckpointError(`Cannot ${asked} as ${tensorLabel(name)} ${reason}`);
    };
    if (bytes === undefined) return fail(`must have its storage in entry data/${excerpt(key)}: there is none`);
    if (type === undefined) return fail(`must be of a known type: current type is ${excerpt(this.type)}`);
    if (bytes.length !== length * type.bytes) {
      return fail(`must have a storage of ${length * type.bytes} bytes: entry data/${key} has ${bytes.length}`);
    }
    const count = elementCount(shape);
    const last = shape.reduce((index, extent, i) => index + (extent - 1) * strides[i], offset);
    if (count > length || (count > 0 && last >= length)) {
      return fail(
        `of shape ${excerpt(shape)}, strides ${excerpt(strides)} and offset ${offset} must lie within its storage: ` +
          `it holds ${length} elements`,
      );
    }

    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return gather(shape, strides, (index) => type.read(view, (offset + index) * type.bytes, true));
  }
}
