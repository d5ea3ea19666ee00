import { assertEquals } from "@std/assert";
import { crc32, crc32c } from "../../../src/checkpoint/common/crc32.ts";

Deno.test("crc32c() and crc32() give the check values of their definitions", () => {
  const digits = new TextEncoder().encode("123456789");
  assertEquals([crc32(digits), crc32c(digits)], [0xcbf43926, 0xe3069283]);
});
