/**
 * Reads what our files import, and draws the folders of `src/` as floors: each imports only from the floors below it.
 *
 * ```sh
 * deno task floors
 * ```
 *
 * @module
 */

const ROOT = new URL("../", import.meta.url);
/** Folders and files whose imports are read, with those that they import. */
const SOURCES = ["assembly", "bench", "build", "src", "web", "mod.ts", "cli.ts"];

/** Names of files or folders, and for each those that it imports. */
export type Imports = ReadonlyMap<string, ReadonlySet<string>>;

async function sourceFiles(path: string): Promise<string[]> {
  if (/\.tsx?$/.test(path)) return [path];
  const entries = await Array.fromAsync(Deno.readDir(new URL(path, ROOT)));
  const inside = entries.filter(({ name, isDirectory }) => isDirectory ? name !== "tests" : /\.tsx?$/.test(name));
  return (await Promise.all(inside.map(({ name }) => sourceFiles(`${path}/${name}`)))).flat();
}

/** What every file of ours imports, types and dynamic imports among it, as `deno info` reads them. */
export async function fileImports(): Promise<Imports> {
  const files = (await Promise.all(SOURCES.map(sourceFiles))).flat();
  const all = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(
      all,
      files.map((file) => `import ${JSON.stringify(new URL(file, ROOT).href)};\n`).join(""),
    );
    // AssemblyScript leaves endings out; packages are of no interest, and need not be fetched
    const options = ["--json", "--no-config", "--no-lock", "--unstable-sloppy-imports"];
    const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", ...options, all] }).output();
    const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: InfoModule[] };
    return new Map(
      modules.filter(({ specifier }) => specifier.startsWith(ROOT.href)).map(({ specifier, dependencies = [] }) => {
        const targets = dependencies.flatMap(({ code, type }) => [code?.specifier, type?.specifier]);
        const ours = targets.filter((target) => target?.startsWith(ROOT.href));
        return [specifier.slice(ROOT.href.length), new Set(ours.map((target) => target!.slice(ROOT.href.length)))];
      }),
    );
  } finally {
    await Deno.remove(all);
  }
}

/** A module in the output of `deno info`. */
interface InfoModule {
  specifier: string;
  dependencies?: { code?: { specifier?: string }; type?: { specifier?: string } }[];
}

/** What every folder imports from others. */
export function folderImports(files: Imports): Imports {
  const folderOf = (file: string) => file.includes("/") ? file.slice(0, file.lastIndexOf("/")) : file;
  const folders = new Map<string, Set<string>>();
  for (const [file, targets] of files) {
    const folder = folderOf(file);
    const known = folders.get(folder) ?? new Set();
    folders.set(folder, known.union(new Set([...targets].map(folderOf).filter((target) => target !== folder))));
  }
  return folders;
}

/** All that can be reached from a name. */
function reach(imports: Imports, start: string): Set<string> {
  const found = new Set<string>();
  const open = [start];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    for (const target of imports.get(name) ?? []) {
      if (found.has(target)) continue;
      found.add(target);
      open.push(target);
    }
  }
  return found;
}

/** The circles: sets of names that all import each other, perhaps through others. */
export function circlesOf(imports: Imports): string[][] {
  const reached = new Map([...imports.keys()].map((name) => [name, reach(imports, name)]));
  const circles = [...reached].map(([name, targets]) =>
    [...targets].filter((target) => reached.get(target)?.has(name)).sort()
  );
  return [...new Set(circles.filter(({ length }) => length > 0).map((circle) => circle.join("\n")))]
    .map((circle) => circle.split("\n"));
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
