/**
 * Lists the licences of all npm packages in THIRD_PARTY.md, from what each says of itself.
 *
 * ```sh
 * deno task licences
 * ```
 */
import { fromFileUrl } from "@std/path";

const ROOT = new URL("../", import.meta.url);

/** Folders whose configuration names npm packages; the library's own names none. */
export const CONFIGURATIONS = ["build", "web", "tests", "bench"] as const;

/** The packages that the built page of `web/` contains. */
const BUNDLED = ["preact"];

export interface Lock {
  npm?: Record<string, { integrity?: string }>;
}

export function readLocks(): Promise<Lock[]> {
  return Promise.all(
    CONFIGURATIONS.map(async (folder) => JSON.parse(await Deno.readTextFile(new URL(`${folder}/deno.lock`, ROOT)))),
  );
}

/** A package as a lock file names it: `d3-transition@3.0.2_d3-selection@3.0.1` is d3-transition 3.0.2. */
export function packageOf(key: string): { name: string; version: string } {
  const at = key.indexOf("@", 1);
  return { name: key.slice(0, at), version: key.slice(at + 1).split("_")[0] };
}

/** The packages of lock files, each once. */
export function packagesOf(locks: readonly Lock[]): { name: string; version: string }[] {
  const keys = locks.flatMap(({ npm }) => Object.keys(npm ?? {}));
  const found = new Map(keys.map((key) => [key.split("_")[0], packageOf(key)]));
  return [...found.values()].sort((a, b) => `${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1);
}

export function rowOf({ name, version }: { name: string; version: string }, licence: string): string {
  return `| ${name} | ${version} | ${licence} |`;
}

async function deno(...args: string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" }).output();
  if (!success) throw new Error(`Cannot list licences as deno ${args.join(" ")} must succeed: it failed`);
  return new TextDecoder().decode(stdout);
}

/** Downloads the packages of all configurations. @returns The folder that they are in */
async function npmCache(): Promise<string> {
  for (const folder of CONFIGURATIONS) {
    await deno("install", "--quiet", "--config", fromFileUrl(new URL(`${folder}/deno.json`, ROOT)));
  }
  return JSON.parse(await deno("info", "--json")).npmCache;
}

if (import.meta.main) {
  const cache = `${await npmCache()}/registry.npmjs.org`;
  const rows: string[] = [];
  const notices: string[] = [];
  for (const one of packagesOf(await readLocks())) {
    const { license, licenses } = JSON.parse(
      await Deno.readTextFile(`${cache}/${one.name}/${one.version}/package.json`),
    );
    const licence = license?.type ?? license ?? licenses?.map(({ type }: { type: string }) => type).join(" or ");
    if (typeof licence !== "string") {
      throw new Error(`Cannot list ${one.name} as it must name its licence: it names none`);
    }
    rows.push(rowOf(one, licence));
    if (!BUNDLED.includes(one.name)) continue;
    const notice = await Deno.readTextFile(`${cache}/${one.name}/${one.version}/LICENSE`);
    notices.push(`## ${one.name}, in the built page\n\n\`\`\`text\n${notice.trim()}\n\`\`\`\n`);
  }
  await Deno.writeTextFile(
    new URL("THIRD_PARTY.md", ROOT),
    `# Third-party licences

The library (\`mod.ts\` and what it imports) contains and loads no code of others. These packages build, test and draw, at
versions that the \`deno.lock\` of \`build/\`, \`web/\`, \`tests/\` and \`bench/\` pin with their SHA-512. None of them is
published with the library; the built page of \`web/\` contains ${
      BUNDLED.join(", ")
    }. Where JSR can be reached the command line uses \`@std/cli\` (MIT) and the tests \`@std/assert\`
and \`@std/path\` (MIT); in this repository \`shims/\` stands for them.

Written by \`deno task licences\` from what each package says of itself, and compared with the lock files by a test.

| package | version | licence |
| ------- | ------- | ------- |
${rows.join("\n")}

${notices.join("\n")}`,
  );
  console.log(`THIRD_PARTY.md: ${rows.length} packages`);
}
