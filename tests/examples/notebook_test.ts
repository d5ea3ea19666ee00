/** The notebook, run by Deno's kernel as Jupyter runs it. */
import { stripVTControlCharacters } from "node:util";
import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { temporaryFolder } from "../cli/tiny_adder.ts";
import { outputOf, testIn } from "../runtimes/program.ts";
import { EXAMPLES } from "./commands.ts";

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

testIn(
  "nbclient",
  "examples/notebook.ipynb trains, draws and proves, and shows what it showed when saved",
  async () => {
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
    const file = `${EXAMPLES}/notebook.ipynb`;
    const ran: Notebook = JSON.parse(
      await outputOf("nbclient", ["-B", SCRIPT, file], { env: { JUPYTER_PATH: folder.path } }),
    );
    const saved: Notebook = JSON.parse(await Deno.readTextFile(file));
    assertEquals(results(ran), results(saved));
    assertEquals(results(ran), [
      "49",
      '"100% of 100000 pairs that it never saw are added correctly"',
      "execute_result, a curve of more than 50 points",
      '{ certified: true, pairs: "100000000000000000000", sum: 10000000000 }',
    ]);
  },
);
