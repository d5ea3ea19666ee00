/** What the project is made of: known, pinned, and none of it in the library. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import config from "../../deno.json" with { type: "json" };

import { CONFIGURATIONS, packageOf, packagesOf, readLocks, rowOf } from "../../build/licences.ts";

const ROOT = new URL("../../", import.meta.url);
const locks = await readLocks();

/** Licences that ask for no more than their text and the author's name. */
const PERMISSIVE =
  /^\(?(?:MIT|ISC|BSD-[23]-Clause|Apache-2\.0|0BSD|Unlicense|BlueOak-1\.0\.0|CC0-1\.0|MPL-2\.0)(?: (?:OR|AND) .+)?\)?$/;

Deno.test("packageOf() reads the names of a lock file", () => {
  assertEquals(packageOf("long@5.3.2"), { name: "long", version: "5.3.2" });
  assertEquals(packageOf("@a/b@1.0.0-x.1"), { name: "@a/b", version: "1.0.0-x.1" });
  assertEquals(packageOf("d3-transition@3.0.2_d3-selection@3.0.1"), { name: "d3-transition", version: "3.0.2" });
});

Deno.test("THIRD_PARTY.md lists every npm package with its licence, and no other (deno task licences writes it)", async () => {
  const text = await Deno.readTextFile(new URL("THIRD_PARTY.md", ROOT));
  const rows = [...text.matchAll(/^\| (?!package|-)(\S+) +\| (\S+) +\| (.+?) +\|$/gm)].map((
    [, name, version, licence],
  ) => ({
    name,
    version,
    licence,
  }));
  assertEquals(rows.map(({ name, version }) => ({ name, version })), packagesOf(locks));
  for (const { name, licence } of rows) assertMatch(licence, PERMISSIVE, name);
  assertStringIncludes(text, "no code of others");
  assertEquals(rowOf({ name: "a", version: "1" }, "MIT"), "| a | 1 | MIT |");
});

Deno.test("every npm package is pinned by hash, and has one version in all configurations", async () => {
  for (const [name, { integrity }] of locks.flatMap(({ npm }) => Object.entries(npm ?? {}))) {
    assertMatch(integrity ?? "", /^sha512-/, name);
  }
  const pinned = new Map<string, string>(Object.entries(config.imports));
  for (const folder of CONFIGURATIONS) {
    const { imports } = JSON.parse(await Deno.readTextFile(new URL(`${folder}/deno.json`, ROOT)));
    for (const [name, target] of Object.entries<string>(imports)) {
      if (target.startsWith("npm:")) assertMatch(target, /@\d+\.\d+\.\d+$/, `${name} is not pinned`);
      assertEquals(target, pinned.get(name) ?? target, `${name} in ${folder}/deno.json`);
      pinned.set(name, target);
    }
  }
});

Deno.test("the library's configuration and lock file name no npm package, so that a user's tasks download none", async () => {
  const files = ["deno.json", "deno.lock", ...config.workspace.map((member) => `${member}/deno.json`)];
  for (const file of files) {
    const text = await Deno.readTextFile(new URL(file, ROOT)).catch(() => "");
    assert(!text.includes("npm:"), file);
  }
});

Deno.test("the library loads nothing but itself", async () => {
  const entries = Object.entries(config.exports).filter(([name]) => name !== "./cli").map(([, path]) => path);
  for (const entry of entries) {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--frozen", fromFileUrl(new URL(entry, ROOT))],
    }).output();
    const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: { specifier: string }[] };
    assert(modules.length > 1);
    const source = new URL("src/", ROOT).href;
    for (const { specifier } of modules) {
      assert(specifier.startsWith(source) || specifier === new URL("mod.ts", ROOT).href, `${entry} loads ${specifier}`);
    }
  }
});

Deno.test("CI does not change the lock file, and compares the generated modules", async () => {
  const ci = await Deno.readTextFile(new URL(".ci/run", ROOT));
  for (
    const check of ["deno check --quiet --frozen --config", "deno task build --check", "deno task build:prover --check"]
  ) {
    assertStringIncludes(ci, check);
  }
});
