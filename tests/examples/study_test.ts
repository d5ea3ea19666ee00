/** The tutorial docs/study.md, and the programs in docs/how-it-adds.md. */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { temporaryFolder } from "../cli/tiny_adder.ts";
import { outputOf, testIn } from "../runtimes/program.ts";
import { masked } from "./masked.ts";
import { runBlocks } from "./study.ts";

const DOCS = fromFileUrl(new URL("../../docs/", import.meta.url));

testIn(
  ["NumPy", "bash"],
  "every block of docs/study.md runs and prints what the page shows, up to its numbers",
  async () => {
    await using folder = await temporaryFolder();
    const blocks = await runBlocks(`${DOCS}study.md`, folder.path);
    const count = (language: string) => blocks.filter((block) => block.language === language).length;
    assertEquals([count("sh"), count("python"), count("ts")], [3, 5, 3]);
    for (const { code, printed, expected } of blocks) {
      if (expected !== undefined) assertEquals(masked(printed), masked(expected), code);
    }
    const printedBy = (part: string) => blocks.find(({ code }) => code.includes(part))!.printed;
    // the arc: ten angles in order, of a model that adds
    const [, angles] = /angles: ([\d ]+)/.exec(printedBy("np.unwrap"))!;
    const values = angles.trim().split(" ").map(Number);
    assert(values.length === 10 && values.every((angle, i) => i === 0 || angle > values[i - 1]), angles);
    const [, plain, ablated] = /plain (\d+) [^]*ablated (\d+) /.exec(printedBy("ablated"))!;
    assert(Number(plain) >= 99 && Number(ablated) < 30, `${plain}, ${ablated}`);
    const [, written] = /writes ([\d ]+)/.exec(printedBy("donors"))!;
    assert(/^2[12 ]*1$/.test(written.trim()), written); // a carry after a 0, none after a 9
    assertEquals(await Deno.stat(`${folder.path}/study/series.svg`).then(({ isFile }) => isFile), true);
  },
);

Deno.test("the programs in docs/how-it-adds.md run", async () => {
  const printed = await outputOf(Deno.execPath(), ["test", "--quiet", "--no-prompt", "--doc", `${DOCS}how-it-adds.md`]);
  assert(/3 passed/.test(printed), printed);
});
