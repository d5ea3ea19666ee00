/** `deno task floors`: draws the folders of `src/` as floors, from what our files import: each imports only from the floors below it. */
const ROOT = new URL("../", import.meta.url);
/** Folders and files whose imports are read. */
const SOURCES = ["assembly", "bench", "build", "src", "web", "mod.ts", "cli.ts"];
/** The relative path of an import, static or dynamic, or of an export from another file. */
const IMPORT = /\b(?:from|import\(?)\s*"(\.[^"]+)"/g;
/** The lines of doc comments, whose examples import, too. */
const COMMENTS = /^ *\*.*$/gm;

/** Names of files or folders, and for each those that it imports. */
export type Imports = ReadonlyMap<string, ReadonlySet<string>>;

/** The files of TypeScript that a path is or holds, tests aside. */
function filesIn(path: string): string[] {
  if (/\.tsx?$/.test(path)) return [path];
  return Array.from(Deno.readDirSync(new URL(path, ROOT)))
    .filter(({ name, isDirectory }) => isDirectory ? name !== "tests" && name !== "node_modules" : /\.tsx?$/.test(name))
    .flatMap(({ name }) => filesIn(`${path}/${name}`));
}

/** What every file of ours imports from the others, types and dynamic imports among it. */
export async function fileImports(): Promise<Imports> {
  const files = SOURCES.flatMap(filesIn);
  const imports = files.map(async (file) => {
    const text = (await Deno.readTextFile(new URL(file, ROOT))).replaceAll(COMMENTS, "");
    const targets = Array.from(text.matchAll(IMPORT), ([, path]) => {
      const target = new URL(path, new URL(file, ROOT)).href.slice(ROOT.href.length);
      return target.endsWith(".ts") || target.endsWith(".tsx") ? target : `${target}.ts`; // AssemblyScript leaves endings out
    });
    return [file, new Set(targets.filter((target) => files.includes(target)))] as const;
  });
  return new Map(await Promise.all(imports));
}

export function folderImports(files: Imports): Imports {
  const folderOf = (file: string) => file.includes("/") ? file.slice(0, file.lastIndexOf("/")) : file;
  const folders = Map.groupBy(files, ([file]) => folderOf(file));
  return new Map(Array.from(folders, ([folder, files]) => {
    const targets = files.flatMap(([, targets]) => Array.from(targets, folderOf));
    return [folder, new Set(targets.filter((target) => target !== folder))];
  }));
}

/** All that can be reached from a name. */
function reach(imports: Imports, start: string): Set<string> {
  const found = new Set(imports.get(start));
  for (const name of found) for (const target of imports.get(name) ?? []) found.add(target); // grows as it goes
  return found;
}

/** The circles: sets of names that all import each other, perhaps through others. */
export function circlesOf(imports: Imports): string[][] {
  const reached = new Map([...imports.keys()].map((name) => [name, reach(imports, name)]));
  const circles = [...reached].map(([name, targets]) =>
    [...targets].filter((one) => reached.get(one)?.has(name)).sort()
  );
  return [...new Map(circles.filter(([first]) => first !== undefined).map((circle) => [circle[0], circle])).values()];
}

/** The folders of `src/`, a line for each floor, the highest first: a folder stands above all that it imports. */
export function drawFloors(folders: Imports): string {
  const floor = (folder: string): number =>
    1 + Math.max(0, ...[...folders.get(folder) ?? []].map((target) => floor(target)));
  const floors: string[][] = [];
  for (const folder of [...folders.keys()].filter((folder) => folder.startsWith("src/")).sort()) {
    (floors[floor(folder) - 1] ??= []).push(folder.slice("src/".length));
  }
  return floors.map((names, i) => `${String(i + 1).padStart(2)}  ${names.join("  ")}`).reverse().join("\n");
}

if (import.meta.main) console.log(drawFloors(folderImports(await fileImports())));
