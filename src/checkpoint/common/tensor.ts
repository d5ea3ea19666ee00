import { isWhole } from "../../common/checks.ts";
import { formatJson } from "../../common/format_value.ts";
import { viewOf } from "./bytes.ts";
import { refuse, tensorLabel } from "./error.ts";

type Read = (view: DataView, at: number, littleEndian: boolean) => number;
type ElementType = readonly [bytes: number, names: readonly string[], read: Read];

/** Whose names of types are known; for PyTorch those of its storages. */
const FORMATS = ["safetensors", "pytorch", "numpy"] as const;
/** Beside the floating-point types those of masks and counters. */
const TYPES = new Map(Object.entries<ElementType>({
  float32: [4, ["F32", "FloatStorage", "f4"], (view, at, little) => view.getFloat32(at, little)],
  float16: [2, ["F16", "HalfStorage", "f2"], getFloat16],
  bfloat16: [2, ["BF16", "BFloat16Storage", "bfloat16"], getBfloat16],
  float64: [8, ["F64", "DoubleStorage", "f8"], (view, at, little) => view.getFloat64(at, little)],
  int64: [8, ["I64", "LongStorage", "i8"], (view, at, little) => Number(view.getBigInt64(at, little))],
  int32: [4, ["I32", "IntStorage", "i4"], (view, at, little) => view.getInt32(at, little)],
  int16: [2, ["I16", "ShortStorage", "i2"], (view, at, little) => view.getInt16(at, little)],
  int8: [1, ["I8", "CharStorage", "i1"], (view, at) => view.getInt8(at)],
  uint8: [1, ["U8", "ByteStorage", "u1"], (view, at) => view.getUint8(at)],
  bool: [1, ["BOOL", "BoolStorage", "b1"], (view, at) => view.getUint8(at)],
}));
/** The types whose numbers can be weights: float32 holds those of all but the last exactly. */
const FLOATS = ["float32", "float16", "bfloat16", "float64"];

/** The name of a type by what a format calls it, which stays where it is not known. */
export function typeNamed(name: string, format: typeof FORMATS[number]): string {
  return [...TYPES].find(([, [, names]]) => names[FORMATS.indexOf(format)] === name)?.[0] ?? name;
}

/** IEEE 754 binary16: 1 bit sign, 5 bits exponent, 10 bits fraction. */
function getFloat16(view: DataView, at: number, littleEndian: boolean): number {
  const bits = view.getUint16(at, littleEndian);
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, bits >> 10 & 0x1f, bits & 0x3ff];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The upper half of a float32. */
function getBfloat16(view: DataView, at: number, littleEndian: boolean): number {
  return new Float32Array(Uint32Array.of(view.getUint16(at, littleEndian) << 16).buffer)[0];
}

/** A tensor of a file, row-major, dense and little-endian unless a field says otherwise. Its elements are compared with its bytes only when they are read. */
export class FileTensor {
  /** The name of the type, such as float32, or what the file calls a type that is not known here. */
  readonly type!: string;
  readonly shape!: readonly number[];
  /** The bytes that hold the elements; undefined where the file lacks them. */
  readonly bytes?: Uint8Array;
  /** The entry of an archive that holds them, where it may hold others, and its number of elements. */
  readonly storage?: { readonly entry: string; readonly length: number };
  /** In elements, as are the strides. */
  readonly offset?: number;
  readonly strides?: readonly number[];
  readonly littleEndian?: boolean;

  constructor(fields: Omit<FileTensor, "isFloat" | "transposed" | "checkSize" | "elements">) {
    Object.assign(this, fields);
  }

  get isFloat(): boolean {
    return FLOATS.includes(this.type);
  }

  get transposed(): FileTensor {
    const { shape, strides = denseStrides(shape) } = this;
    return new FileTensor({ ...this, shape: shape.toReversed(), strides: strides.toReversed() });
  }

  /** @throws {CheckpointError} If the type is known, and the file holds more or fewer bytes than the tensor needs */
  checkSize(name: string, asked: string): void {
    const { type, shape, bytes, storage } = this;
    const [bytesEach = NaN] = TYPES.get(type) ?? [];
    const expected = (storage?.length ?? elementCount(shape)) * bytesEach;
    if (Number.isNaN(expected) || bytes?.length === expected) return;
    const must = storage === undefined
      ? `of shape ${formatJson(shape)} must have ${expected} bytes`
      : `must have a storage of ${expected} bytes in entry ${formatJson(storage.entry)}`;
    const found = bytes === undefined ? "there is none" : `current size is ${bytes.length}`;
    refuse(asked, `${tensorLabel(name)} ${must}: ${found}`);
  }

  /** The elements as float32, row-major; never more than the file holds. @throws {CheckpointError} If the file does not hold them */
  elements(name: string, asked: string): Float32Array {
    const { type, shape, bytes, offset = 0, strides = denseStrides(shape), littleEndian = true } = this;
    const [bytesEach, , read] = TYPES.get(type) ??
      refuse(asked, `${tensorLabel(name)} must be of a known type: current type is ${formatJson(type)}`);
    this.checkSize(name, asked);
    const count = elementCount(shape);
    const length = this.storage?.length ?? count;
    const last = shape.reduce((index, extent, i) => index + (extent - 1) * strides[i], offset);
    if (count > length || (count > 0 && last >= length)) {
      const form = `of shape ${formatJson(shape)}, strides ${formatJson(strides)} and offset ${offset}`;
      refuse(asked, `${tensorLabel(name)} ${form} must lie within its storage: it holds ${length} elements`);
    }
    const view = viewOf(bytes!);
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      let index = offset;
      for (let axis = shape.length - 1, rest = i; axis >= 0; axis--) { // the last extent is the fastest
        index += (rest % shape[axis]) * strides[axis];
        rest = Math.floor(rest / shape[axis]);
      }
      values[i] = read(view, index * bytesEach, littleEndian);
    }
    return values;
  }
}

/** The product of the extents; 1 for a single number. */
export const elementCount = (shape: readonly number[]): number =>
  shape.reduce((product, extent) => product * extent, 1);

/** The distances between neighbours along each extent of a tensor without gaps. */
export function denseStrides(shape: readonly number[]): number[] {
  return shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
}

export const isSize = (value: unknown): value is number => isWhole(value, 0);
export const isListOfSizes = (value: unknown): value is number[] => Array.isArray(value) && value.every(isSize);
/** A shape; others allow 64 extents, more than 8 are no tensor of a model. */
export const isShape = (value: unknown): value is number[] => isListOfSizes(value) && value.length <= 8;

/** Reads finite numbers of a floating-point type; float64 is rounded. @throws {CheckpointError} If the tensor holds something else */
export function weightsOf(name: string, tensor: FileTensor, asked: string): Float32Array {
  const must = () => `${tensorLabel(name)} must be of float32, float16, bfloat16 or float64`;
  if (!tensor.isFloat) refuse(asked, `${must()}: current type is ${formatJson(tensor.type)}`);
  return checkFinite(name, tensor.elements(name, asked), asked);
}

export function checkFinite(name: string, values: Float32Array, asked: string): Float32Array {
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong < 0) return values;
  return refuse(asked, `${tensorLabel(name)} must hold finite numbers: value ${wrong} is ${values[wrong]}`);
}

/** The tensors in one sentence: how many, of how many parameters, and the first three of them. */
export function inventory(tensors: Iterable<readonly [name: string, tensor: FileTensor]>): string {
  const all = [...tensors];
  const total = all.reduce((sum, [, { shape }]) => sum + elementCount(shape), 0);
  const first = all.slice(0, 3).map(([name, { shape }]) =>
    `${tensorLabel(name).slice("tensor ".length)} [${shape.slice(0, 8).join(",")}]`
  );
  const rest = all.length > 3 ? ` and ${all.length - 3} more` : "";
  const tensor = all.length === 1 ? "1 tensor" : `${all.length} tensors`;
  return `${tensor} with ${total} parameter${total === 1 ? "" : "s"} in all: ${first.join(", ")}${rest}`;
}
