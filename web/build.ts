/**
 * Builds the lab page from web/ into a folder, dist/lab where none is named, that any host can serve, under any path. A second argument is the
 * address of that host, for the previews of links.
 */
import { fromFileUrl, join } from "@std/path";
import { CONTENT_SECURITY_POLICY, headersOf } from "../src/lab/headers.ts";
import { sha256 } from "../src/common/encoding.ts";

/** Files by path within the folder. */
export type Files = Map<string, Uint8Array<ArrayBuffer>>;

const WEB = fromFileUrl(new URL("./", import.meta.url));
/** Modules that the page or a worker starts from. */
const ENTRIES = ["main.tsx", "train_worker.ts", "proof_worker.ts"];
const PREVIEW = "preview.webp";
const COPIED = ["icon.svg", "manifest.webmanifest", "style.css"];

const encoder = new TextEncoder();

/** Bundles entries. What several of them import becomes a file of its own. */
async function bundle(entries: readonly string[], codeSplitting: boolean): Promise<Files> {
  const { success, errors, outputFiles } = await Deno.bundle({
    ...{ entrypoints: entries.map((entry) => join(WEB, entry)), outputDir: WEB, write: false },
    ...{ platform: "browser", format: "esm", minify: true, codeSplitting },
  });
  if (!success) throw new Error(`Cannot bundle the page:\n${errors.map(({ text }) => text).join("\n")}`);
  return new Map((outputFiles ?? []).map(({ path, contents }) => [path.slice(WEB.length), new Uint8Array(contents!)]));
}

async function read(name: string): Promise<string> {
  return await Deno.readTextFile(join(WEB, name));
}

/** The service worker, which knows all files and a version that changes with any of them. */
async function serviceWorker(files: Files): Promise<Uint8Array<ArrayBuffer>> {
  const names = [...files.keys()].sort();
  const all = new Blob(names.flatMap((name) => [name, files.get(name)!]));
  const version = (await sha256(await all.arrayBuffer())).slice(0, 16);
  const [code] = (await bundle(["sw.ts"], false)).values();
  // the folder itself is what browsers ask for; index.html is the same page
  const cached = ["./", ...names.filter((name) => name !== "index.html")];
  const head = `const FILES=${JSON.stringify(cached)},VERSION=${JSON.stringify(version)};\n`;
  return encoder.encode(head + new TextDecoder().decode(code));
}

/** Headers for hosts that read them from a file of this name: a block for each file, because hosts join the values of blocks that overlap. */
function headersFile(names: readonly string[]): string {
  return ["/", ...names.map((name) => `/${name}`)].flatMap((path) => [
    path,
    ...Object.entries(headersOf(path)).map(([name, value]) => `  ${name}: ${value}`),
    "",
  ]).join("\n");
}

/** All files of the page. @param address Where the page will be, if that is known: previews of links need it to find their picture */
async function buildLab(address: string): Promise<Files> {
  const files = await bundle(ENTRIES, true);
  for (const name of ["index.html", "embed.html"]) {
    const page = (await read(name)).replace("CONTENT_SECURITY_POLICY", CONTENT_SECURITY_POLICY);
    files.set(name, encoder.encode(page.replaceAll("ADDRESS/", address)));
  }
  for (const name of COPIED) files.set(name, encoder.encode(await read(name)));
  files.set("licences.txt", encoder.encode(await read("../THIRD_PARTY.md")));
  files.set("sw.js", await serviceWorker(files));
  files.set(PREVIEW, await Deno.readFile(join(WEB, PREVIEW))); // after the service worker, which need not keep it
  files.set("_headers", encoder.encode(headersFile([...files.keys()])));
  return files;
}

/** Writes the files in place of what an earlier build left. @throws {Error} If the folder holds anything else */
async function writeLab(folder: string, files: Files): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const found = Array.from(Deno.readDirSync(folder), ({ name }) => name);
  if (found.length > 0 && !found.includes("sw.js")) {
    throw new Error(
      `Cannot build the lab into ${folder} as it must be empty or hold an earlier build: it holds ${found[0]}`,
    );
  }
  for (const name of found) await Deno.remove(join(folder, name));
  for (const [name, content] of files) await Deno.writeFile(join(folder, name), content);
}

if (import.meta.main) {
  const [folder = "dist/lab", address = "./"] = Deno.args;
  const files = await buildLab(address.replace(/\/*$/, "/"));
  await writeLab(folder, files);
  const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  console.log(`${folder}: ${files.size} files, ${Math.round(bytes / 1000)} kB before compression`);
}
