/** What `deno doc --lint` does not ask: every function, class and constant that is exported has an example that runs. */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import config from "../deno.json" with { type: "json" };
import { outputOf } from "./runtimes/program.ts";

/** What `deno doc --json` says of a symbol, as far as it is looked at. */
interface Declaration {
  kind: string;
  jsDoc?: { doc?: string; tags?: { kind: string; doc?: string }[] };
}

const ENTRIES = Object.values(config.exports).map((path) => fromFileUrl(new URL(`../${path}`, import.meta.url)));

/** Kinds that one can run; types are shown at work in the examples of these. */
const RUNNABLE = ["function", "class", "variable"];

Deno.test("every exported function, class and constant has an example that runs", async () => {
  const { nodes } = JSON.parse(await outputOf(Deno.execPath(), ["doc", "--json", ...ENTRIES]));
  const symbols = (Object.values(nodes) as { symbols: { name: string; declarations: Declaration[] }[] }[])
    .flatMap(({ symbols }) => symbols);
  const declarations = symbols.flatMap(({ name, declarations }) => declarations.map((each) => ({ name, ...each })));
  const runnable = declarations.filter(({ kind }) => RUNNABLE.includes(kind));
  assert(runnable.length > 25, `${runnable.length}`);
  const without = runnable.filter(({ jsDoc }) =>
    !jsDoc?.tags?.some(({ kind, doc }) => kind === "example" && /^```ts$/m.test(doc ?? ""))
  );
  // of overloads the first one has the examples
  const names = new Set(runnable.filter((each) => !without.includes(each)).map(({ name }) => name));
  assertEquals(without.map(({ name }) => name).filter((name) => !names.has(name)), []);
  const undocumented = declarations.filter(({ kind, jsDoc }) => kind !== "reference" && !jsDoc?.doc && !jsDoc?.tags);
  assertEquals(undocumented.map(({ name }) => name).filter((name) => !names.has(name)), []);
});

Deno.test("the tasks that check and run the documentation know every entry point", () => {
  for (const path of Object.values(config.exports)) {
    assert(config.tasks["lint:docs"].command.includes(path.replace("./", "")), path);
    assert(/mod\.ts cli\.ts src\/$/.test(config.tasks["test:examples"].command));
  }
});
