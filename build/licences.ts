/**
 * Lists the licences of all packages in deno.lock in THIRD_PARTY.md, from what each says of itself.
 *
 * ```sh
 * deno task licences
 * ```
 *
 * @module
 */

const ROOT = new URL("../", import.meta.url);

/** A package as deno.lock names it: `d3-transition@3.0.2_d3-selection@3.0.1` is d3-transition 3.0.2. */
export function packageOf(key: string): { name: string; version: string } {
  const at = key.indexOf("@", 1);
  return { name: key.slice(0, at), version: key.slice(at + 1).split("_")[0] };
}

/** The packages of a lock file, each once. */
export function packagesOf(lock: { npm?: Record<string, unknown> }): { name: string; version: string }[] {
  const found = new Map(Object.keys(lock.npm ?? {}).map((key) => [key.split("_")[0], packageOf(key)]));
  return [...found.values()].sort((a, b) => `${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1);
}

/** The line of a package. */
export function rowOf({ name, version }: { name: string; version: string }, licence: string): string {
  return `| ${name} | ${version} | ${licence} |`;
}

async function npmCache(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).npmCache;
}

if (import.meta.main) {
  const cache = `${await npmCache()}/registry.npmjs.org`;
  const rows: string[] = [];
  for (const one of packagesOf(JSON.parse(await Deno.readTextFile(new URL("deno.lock", ROOT))))) {
    const { license, licenses } = JSON.parse(
      await Deno.readTextFile(`${cache}/${one.name}/${one.version}/package.json`),
    );
    const licence = license?.type ?? license ?? licenses?.map(({ type }: { type: string }) => type).join(" or ");
    if (typeof licence !== "string") {
      throw new Error(`Cannot list ${one.name} as it must name its licence: it names none`);
    }
    rows.push(rowOf(one, licence));
  }
  await Deno.writeTextFile(
    new URL("THIRD_PARTY.md", ROOT),
    `# Third-party licences

The library (\`mod.ts\` and what it imports) contains and loads no code of others. These packages build, test and draw, at
versions that \`deno.lock\` pins with their SHA-512; none of them is published with the library. Where JSR can be reached
the command line uses \`@std/cli\` (MIT) and the tests \`@std/assert\` and \`@std/path\` (MIT); in this repository \`shims/\`
stands for them.

Written by \`deno task licences\` from what each package says of itself, and compared with \`deno.lock\` by a test.

| package | version | licence |
| ------- | ------- | ------- |
${rows.join("\n")}
`,
  );
  console.log(`THIRD_PARTY.md: ${rows.length} packages`);
}
