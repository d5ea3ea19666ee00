/** The package as npm's users get it: packed by `deno task pack` and installed from the archive. */
import { fromFileUrl, join } from "@std/path";
import { outputOf } from "./program.ts";

const PROJECT = fromFileUrl(new URL("../../", import.meta.url));

/** Packs the project as it is and installs it into `examples/` of a folder, by the command that examples/README.md gives. */
export async function installPackage(folder: string): Promise<void> {
  const index = await Deno.readTextFile(`${PROJECT}examples/README.md`);
  const [, args] = /^npm (install .+ \.\/dist\/tiny-adder\.tgz)$/m.exec(index)!;
  await Deno.mkdir(join(folder, "dist"));
  const archive = join(folder, "dist/tiny-adder.tgz");
  await outputOf(Deno.execPath(), ["pack", "--quiet", "--allow-dirty", "--output", archive], { cwd: PROJECT });
  await outputOf("npm", [...args.split(" "), "--offline", "--no-audit", "--no-fund"], { cwd: folder });
}
