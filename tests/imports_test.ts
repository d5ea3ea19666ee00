import { assert, assertEquals } from "@std/assert";
import { circlesOf, fileImports, folderImports } from "../build/imports.ts";

/** Circles that are still to be broken: every file or folder of one matches the same expression. */
const KNOWN_CIRCLES = [
  /^src\/cli\/(training_run|train)\.ts$/,
  /^src\/cli\/(completions|dispatch)\.ts$/,
  /^bench(\/peers)?$/,
];

function unknownCircles(imports: Parameters<typeof circlesOf>[0]): string[][] {
  return circlesOf(imports).filter((circle) =>
    !KNOWN_CIRCLES.some((known) => circle.every((name) => known.test(name)))
  );
}

const files = await fileImports();

Deno.test("circlesOf() finds files that import each other, directly, through others, or themselves", () => {
  const imports = (...edges: [string, string[]][]) => new Map(edges.map(([name, targets]) => [name, new Set(targets)]));
  assertEquals(circlesOf(imports(["a", ["b", "c"]], ["b", ["c"]], ["c", []])), []);
  assertEquals(circlesOf(imports(["a", ["b"]], ["b", ["c"]], ["c", ["b"]], ["d", ["d", "a"]])), [["b", "c"], ["d"]]);
});

Deno.test("the imports of all our files are read", () => {
  assert(files.size > 150, `${files.size}`);
  assert(files.get("src/cli/main.ts")?.has("src/cli/dispatch.ts"), "a dynamic import");
  assert(files.get("src/engine/create_engine.ts")?.has("src/engine/interface/types.ts"), "types");
  assert(files.get("assembly/entry.ts")?.has("assembly/layout.ts"), "AssemblyScript");
});

Deno.test("no files import each other in a circle", () => assertEquals(unknownCircles(files), []));

Deno.test("no folders import each other in a circle", () => assertEquals(unknownCircles(folderImports(files)), []));
