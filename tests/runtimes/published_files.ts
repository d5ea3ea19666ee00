/** The files of the package. */
import { assert } from "@std/assert";
import { fromFileUrl } from "@std/path";

/** The folder of the project. */
export const PROJECT = fromFileUrl(new URL("../../", import.meta.url));

/** Paths of the files that `deno publish` would upload, from the project's folder, with slashes on every system. */
export async function publishedFiles(): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty", "--no-check"],
    cwd: PROJECT,
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert(success, text);
  return Array.from(text.matchAll(/^ +(file:\S+) \([\d.]+[KM]?B\)$/gm), ([, url]) => fromFileUrl(url))
    .map((path) => path.slice(PROJECT.length).replaceAll("\\", "/"));
}
