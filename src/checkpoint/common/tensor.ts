import { CheckpointError, excerpt, tensorLabel } from "./error.ts";
import { isFloat } from "./element_type.ts";

/** A tensor of a file. Its elements are read when they are asked for. */
export abstract class FileTensor {
  /** The name of its type, such as float32, or what the file calls a type that is not known here. */
  abstract readonly type: string;
  /** Its extents. */
  abstract readonly shape: readonly number[];

  /**
   * Reads its elements as float32, row-major.
   *
   * @param name What errors call it
   * @param asked What errors say was asked: `Cannot <asked> as …`
   * @throws {CheckpointError} If the file does not hold as many
   */
  abstract elements(name: string, asked: string): Float32Array;

  /** The product of its extents. */
  get size(): number {
    return elementCount(this.shape);
  }
}

/** The product of the extents; 1 for a single number. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Elements that lie in memory at fixed distances, row-major. @param read Gives the element of an index */
export function gather(
  shape: readonly number[],
  strides: readonly number[],
  read: (index: number) => number,
): Float32Array {
  const values = new Float32Array(elementCount(shape));
  for (let i = 0; i < values.length; i++) {
    // index along each extent, the last one fastest
    let index = 0;
    for (let axis = shape.length - 1, rest = i; axis >= 0; axis--) {
      index += (rest % shape[axis]) * strides[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    values[i] = read(index);
  }
  return values;
}

/** The distances between neighbours along each extent of a tensor without gaps. */
export function denseStrides(shape: readonly number[]): number[] {
  return shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
}

/**
 * Reads weights: finite numbers of a floating-point type. Float16 and bfloat16 become float32 exactly, float64 is rounded.
 *
 * @throws {CheckpointError} If the tensor holds something else
 */
export function weightsOf(name: string, tensor: FileTensor, asked: string): Float32Array {
  if (!isFloat(tensor.type)) {
    throw new CheckpointError(
      `Cannot ${asked} as ${tensorLabel(name)} must be of float32, float16, bfloat16 or float64: current type is ${
        excerpt(tensor.type)
      }`,
    );
  }
  const values = tensor.elements(name, asked);
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong < 0) return values;
  throw new CheckpointError(
    `Cannot ${asked} as ${tensorLabel(name)} must hold finite numbers: value ${wrong} is ${values[wrong]}`,
  );
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
