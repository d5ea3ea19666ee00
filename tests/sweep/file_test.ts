import { assertEquals, assertRejects } from "@std/assert";
import { MODEL_NAMES } from "../../src/model/variant.ts";
import { SweepFileError } from "../../src/sweep/line.ts";
import { appendRun, readSweep } from "../../src/sweep/file.ts";
import { parseLine } from "../../src/sweep/line.ts";
import { lineOf } from "./lines.ts";

async function inFolder(use: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tiny-adder-" });
  try {
    await use(`${folder}/sweep.jsonl`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("appendRun() appends a run once", () =>
  inFolder(async (path) => {
    assertEquals(await readSweep(path), []);
    assertEquals(await appendRun(path, lineOf({ seed: 1 })), true);
    assertEquals(await appendRun(path, lineOf({ seed: 2 })), true);
    assertEquals(await appendRun(path, lineOf({ seed: 1, seconds: 9 })), false);
    assertEquals(await readSweep(path), [lineOf({ seed: 1 }), lineOf({ seed: 2 })]);
  }));

Deno.test("a line that was never finished is written over, whatever stands in it", () =>
  inFolder(async (path) => {
    const whole = `${JSON.stringify(lineOf({ seed: 1 }))}\n`;
    for (const torn of ["{", "\u{1F4A5}", whole.slice(0, -1), whole.slice(0, 40)]) {
      await Deno.writeTextFile(path, whole + torn);
      assertEquals(await readSweep(path), [lineOf({ seed: 1 })]);
      await appendRun(path, lineOf({ seed: 2 }));
      assertEquals(await readSweep(path), [lineOf({ seed: 1 }), lineOf({ seed: 2 })]);
    }
  }));

/** Lines as editors and shells of other systems save them. */
const SAVED: Readonly<Record<string, (lines: string) => string>> = {
  "a byte order mark and Windows line ends": (lines) => `\uFEFF${lines.replaceAll("\n", "\r\n")}`,
  "old Macintosh line ends": (lines) => lines.replaceAll("\n", "\r"),
  "blank lines at the end": (lines) => `${lines}\n\r\n \n`,
  "no line end at the end": (lines) => lines.trimEnd(),
};

for (const [what, save] of Object.entries(SAVED)) {
  Deno.test(`a file with ${what} is read, and appended to without a loss`, () =>
    inFolder(async (path) => {
      const lines = [1, 2].map((seed) => `${JSON.stringify(lineOf({ seed }))}\n`).join("");
      await Deno.writeTextFile(path, save(lines));
      assertEquals((await readSweep(path)).map(({ seed }) => seed), [1, 2]);
      assertEquals(await appendRun(path, lineOf({ seed: 2 })), false);
      assertEquals(await appendRun(path, lineOf({ seed: 3 })), true);
      assertEquals((await readSweep(path)).map(({ seed }) => seed), [1, 2, 3]);
      assertEquals((await Deno.readTextFile(path)).startsWith(save(lines)), true);
    }));
}

Deno.test("UTF-16 is read, and not appended to", () =>
  inFolder(async (path) => {
    const text = `\uFEFF${JSON.stringify(lineOf({ seed: 1 }))}\r\n`;
    const bytes = new Uint8Array(Uint16Array.from(text, (letter) => letter.charCodeAt(0)).buffer);
    await Deno.writeFile(path, bytes);
    assertEquals((await readSweep(path)).map(({ seed }) => seed), [1]);
    await assertRejects(() => appendRun(path, lineOf()), SweepFileError, "it is UTF-16");
    assertEquals(await Deno.readFile(path), bytes);
  }));

Deno.test("a line of something else is left as it is, without a line end, too", () =>
  inFolder(async (path) => {
    for (const text of ["notes", '{"a": 1}', "PK\u0003\u0004"]) {
      await Deno.writeTextFile(path, text);
      await assertRejects(() => appendRun(path, lineOf()), SweepFileError, `Cannot read ${path}`);
      assertEquals(await Deno.readTextFile(path), text);
    }
  }));

Deno.test("appendRun() may be called by many at a time", () =>
  inFolder(async (path) => {
    const appended = await Promise.all(Array.from({ length: 40 }, (_, i) => appendRun(path, lineOf({ seed: i % 20 }))));
    assertEquals(appended.filter(Boolean).length, 20);
    const seeds = (await readSweep(path)).map(({ seed }) => seed).sort((a, b) => a - b);
    assertEquals(seeds, Array.from({ length: 20 }, (_, i) => i));
  }));

Deno.test("a file of something else is left as it is", () =>
  inFolder(async (path) => {
    await Deno.writeTextFile(path, "seed,errors\n1,0\n");
    for (const use of [() => readSweep(path), () => appendRun(path, lineOf())]) {
      const error = await assertRejects(use, SweepFileError);
      assertEquals(error.message.startsWith(`Cannot read ${path}, line 1, as it must be the line of a run: `), true);
    }
    assertEquals(await Deno.readTextFile(path), "seed,errors\n1,0\n");
  }));

Deno.test("parseLine() reads what it is given and says what is wrong with the rest", () => {
  const line = lineOf({ failure: "why", weights: null });
  assertEquals(parseLine(JSON.stringify(line), "x"), line);
  const cases: [Record<string, unknown>, string][] = [
    [{ format: 2 }, "format must be 1: it is 2"],
    [{ model: 764 }, `model must be ${MODEL_NAMES}: it is 764`],
    [{ seed: -1 }, "seed must be a whole number, 0 or more: it is -1"],
    [{ errors: 0.5 }, "errors must be a whole number, 0 or more: it is 0.5"],
    [{ errors: 1_000_001 }, "errors must be at most 1000000: it is 1000001"],
    [{ recipe: 3 }, "recipe must be a string: it is 3"],
    [{ seconds: null }, "seconds must be a number, 0 or more: it is null"],
    [{ weights: 7 }, "weights must be a string or null: it is 7"],
  ];
  for (const [fields, reason] of cases) {
    const text = JSON.stringify({ ...line, ...fields });
    let message = "";
    try {
      parseLine(text, "f, line 3,");
    } catch (error) {
      message = (error as Error).message;
    }
    assertEquals(message, `Cannot read f, line 3, as it must be the line of a run: ${reason}`);
  }
});
