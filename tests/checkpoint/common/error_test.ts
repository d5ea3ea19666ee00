import { assertEquals } from "@std/assert";
import { excerpt } from "../../../src/checkpoint/common/error.ts";

Deno.test("excerpt() shows values as JSON, up to 60 letters of it", () => {
  assertEquals(excerpt("a\nb"), '"a\\nb"');
  assertEquals(excerpt(undefined), "missing");
  assertEquals(excerpt("x".repeat(58)), `"${"x".repeat(58)}"`);
  assertEquals(excerpt("x".repeat(59)), `"${"x".repeat(59)}…`);
});
