import { assertEquals } from "@std/assert";
import { closest, editDistance } from "../../src/common/closest.ts";
import { share, sumLine } from "../../src/cli/format.ts";
import { quote } from "../../src/cli/usage_error.ts";

Deno.test("editDistance() counts letters", () => {
  assertEquals(editDistance("kitten", "sitting"), 3);
  assertEquals(editDistance("", "seed"), 4);
  assertEquals(editDistance("train", "train"), 0);
});

Deno.test("closest() finds what is near, and nothing far away", () => {
  const names = ["add", "train", "continue", "eval", "verify"];
  assertEquals(closest("trian", names), "train");
  assertEquals(closest("evla", names), "eval");
  assertEquals(closest("continu", names), "continue");
  assertEquals(closest("me", names), undefined);
});

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

Deno.test("quote() keeps a message on one line", () => {
  assertEquals(quote("1.5"), "1.5");
  assertEquals(quote("a b"), '"a b"');
  assertEquals(quote("a\nb\u001b[0m"), '"a\\nb\\u001b[0m"');
  assertEquals(quote(""), '""');
  assertEquals(quote("x".repeat(100)), `${"x".repeat(60)}…`);
});
