import { assertEquals } from "@std/assert";
import { formatJson } from "../../src/common/format_value.ts";

Deno.test("formatJson() shows values as JSON, up to 60 letters of it", () => {
  assertEquals(formatJson("a\nb"), '"a\\nb"');
  assertEquals(formatJson(undefined), "missing");
  assertEquals(formatJson("x".repeat(58)), `"${"x".repeat(58)}"`);
  assertEquals(formatJson("x".repeat(59)), `"${"x".repeat(59)}…`);
});
