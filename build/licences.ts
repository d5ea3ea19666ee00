/** `deno task licences`: lists the licences of all npm packages in THIRD_PARTY.md, from what each says of itself. */
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
  const keys = new Set(locks.flatMap(({ npm }) => Object.keys(npm ?? {})).map((key) => key.split("_")[0]));
  return [...keys].map(packageOf).sort((a, b) => `${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1);
}

export function rowOf({ name, version }: { name: string; version: string }, licence: string): string {
  return `| ${name} | ${version} | ${licence} |`;
}

async function deno(...args: string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" }).output();
  if (!success) throw new Error(`Cannot list licences as deno ${args.join(" ")} must succeed: it failed`);
  return new TextDecoder().decode(stdout);
}

if (import.meta.main) {
  for (const folder of CONFIGURATIONS) {
    await deno("install", "--quiet", "--config", fromFileUrl(new URL(`${folder}/deno.json`, ROOT)));
  }
  const cache = `${JSON.parse(await deno("info", "--json")).npmCache}/registry.npmjs.org`;
  const rows: string[] = [];
  const notices: string[] = [];
  for (const one of packagesOf(await readLocks())) {
    const folder = `${cache}/${one.name}/${one.version}`;
    const { license } = JSON.parse(await Deno.readTextFile(`${folder}/package.json`));
    if (typeof license !== "string") {
      throw new Error(`Cannot list ${one.name} as it must name its licence: found ${JSON.stringify(license)}`);
    }
    rows.push(rowOf(one, license));
    if (!BUNDLED.includes(one.name)) continue;
    const notice = await Deno.readTextFile(`${folder}/LICENSE`);
    notices.push(`## ${one.name}, in the built page\n\n\`\`\`text\n${notice.trim()}\n\`\`\`\n`);
  }
  const text = `# Third-party licences

The library (\`mod.ts\` and what it imports) contains and loads no code of others. These packages build, test and draw, at
versions that the \`deno.lock\` of \`build/\`, \`web/\`, \`tests/\` and \`bench/\` pin with their SHA-512. None of them is
published with the library; the built page of \`web/\` contains ${
    BUNDLED.join(", ")
  }. Where JSR can be reached the command line uses
\`@std/cli\` (MIT) and the tests \`@std/assert\` and \`@std/path\` (MIT); in this repository \`shims/\` stands for them.

Written by \`deno task licences\` from what each package says of itself, and compared with the lock files by a test.

| package | version | licence |
| ------- | ------- | ------- |
${rows.join("\n")}

${notices.join("\n")}`;
  await Deno.writeTextFile(new URL("THIRD_PARTY.md", ROOT), text);
  console.log(`THIRD_PARTY.md: ${rows.length} packages`);
}
