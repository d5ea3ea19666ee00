/** How a file stores one number of a tensor. */
export interface ElementType {
  /** Its name in messages, such as float16. */
  readonly name: string;
  /** Bytes of one number. */
  readonly bytes: number;
  /** Reads the number at a byte. */
  readonly read: (view: DataView, at: number, littleEndian: boolean) => number;
}

/** Types whose numbers can be weights: float32 holds those of all but the last exactly. */
const FLOATS: readonly ElementType[] = [
  { name: "float32", bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  { name: "float16", bytes: 2, read: (view, at, little) => fromHalf(view.getUint16(at, little)) },
  { name: "bfloat16", bytes: 2, read: (view, at, little) => fromBfloat16(view.getUint16(at, little)) },
  { name: "float64", bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
];

/** Types of masks and counters. */
const INTEGERS: readonly ElementType[] = [
  { name: "int64", bytes: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) },
  { name: "int32", bytes: 4, read: (view, at, little) => view.getInt32(at, little) },
  { name: "int16", bytes: 2, read: (view, at, little) => view.getInt16(at, little) },
  { name: "int8", bytes: 1, read: (view, at) => view.getInt8(at) },
  { name: "uint8", bytes: 1, read: (view, at) => view.getUint8(at) },
  { name: "bool", bytes: 1, read: (view, at) => view.getUint8(at) },
];

const BY_NAME = new Map([...FLOATS, ...INTEGERS].map((type) => [type.name, type]));

/** The type of that name, or undefined where its numbers cannot be read. */
export function elementType(name: string | undefined): ElementType | undefined {
  return BY_NAME.get(name ?? "");
}

/** Whether tensors of this type can be weights. */
export function isFloat(type: string): boolean {
  return FLOATS.some(({ name }) => name === type);
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
function fromBfloat16(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}
