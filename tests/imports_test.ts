import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { circlesOf, drawFloors, fileImports, folderImports } from "../build/imports.ts";

const files = await fileImports();

Deno.test("circlesOf() finds files that import each other, directly, through others, or themselves", () => {
  const imports = (...edges: [string, string[]][]) => new Map(edges.map(([name, targets]) => [name, new Set(targets)]));
  assertEquals(circlesOf(imports(["a", ["b", "c"]], ["b", ["c"]], ["c", []])), []);
  assertEquals(circlesOf(imports(["a", ["b"]], ["b", ["c"]], ["c", ["b"]], ["d", ["d", "a"]])), [["b", "c"], ["d"]]);
});

Deno.test("the imports of all our files are read", () => {
  assert(files.size > 150, `${files.size}`);
  assert(files.get("cli.ts")?.has("src/cli/dispatch.ts"), "a dynamic import");
  assert(files.get("src/engine/create_engine.ts")?.has("src/engine/interface/types.ts"), "types");
  assert(files.get("assembly/entry.ts")?.has("assembly/layout.ts"), "AssemblyScript");
});

Deno.test("no files import each other in a circle", () => assertEquals(circlesOf(files), []));

Deno.test("no folders import each other in a circle", () => assertEquals(circlesOf(folderImports(files)), []));

const contributing = await Deno.readTextFile(new URL("../CONTRIBUTING.md", import.meta.url));

Deno.test("CONTRIBUTING.md shows the floors that the imports make (deno task floors)", () => {
  assertStringIncludes(contributing, `\`\`\`text\n${drawFloors(folderImports(files))}\n\`\`\`\n`);
});

Deno.test("the walk of a training step in CONTRIBUTING.md enters each file once, by functions that it has", async () => {
  const rows = Array.from(contributing.matchAll(/^\| `([\w/]+\.ts)`(?:: (`.+?`))? +\|/gm));
  const paths = rows.map(([, path]) => path);
  assert(paths.length > 20, `${paths.length}`);
  assertEquals(paths, [...new Set(paths)]);
  for (const [, path, names = ""] of rows) {
    const source = await Deno.readTextFile(new URL(`../${path}`, import.meta.url));
    for (const [, name] of names.matchAll(/`(\w+)`/g)) {
      assert(RegExp(`(?:function\\*?|const|async) ${name}\\b|^  ${name}\\(`, "m").test(source), `${path}: ${name}`);
    }
  }
});

Deno.test("the subpath ./add loads what adds, and no engine, checkpoint or training beside it", () => {
  const loaded = new Set(["src/adder/add.ts"]);
  for (const file of loaded) for (const target of files.get(file) ?? []) loaded.add(target); // grows as it goes
  const folders = new Set(Array.from(loaded, (file) => file.slice(0, file.lastIndexOf("/"))));
  const expected = ["adder", "common", "engine/interface", "engine/wasm", "model", "weights"];
  assertEquals([...folders].sort(), expected.map((folder) => `src/${folder}`));
  assert(loaded.size <= 11, `${loaded.size} files`);
  const weights = Array.from(loaded).filter((file) => file.startsWith("src/weights/"));
  assertEquals(weights.sort(), ["src/weights/shipped_763.ts"]);
});
