import { assertEquals } from "@std/assert";
import { closest, editDistance } from "../../src/common/closest.ts";

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
