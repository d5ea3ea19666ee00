/**
 * Counts the lines of our sources by folder, without tests and generated files.
 *
 * ```sh
 * deno task lines
 * deno task lines --base v0.1.0   # beside the lines of an earlier commit
 * ```
 *
 * @module
 */

/** What is counted, as git's pathspecs. */
const SOURCES = ["ts", "tsx", "js", "mjs", "css", "html", "c", "py", "sh"].map((ending) => `*.${ending}`);
const TESTS = [":!tests", ":!web/tests"];

/** What `git grep` finds in the tracked files of the working tree, or of a commit. */
async function gitGrep(commit: string | undefined, ...options: string[]): Promise<string[]> {
  const revision = commit === undefined ? [] : [commit];
  const args = ["grep", ...options, ...revision, "--", ...SOURCES, ...TESTS];
  const { code, stdout, stderr } = await new Deno.Command("git", { args }).output();
  if (code > 1) {
    console.error(`Cannot count lines as git must find the sources: ${new TextDecoder().decode(stderr).trim()}`);
    Deno.exit(2);
  }
  const lines = new TextDecoder().decode(stdout).split("\n").filter(Boolean);
  return lines.map((line) => commit === undefined ? line : line.slice(commit.length + 1));
}

/** `assembly`, `src/engine` or `bench`: the folders of src are told apart. */
function folderOf(path: string): string {
  const folders = path.split("/").slice(0, -1);
  return folders.slice(0, folders[0] === "src" ? 2 : 1).join("/") || ".";
}

async function countLines(commit?: string): Promise<Map<string, number>> {
  const generated = new Set(await gitGrep(commit, "--files-with-matches", "^// @generated"));
  const lines = new Map<string, number>();
  for (const counted of await gitGrep(commit, "--count", "")) {
    const [path, number] = counted.split(":");
    if (!generated.has(path)) lines.set(folderOf(path), (lines.get(folderOf(path)) ?? 0) + Number(number));
  }
  return lines;
}

const [flag, base] = Deno.args;
if (Deno.args.length > 0 && (flag !== "--base" || base === undefined || Deno.args.length > 2)) {
  console.error(`Cannot count lines as arguments must be --base COMMIT or none: found ${Deno.args.join(" ")}`);
  Deno.exit(2);
}
const columns = [...base === undefined ? [] : [await countLines(base)], await countLines()];
const folders = [...new Set(columns.flatMap((lines) => [...lines.keys()]))].sort();
const sums = columns.map((lines) => [...lines.values()].reduce((sum, number) => sum + number, 0));
const rows = [...folders.map((folder) => [folder, ...columns.map((lines) => lines.get(folder) ?? 0)]), [
  "all",
  ...sums,
]];
console.log("folder".padEnd(18) + (base === undefined ? "lines".padStart(8) : "  before     now  share"));
const share = (before: number, now: number) => before === 0 ? "new" : `${(100 * now / before).toFixed(0)}%`;
for (const [folder, ...numbers] of rows as [string, ...number[]][]) {
  const shares = base === undefined ? "" : share(numbers[0], numbers[1]).padStart(7);
  console.log(folder.padEnd(18) + numbers.map((number) => String(number).padStart(8)).join("") + shares);
}
