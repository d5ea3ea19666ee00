import { assertEquals } from "@std/assert";
import { isCausalMask } from "../../../src/checkpoint/safetensors/causal_mask.ts";
import { PyTorchTensor, Storage } from "../../../src/checkpoint/pytorch/tensor.ts";

/** Whether values are taken for a mask; `shape`: row-major. */
function isMask(kind: string, values: Uint8Array | Float32Array, shape: number[]): boolean {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, extent) => product * extent, 1));
  const length = kind === "ShortStorage" ? values.length / 2 : values.length;
  const storage = new Storage(kind, "0", length, new Uint8Array(values.buffer));
  return isCausalMask("mask", new PyTorchTensor(storage, 0, shape, strides), "read it");
}

/** A mask of so many rows and columns. */
function mask(width: number, kept = 1, masked = 0): number[] {
  return Array.from({ length: width * width }, (_, i) => i % width > Math.floor(i / width) ? masked : kept);
}

Deno.test("a causal mask is known by its values, whatever its type and however large", () => {
  for (const kind of ["ByteStorage", "CharStorage", "BoolStorage"]) {
    assertEquals(isMask(kind, Uint8Array.from(mask(3)), [3, 3]), true, kind);
    assertEquals(isMask(kind, Uint8Array.from(mask(3, 0, 1)), [1, 1, 3, 3]), true, kind);
  }
  assertEquals(isMask("FloatStorage", Float32Array.from(mask(4, 0, -Infinity)), [1, 4, 4]), true);
  for (const width of [2, 35, 128]) {
    assertEquals(isMask("BoolStorage", Uint8Array.from(mask(width)), [width, width]), true);
  }
});

Deno.test("what is not quite a causal mask is none", () => {
  const bytes = (values: number[], shape: number[]) => isMask("BoolStorage", Uint8Array.from(values), shape);
  assertEquals(bytes(mask(129), [129, 129]), false, "too wide");
  assertEquals(bytes([1], [1, 1]), false, "a single number");
  assertEquals(bytes(mask(3), [9]), false, "one extent");
  assertEquals(bytes([...mask(3), ...mask(3)], [2, 3, 3]), false, "two masks");
  assertEquals(bytes([...mask(3), ...mask(3, 1, 1)], [2, 3, 3]), false, "a mask and what looks like its end");
  assertEquals(bytes([1, 0, 0, 1, 1, 0], [2, 3]), false, "not square");
  assertEquals(bytes(mask(3, 1, 1), [3, 3]), false, "one value");
  for (let i = 0; i < 9; i++) assertEquals(bytes(mask(3).with(i, 1 - mask(3)[i]), [3, 3]), false, `element ${i}`);
  assertEquals(
    isMask("ShortStorage", Uint8Array.from(mask(2).flatMap((value) => [value, 0])), [2, 2]),
    false,
    "no type of masks",
  );
});
