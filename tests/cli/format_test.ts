import { assertEquals } from "@std/assert";
import { share, sumLine } from "../../src/cli/format.ts";

Deno.test("share() says 100% of all alone", () => {
  assertEquals(share({ correct: 10_010, total: 10_010 }), "100%");
  assertEquals(share({ correct: 999_999_999, total: 1_000_000_000 }), "99.999%");
  assertEquals(share({ correct: 1, total: 8 }), "12.5%");
  assertEquals(share({ correct: 0, total: 8 }), "0%");
});

Deno.test("sumLine() marks sums", () => {
  assertEquals(sumLine({ a: 42, b: 7, got: 49 }), "42 + 7 = 49  ✓");
  assertEquals(sumLine({ a: 42, b: 7, got: 50 }), "42 + 7 = 50  ✗  49 is right");
  assertEquals(sumLine({ a: 42, b: 7, got: null }), "42 + 7 = no number  ✗  49 is right");
});
