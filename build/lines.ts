/** `deno task lines [--base COMMIT]`: counts the lines of our sources by folder, also beside those of an earlier commit. */

/** What is counted, as git's pathspecs: no tests, and below no generated files. */
const SOURCES = ["ts", "tsx", "js", "mjs", "css", "html", "c", "py", "sh"].map((ending) => `*.${ending}`);
const TESTS = [":!tests", ":!web/tests"];

/** `assembly`, `src/engine` or `bench`: the folders of src are counted apart. */
function folderOf(path: string): string {
  const folders = path.split("/").slice(0, -1);
  return folders.slice(0, folders[0] === "src" ? 2 : 1).join("/") || ".";
}

/** What `git grep` finds in the sources of the working tree or a commit: `path` or `path:number`. Ends the program where git fails. */
async function grep(commit: string | undefined, ...options: string[]): Promise<string[]> {
  const tree = commit === undefined ? ["--untracked", ...options] : [...options, commit];
  const args = ["grep", "--full-name", ...tree, "--", ...SOURCES, ...TESTS];
  const { code, stdout, stderr } = await new Deno.Command("git", { args, cwd: new URL("../", import.meta.url) })
    .output();
  if (code > 1) { // 1: nothing was found
    console.error(`Cannot read the sources as git must list them: ${new TextDecoder().decode(stderr).trim()}`);
    Deno.exit(2);
  }
  const lines = new TextDecoder().decode(stdout).split("\n").filter(Boolean);
  return lines.map((line) => commit === undefined ? line : line.slice(commit.length + 1));
}

/** Lines by folder. */
async function countLines(commit?: string): Promise<Map<string, number>> {
  const generated = new Set(await grep(commit, "--files-with-matches", "-e", "^// @generated"));
  const lines = new Map<string, number>();
  for (const counted of await grep(commit, "--count", "-e", "")) {
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
const trees = [...base === undefined ? [] : [await countLines(base)], await countLines()];
const folders = new Set(trees.flatMap((lines) => [...lines.keys()]).filter((name) => name !== "all").sort());
console.log("folder".padEnd(18) + (base === undefined ? "   lines" : "  before     now  share"));
for (const folder of [...folders, "all"]) {
  const counts = trees.map((lines) => lines.get(folder) ?? 0);
  const share = counts.length > 1 && counts[0] > 0 ? `${(100 * counts[1] / counts[0]).toFixed(0)}%`.padStart(7) : "";
  console.log(folder.padEnd(18) + counts.map((lines) => String(lines).padStart(8)).join("") + share);
}
