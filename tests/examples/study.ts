/**
 * The tutorial of docs/study.md, block by block, in one folder.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";
import { outputOf } from "../runtimes/program.ts";

const CLONE = fromFileUrl(new URL("../../", import.meta.url));

/** A block that runs, what it printed, and what the page says that it prints. */
export interface StudyBlock {
  language: string;
  code: string;
  printed: string;
  expected?: string;
}

/** Separates the output of a block of Python from that of those before it. */
const MARK = "-- the last block --";

/** Runs the blocks of a page in their order: shell and TypeScript each by itself, Python after all Python before it. */
export async function runBlocks(page: string, cwd: string): Promise<StudyBlock[]> {
  const text = await Deno.readTextFile(page);
  const found = Array.from(
    text.matchAll(/^```(sh|python|ts|text)\n(.*?)^```$/gms),
    ([, language, code]) => ({ language, code }),
  );
  const blocks: StudyBlock[] = [];
  let python = "";
  for (const { language, code } of found) {
    if (language === "text") {
      blocks.at(-1)!.expected = code;
      continue;
    }
    let printed: string;
    if (language === "sh") {
      const script = code.replaceAll(/^deno run /gm, `"${Deno.execPath()}" run --no-prompt --no-check `).replaceAll(
        " cli.ts ",
        ` "${CLONE}cli.ts" `,
      );
      printed = await outputOf("bash", ["-ec", script], { cwd });
    } else if (language === "python") {
      const whole = await outputOf("NumPy", ["-B", "-c", `${python}\nprint("${MARK}")\n${code}`], { cwd });
      printed = whole.slice(whole.indexOf(MARK) + MARK.length + 1);
      python += `\n${code}`;
    } else {
      await Deno.writeTextFile(`${cwd}/block.ts`, code);
      const options = ["--no-prompt", "--no-check", "--allow-read=study", "--config", `${CLONE}deno.json`];
      printed = await outputOf(Deno.execPath(), ["run", ...options, "block.ts"], { cwd, env: { NO_COLOR: "1" } });
    }
    blocks.push({ language, code, printed });
  }
  return blocks;
}
