/** The examples, run by the commands that their index gives. */
import { fromFileUrl } from "@std/path";
import { type NeedName, outputOf } from "../runtimes/program.ts";

const PROJECT = fromFileUrl(new URL("../../", import.meta.url));

/** The folder of the examples. */
export const EXAMPLES = `${PROJECT}examples`;

/** The commands by file, as the table of examples/README.md has them. */
export async function commands(): Promise<Map<string, string>> {
  const index = await Deno.readTextFile(`${EXAMPLES}/README.md`);
  return new Map(Array.from(index.matchAll(/^\| \[(\S+)\].*\| `(.+)` +\|$/gm), ([, file, command]) => [file, command]));
}

/**
 * Runs the command of an example in an empty folder, so that what it writes does not stay in the clone.
 *
 * @param needs What stands for the program that the command names, if it is not Deno
 * @param clone Where the command finds `examples/` and `cli.ts`
 * @returns What its last program printed
 */
export async function runExample(
  file: string,
  cwd: string,
  needs?: NeedName,
  clone = PROJECT,
): Promise<string> {
  const command = (await commands()).get(file);
  if (command === undefined) {
    throw new Error(`Cannot run ${file} as examples/README.md must have its command: it has none`);
  }
  let printed = "";
  for (const part of command.split(" && ")) {
    const [name, ...words] = part.split(" ");
    const args = words.map((word) =>
      word === "--allow-read=." ? `--allow-read=${clone}` : word.replace(/^(?=examples\/|cli\.ts$)/, clone)
    );
    printed = await outputOf(name === "deno" ? Deno.execPath() : needs!, args, { cwd, env: { NO_COLOR: "1" } });
  }
  return printed;
}
