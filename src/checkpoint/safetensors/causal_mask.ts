import type { FileTensor } from "../common/tensor.ts";

/** The context of our models is 35: what is larger than this belongs to another model. */
const MAX_WIDTH = 128;
const MASK_TYPES = ["bool", "uint8", "int8", "float32", "float16", "bfloat16"];

/**
 * Whether a tensor is a causal mask: square, with one value above the diagonal and another one on it and below, whichever these are.
 * Extents of 1 before the square are welcome.
 *
 * @param name What errors call it
 * @throws {CheckpointError} If the file does not hold its elements
 */
export function isCausalMask(name: string, tensor: FileTensor, asked: string): boolean {
  const { shape, type } = tensor;
  const [height, width] = shape.slice(-2);
  if (
    shape.length < 2 || height !== width || height < 2 || width > MAX_WIDTH ||
    shape.slice(0, -2).some((extent) => extent !== 1)
  ) {
    return false;
  }
  if (!MASK_TYPES.includes(type)) return false;
  const values = tensor.elements(name, asked);
  const [kept, masked] = values;
  if (kept === masked) return false;
  return values.every((value, i) => value === (i % width > Math.floor(i / width) ? masked : kept));
}
