import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { compile } from "../../build/build.ts";

Deno.test("compile() writes marked functions into their callers", async () => {
  let text = "";
  await compile("adder.ts", "exact", (written) => text = written);
  assertStringIncludes(text, "(func $layers/linear7");
  assertEquals(text.match(/\(func \$(?:simd|elementary)\/\w+/g), null);
});

Deno.test("compile() compiles the entry of bench/stages.ts", async () => {
  assert(WebAssembly.validate(await compile("stages.ts", "exact")));
});
