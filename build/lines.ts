/**
 * Counts the lines of our sources by folder, without tests and generated files.
 *
 * ```sh
 * deno task lines
 * deno task lines --base v0.1.0   # beside the lines of an earlier commit
 * ```
 */

/** What is counted, as git's pathspecs. */
const SOURCES = ["ts", "tsx", "js", "mjs", "css", "html", "c", "py", "sh"].map((ending) => `*.${ending}`);
const TESTS = [":!tests", ":!web/tests"];

/** `assembly`, `src/engine` or `bench`: the folders of src are counted apart. */
function folderOf(path: string): string {
  const folders = path.split("/").slice(0, -1);
  return folders.slice(0, folders[0] === "src" ? 2 : 1).join("/") || ".";
}

/** The lines that a git command prints about this repository. Ends the program where git fails; code 1 means that nothing was found. */
async function gitLines(...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await new Deno.Command("git", { args, cwd: new URL("../", import.meta.url) })
    .output();
  if (code > 1) {
    console.error(`Cannot read the sources as git must list them: ${new TextDecoder().decode(stderr).trim()}`);
    Deno.exit(2);
  }
  return new TextDecoder().decode(stdout).split("\n").filter(Boolean);
}

/** Lines by folder, in the working tree or a commit. */
async function countLines(commit?: string): Promise<Map<string, number>> {
  const grep = async (...options: string[]) => {
    const [first, revision] = commit === undefined ? ["--untracked"] : ["--full-name", commit];
    const lines = await gitLines("grep", first, ...options, ...revision ? [revision] : [], "--", ...SOURCES, ...TESTS);
    return lines.map((line) => commit === undefined ? line : line.slice(commit.length + 1));
  };
  const generated = new Set(await grep("--files-with-matches", "^// @generated"));
  const lines = new Map<string, number>();
  for (const counted of await grep("--count", "")) {
    const [path, number] = counted.split(":");
    if (generated.has(path)) continue;
    for (const name of [folderOf(path), "all"]) lines.set(name, (lines.get(name) ?? 0) + Number(number));
  }
  return lines;
}

const [flag, base] = Deno.args;
if (Deno.args.length > 0 && (flag !== "--base" || base === undefined || Deno.args.length > 2)) {
  console.error(`Cannot count lines as arguments must be --base COMMIT or none: found ${Deno.args.join(" ")}`);
  Deno.exit(2);
}
const now = await countLines();
const before = base === undefined ? undefined : await countLines(base);
const folders = [...new Set([...before?.keys() ?? [], ...now.keys()])].filter((name) => name !== "all").sort();
console.log("folder".padEnd(18) + (before === undefined ? "   lines" : "  before     now  share"));
for (const folder of [...folders, "all"]) {
  const [lines, then] = [now.get(folder) ?? 0, before?.get(folder) ?? 0];
  const share = then === 0 ? "new" : `${(100 * lines / then).toFixed(0)}%`;
  const columns = before === undefined ? [[lines, 8]] : [[then, 8], [lines, 8], [share, 7]];
  console.log(folder.padEnd(18) + columns.map(([cell, width]) => String(cell).padStart(Number(width))).join(""));
}
