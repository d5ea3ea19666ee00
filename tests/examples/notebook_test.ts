/** The notebook, run by Deno's kernel as Jupyter runs it. */
import { stripVTControlCharacters } from "node:util";
import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { temporaryFolder } from "../cli/tiny_adder.ts";
import { outputOf, testIn } from "../runtimes/program.ts";
import { EXAMPLES } from "./commands.ts";
import { masked } from "./masked.ts";

const SCRIPT = fromFileUrl(new URL("../python/notebook.py", import.meta.url));

/** A notebook's file, as far as it is looked at. */
interface Notebook {
  cells: { cell_type: string; outputs?: { output_type: string; data?: Record<string, string | string[]> }[] }[];
}

/** What the cells of code give: their values as text without colours, or the type of a picture and how many points it has. */
function results({ cells }: Notebook): string[] {
  return cells.filter(({ cell_type }) => cell_type === "code").map(({ outputs = [] }) =>
    outputs.map(({ output_type, data = {} }) => {
      const text = (type: string) => [data[type] ?? []].flat().join("");
      if (text("text/plain") !== "") return stripVTControlCharacters(text("text/plain"));
      const [, points = ""] = /<polyline points="([\d., -]+)"/.exec(text("image/svg+xml")) ?? [];
      return `${output_type}, a curve of ${points.split(" ").length > 50 ? "more" : "less"} than 50 points`;
    }).join("; ")
  );
}

/** Runs a notebook of the examples by Deno's kernel. @returns It as it is then, and as it was saved */
async function runNotebook(name: string): Promise<{ ran: Notebook; saved: Notebook }> {
  await using folder = await temporaryFolder();
  await Deno.mkdir(`${folder.path}/kernels/deno`, { recursive: true });
  await Deno.writeTextFile(
    `${folder.path}/kernels/deno/kernel.json`,
    JSON.stringify({
      argv: [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"],
      display_name: "Deno",
      language: "typescript",
    }),
  );
  const file = `${EXAMPLES}/${name}`;
  const ran = await outputOf("nbclient", ["-B", SCRIPT, file], { env: { JUPYTER_PATH: folder.path } });
  return { ran: JSON.parse(ran), saved: JSON.parse(await Deno.readTextFile(file)) };
}

testIn(
  "nbclient",
  "examples/notebook.ipynb trains, draws and proves, and shows what it showed when saved",
  async () => {
    const { ran, saved } = await runNotebook("notebook.ipynb");
    assertEquals(results(ran), results(saved));
    assertEquals(results(ran), [
      "49",
      '"100% of 10000 pairs that it never saw are added correctly"',
      "execute_result, a curve of more than 50 points",
      '{ certified: true, pairs: "100000000000000000000", sum: 10000000000 }',
    ]);
  },
);

testIn("nbclient", "examples/study.ipynb shows what it showed when saved, up to its numbers", async () => {
  const { ran, saved } = await runNotebook("study.ipynb");
  const shown = ({ cells }: Notebook) =>
    cells.filter(({ cell_type }) => cell_type === "code").map(({ outputs = [] }) =>
      outputs.map(({ data = {} }) => {
        const type = Object.keys(data).find((type) => type.startsWith("image/")) ?? "text/plain";
        return `${type}: ${masked(stripVTControlCharacters([data[type]].flat().join("")))}`;
      })
    );
  assertEquals(shown(ran), shown(saved));
  const drawings = shown(ran).flat().filter((text) => text.startsWith("image/svg+xml: <svg"));
  assertEquals([drawings.length, shown(ran).every((outputs) => outputs.length === 1)], [3, true]);
});
