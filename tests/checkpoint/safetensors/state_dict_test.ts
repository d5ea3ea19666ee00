import { assertEquals } from "@std/assert";
import { FileTensor } from "../../../src/checkpoint/common/tensor.ts";
import { isCausalMask } from "../../../src/checkpoint/safetensors/state_dict.ts";

/** Whether values are taken for a mask; `shape`: row-major. */
function isMask(type: string, values: Uint8Array | Float32Array, shape: number[]): boolean {
  return isCausalMask("mask", new FileTensor({ type, shape, bytes: new Uint8Array(values.buffer) }), "read it");
}

/** A mask of so many rows and columns. */
function mask(width: number, kept = 1, masked = 0): number[] {
  return Array.from({ length: width * width }, (_, i) => i % width > Math.floor(i / width) ? masked : kept);
}

Deno.test("a causal mask is known by its values, whatever its type and however large", () => {
  for (const type of ["uint8", "int8", "bool"]) {
    assertEquals(isMask(type, Uint8Array.from(mask(3)), [3, 3]), true, type);
    assertEquals(isMask(type, Uint8Array.from(mask(3, 0, 1)), [1, 1, 3, 3]), true, type);
  }
  assertEquals(isMask("float32", Float32Array.from(mask(4, 0, -Infinity)), [1, 4, 4]), true);
  for (const width of [2, 35, 128]) {
    assertEquals(isMask("bool", Uint8Array.from(mask(width)), [width, width]), true);
  }
});

Deno.test("what is not quite a causal mask is none", () => {
  const bytes = (values: number[], shape: number[]) => isMask("bool", Uint8Array.from(values), shape);
  assertEquals(bytes(mask(129), [129, 129]), false, "too wide");
  assertEquals(bytes([1], [1, 1]), false, "a single number");
  assertEquals(bytes(mask(3), [9]), false, "one extent");
  assertEquals(bytes([...mask(3), ...mask(3)], [2, 3, 3]), false, "two masks");
  assertEquals(bytes([...mask(3), ...mask(3, 1, 1)], [2, 3, 3]), false, "a mask and what looks like its end");
  assertEquals(bytes([1, 0, 0, 1, 1, 0], [2, 3]), false, "not square");
  assertEquals(bytes(mask(3, 1, 1), [3, 3]), false, "one value");
  for (let i = 0; i < 9; i++) assertEquals(bytes(mask(3).with(i, 1 - mask(3)[i]), [3, 3]), false, `element ${i}`);
  assertEquals(
    isMask("int16", Uint8Array.from(mask(2).flatMap((value) => [value, 0])), [2, 2]),
    false,
    "no type of masks",
  );
});
