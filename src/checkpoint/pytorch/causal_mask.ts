import { type PyTorchTensor, STORAGE_CLASSES } from "./tensor.ts";

/** The context of our models is 35: what is larger than this belongs to another model. */
const MAX_WIDTH = 128;

/**
 * Whether a tensor is a causal mask: square, with one value above the diagonal and another one on it and below, whichever these are.
 * Extents of 1 before the square are welcome.
 *
 * @param tensor The tensor
 * @param read Reads its elements by a function from a byte to a number
 * @throws {CheckpointError} If the tensor does not lie within its storage
 */
export function isCausalMask(
  { shape, storage }: PyTorchTensor,
  read: (read: (view: DataView, at: number) => number) => Float32Array,
): boolean {
  const [height, width] = shape.slice(-2);
  if (
    shape.length < 2 || height !== width || height < 2 || width > MAX_WIDTH ||
    shape.slice(0, -2).some((extent) => extent !== 1)
  ) {
    return false;
  }
  const isFloat = storage.kind === "FloatStorage";
  if (!isFloat && STORAGE_CLASSES[storage.kind] !== 1) return false; // masks are bytes, booleans or floats
  const values = read((view, at) => isFloat ? view.getFloat32(at, true) : view.getUint8(at));
  const [kept, masked] = values;
  if (kept === masked) return false;
  return values.every((value, i) => value === (i % width > Math.floor(i / width) ? masked : kept));
}
