/** `build.ts [FOLDER [ADDRESS]]`: builds the page into a folder that any host can serve, under any path. Previews of links name the host's address. */
import { fromFileUrl, join } from "@std/path";
import { CONTENT_SECURITY_POLICY, EMBEDDED, headersOf } from "../src/lab/headers.ts";
import { sha256 } from "../src/common/encoding.ts";

const [folder = "dist/lab", address = "."] = Deno.args;
const WEB = fromFileUrl(new URL("./", import.meta.url));
const encoder = new TextEncoder();
const files = new Map<string, Uint8Array<ArrayBuffer>>();
const copy = async (name: string, from = name) => files.set(name, await Deno.readFile(join(WEB, from)));

// what several of the entries import becomes a file of its own
const { success, errors, outputFiles } = await Deno.bundle({
  entrypoints: ["main.tsx", "worker.ts", "sw.ts"].map((entry) => join(WEB, entry)),
  ...{ outputDir: WEB, write: false, platform: "browser", format: "esm", minify: true, codeSplitting: true },
});
if (!success) throw new Error(`Cannot bundle the page:\n${errors.map(({ text }) => text).join("\n")}`);
for (const { path, contents } of outputFiles!) files.set(path.slice(WEB.length), new Uint8Array(contents!));

const page = (await Deno.readTextFile(join(WEB, "index.html")))
  .replace("CONTENT_SECURITY_POLICY", CONTENT_SECURITY_POLICY)
  .replace("ADDRESS", address.replace(/\/+$/, ""));
files.set("index.html", encoder.encode(page));
// the page in frames of other sites has fewer sections, and a link to all of them
const embedded = page.replaceAll(/<!-- lab -->.*?<!-- \/lab -->/gs, "").replace("<p hidden>", "<p>");
files.set(EMBEDDED.slice(1), encoder.encode(embedded));
for (const name of ["icon.svg", "manifest.webmanifest", "style.css"]) await copy(name);
await copy("licences.txt", "../THIRD_PARTY.md");

// the service worker knows all files, and a version that changes with any of them
const names = [...files.keys()].sort();
const all = new Blob(names.flatMap((name) => [name, files.get(name)!]));
const version = (await sha256(await all.arrayBuffer())).slice(0, 16);
// the folder itself is what browsers ask for; index.html is the same page
const cached = ["./", ...names.filter((name) => name !== "index.html" && name !== "sw.js")];
const head = `const FILES=${JSON.stringify(cached)},VERSION=${JSON.stringify(version)};\n`;
files.set("sw.js", encoder.encode(head + new TextDecoder().decode(files.get("sw.js"))));
await copy("preview.webp"); // which it need not keep

// headers for hosts that read them from a file: a block for each path, because hosts join the values of blocks that overlap
const headers = ["/", ...[...files.keys()].map((name) => `/${name}`)].flatMap((path) => [
  path,
  ...Object.entries(headersOf(path)).map(([name, value]) => `  ${name}: ${value}`),
  "",
]);
files.set("_headers", encoder.encode(headers.join("\n")));

await Deno.mkdir(folder, { recursive: true });
const found = Array.from(Deno.readDirSync(folder), ({ name }) => name);
if (found.length > 0 && !found.includes("sw.js")) {
  throw new Error(`Cannot build into ${folder} as it must be empty or hold an earlier build: it holds ${found[0]}`);
}
for (const name of found) await Deno.remove(join(folder, name));
for (const [name, content] of files) await Deno.writeFile(join(folder, name), content);
const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
console.log(`${folder}: ${files.size} files, ${Math.round(bytes / 1000)} kB before compression`);
