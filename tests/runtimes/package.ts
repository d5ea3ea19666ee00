/** The package as npm's users get it: packed by `deno task pack` and installed from the archive. */
import { fromFileUrl, join } from "@std/path";
import { outputOf } from "./program.ts";

const PROJECT = fromFileUrl(new URL("../../", import.meta.url));

/** Packs the project as it is and installs it into `node_modules` of a folder. */
export async function installPackage(folder: string): Promise<void> {
  const archive = join(folder, "tiny-adder.tgz");
  await outputOf(Deno.execPath(), ["pack", "--quiet", "--allow-dirty", "--output", archive], { cwd: PROJECT });
  await outputOf("npm", ["install", "--no-save", "--offline", "--no-audit", "--no-fund", "--prefix", folder, archive]);
}
