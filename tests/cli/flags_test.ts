import { assertEquals } from "@std/assert";
import { quote } from "../../src/cli/flags.ts";

Deno.test("quote() keeps a message on one line", () => {
  assertEquals(quote("1.5"), "1.5");
  assertEquals(quote("a b"), '"a b"');
  assertEquals(quote("a\nb\u001b[0m"), '"a\\nb\\u001b[0m"');
  assertEquals(quote(""), '""');
  assertEquals(quote("x".repeat(100)), `${"x".repeat(60)}…`);
});
