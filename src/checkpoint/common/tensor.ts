import { formatJson } from "../../common/format_value.ts";
import { viewOf } from "./bytes.ts";
import { refuse, tensorLabel } from "./error.ts";

interface ElementType {
  readonly bytes: number;
  readonly names: { readonly [format in Format]: string };
  readonly read: (view: DataView, at: number, littleEndian: boolean) => number;
}

type Format = "safetensors" | "pytorch" | "numpy";

function elementType(bytes: number, names: readonly string[], read: ElementType["read"]): ElementType {
  const [safetensors, pytorch, numpy] = names;
  return { bytes, names: { safetensors, pytorch: `${pytorch}Storage`, numpy }, read };
}

/** By name, with the names in safetensors, of PyTorch's storages and of NumPy; beside the floating-point ones those of masks and counters. */
const TYPES = new Map<string, ElementType>(Object.entries({
  float32: elementType(4, ["F32", "Float", "f4"], (view, at, little) => view.getFloat32(at, little)),
  float16: elementType(2, ["F16", "Half", "f2"], (view, at, little) => fromHalf(view.getUint16(at, little))),
  bfloat16: elementType(2, ["BF16", "BFloat16", "bfloat16"], readBfloat16),
  float64: elementType(8, ["F64", "Double", "f8"], (view, at, little) => view.getFloat64(at, little)),
  int64: elementType(8, ["I64", "Long", "i8"], (view, at, little) => Number(view.getBigInt64(at, little))),
  int32: elementType(4, ["I32", "Int", "i4"], (view, at, little) => view.getInt32(at, little)),
  int16: elementType(2, ["I16", "Short", "i2"], (view, at, little) => view.getInt16(at, little)),
  int8: elementType(1, ["I8", "Char", "i1"], (view, at) => view.getInt8(at)),
  uint8: elementType(1, ["U8", "Byte", "u1"], (view, at) => view.getUint8(at)),
  bool: elementType(1, ["BOOL", "Bool", "b1"], (view, at) => view.getUint8(at)),
}));
/** The types whose numbers can be weights: float32 holds those of all but the last exactly. */
const FLOATS = ["float32", "float16", "bfloat16", "float64"];

/** The name of a type by what a format calls it, which stays where it is not known. */
export function typeNamed(name: string, format: Format): string {
  return [...TYPES].find(([, { names }]) => names[format] === name)?.[0] ?? name;
}

/** IEEE 754 binary16: 1 bit sign, 5 bits exponent, 10 bits fraction. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = bits >> 10 & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const scratch = new DataView(new ArrayBuffer(4));

/** The upper half of a float32. */
function readBfloat16(view: DataView, at: number, littleEndian: boolean): number {
  scratch.setUint16(0, view.getUint16(at, littleEndian));
  return scratch.getFloat32(0);
}

/** Where the elements of a tensor are in a file. Its form is checked, its agreement with the bytes is not. */
export interface Layout {
  /** The name of the type, such as float32, or what the file calls a type that is not known here. */
  readonly type: string;
  readonly shape: readonly number[];
  /** The bytes that hold the elements; undefined where the file lacks them. */
  readonly bytes: Uint8Array | undefined;
  /** The entry of an archive that holds them, and its number of elements. @default {the bytes hold this tensor alone} */
  readonly storage?: { readonly entry: string; readonly length: number };
  /** Index of the first element. @default {0} */
  readonly offset?: number;
  /** Distance of neighbours along each extent, in elements. @default {row-major, without gaps} */
  readonly strides?: readonly number[];
  /** @default {true} */
  readonly littleEndian?: boolean;
}

/** A tensor of a file, whose elements are read when they are asked for. */
export class FileTensor {
  constructor(protected layout: Layout) {}

  get type(): string {
    return this.layout.type;
  }

  get shape(): readonly number[] {
    return this.layout.shape;
  }

  /** Whether its elements can be weights. */
  get isFloat(): boolean {
    return FLOATS.includes(this.type);
  }

  get size(): number {
    return elementCount(this.shape);
  }

  /** The same elements with the extents in the opposite order. */
  get transposed(): FileTensor {
    const { shape, strides = denseStrides(shape) } = this.layout;
    return new FileTensor({ ...this.layout, shape: shape.toReversed(), strides: strides.toReversed() });
  }

  /** @throws {CheckpointError} If the type is known, and the file holds more or fewer bytes than the tensor needs */
  checkSize(name: string, asked: string): void {
    const { type, shape, bytes, storage } = this.layout;
    const expected = (storage?.length ?? elementCount(shape)) * (TYPES.get(type)?.bytes ?? NaN);
    if (Number.isNaN(expected) || bytes?.length === expected) return;
    const must = storage === undefined
      ? `of shape ${formatJson(shape)} must have ${expected} bytes`
      : `must have a storage of ${expected} bytes in entry ${formatJson(storage.entry)}`;
    const found = bytes === undefined ? "there is none" : `current size is ${bytes.length}`;
    refuse(asked, `${tensorLabel(name)} ${must}: ${found}`);
  }

  /** The elements as float32, row-major; never more than the file holds. @throws {CheckpointError} If the file does not hold them */
  elements(name: string, asked: string): Float32Array {
    const { type, shape, bytes, offset = 0, strides = denseStrides(shape), littleEndian = true } = this.layout;
    const element = TYPES.get(type);
    if (element === undefined) {
      return refuse(asked, `${tensorLabel(name)} must be of a known type: current type is ${formatJson(type)}`);
    }
    this.checkSize(name, asked);
    const count = elementCount(shape);
    const { length } = this.layout.storage ?? { length: count };
    const last = shape.reduce((index, extent, i) => index + (extent - 1) * strides[i], offset);
    if (count > length || (count > 0 && last >= length)) {
      const form = `of shape ${formatJson(shape)}, strides ${formatJson(strides)} and offset ${offset}`;
      refuse(asked, `${tensorLabel(name)} ${form} must lie within its storage: it holds ${length} elements`);
    }
    const view = viewOf(bytes!);
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      // index along each extent, the last one fastest
      let index = offset;
      for (let axis = shape.length - 1, rest = i; axis >= 0; axis--) {
        index += (rest % shape[axis]) * strides[axis];
        rest = Math.floor(rest / shape[axis]);
      }
      values[i] = element.read(view, index * element.bytes, littleEndian);
    }
    return values;
  }
}

/** The product of the extents; 1 for a single number. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** The distances between neighbours along each extent of a tensor without gaps. */
export function denseStrides(shape: readonly number[]): number[] {
  return shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
}

/** A whole number that a file may have as an extent or an offset. */
export function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A shape; others allow 64 extents, more than 8 are no tensor of a model. */
export function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 8 && value.every(isSize);
}

/**
 * Reads weights: finite numbers of a floating-point type. Float16 and bfloat16 become float32 exactly, float64 is rounded.
 *
 * @throws {CheckpointError} If the tensor holds something else
 */
export function weightsOf(name: string, tensor: FileTensor, asked: string): Float32Array {
  if (!tensor.isFloat) {
    const types = "float32, float16, bfloat16 or float64";
    refuse(asked, `${tensorLabel(name)} must be of ${types}: current type is ${formatJson(tensor.type)}`);
  }
  return checkFinite(name, tensor.elements(name, asked), asked);
}

/** @throws {CheckpointError} If one of the values is infinite or NaN */
export function checkFinite(name: string, values: Float32Array, asked: string): Float32Array {
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong < 0) return values;
  return refuse(asked, `${tensorLabel(name)} must hold finite numbers: value ${wrong} is ${values[wrong]}`);
}

/** How many tensors are named in a message. */
const NAMED = 3;

/** The tensors in one sentence: how many, of how many parameters, and the first of them. */
export function inventory(
  tensors: Iterable<readonly [name: string, tensor: { readonly shape: readonly number[] }]>,
): string {
  const all = [...tensors];
  const total = all.reduce((sum, [, { shape }]) => sum + elementCount(shape), 0);
  const first = all.slice(0, NAMED).map(([name, { shape }]) =>
    `${tensorLabel(name).slice("tensor ".length)} [${shape.slice(0, 8).join(",")}]`
  );
  const rest = all.length > NAMED ? ` and ${all.length - NAMED} more` : "";
  const tensor = all.length === 1 ? "1 tensor" : `${all.length} tensors`;
  return `${tensor} with ${total} parameter${total === 1 ? "" : "s"} in all: ${first.join(", ")}${rest}`;
}
