import { sha256 } from "../common/encoding.ts";
import { headersOf } from "./headers.ts";

/** The lab cannot be served. The message says why and what to do. */
export class LabError extends Error {
  override readonly name = "LabError";
}

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  webp: "image/webp",
  webmanifest: "application/manifest+json",
};

/** The files of a built page by the path of their URL. */
export type LabFiles = Map<string, { type: string; content: Uint8Array<ArrayBuffer>; etag: string }>;

/** Reads all files of a folder once, so that no path of a request can reach another file. @throws {LabError} If the folder holds no page */
export async function readLab(folder: string): Promise<LabFiles> {
  const files: LabFiles = new Map();
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (!isFile) continue;
      const content = await Deno.readFile(`${folder}/${name}`);
      const type = TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream";
      files.set(`/${name}`, { type, content, etag: `"${(await sha256(content)).slice(0, 16)}"` });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const index = files.get("/index.html");
  if (index === undefined) {
    throw new LabError(`Cannot serve the lab as ${folder} must hold the built page: run deno task lab:build first`);
  }
  return files.set("/", index);
}

function plain(status: number, text: string, more: Record<string, string> = {}): Response {
  return new Response(`${text}\n`, { status, headers: { ...headersOf("/"), ...more, "content-type": "text/plain" } });
}

/** The names of this machine; others that resolve to it are refused (DNS rebinding). */
const LOCAL = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;

export function answer(files: LabFiles, request: Request): Response {
  const { method, headers: asked, url } = request;
  if (!LOCAL.test(asked.get("host") ?? "")) return plain(421, "this server only answers requests to localhost");
  if (method !== "GET" && method !== "HEAD") return plain(405, "only GET and HEAD are allowed", { allow: "GET, HEAD" });
  const { pathname } = new URL(url);
  const file = files.get(pathname);
  if (file === undefined) return plain(404, "file not found");
  const { type, content, etag } = file;
  // browsers ask again each time, and get an empty answer if nothing has changed
  const headers = { ...headersOf(pathname), "content-type": type, etag, "cache-control": "no-cache" };
  if (asked.get("if-none-match")?.includes(etag)) return new Response(null, { status: 304, headers });
  return new Response(content, { headers });
}

/** Serves the files of a page on 127.0.0.1. @param port 0 for any free port @throws {LabError} If the port is taken */
export function serveLab(files: LabFiles, port: number): Deno.HttpServer<Deno.NetAddr> {
  try {
    const options = { hostname: "127.0.0.1", port, automaticCompression: true, onListen() {} };
    return Deno.serve(options, (request) => answer(files, request));
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new LabError(
      `Cannot serve the lab as port ${port} must be free: another program uses it. Choose another one with --port`,
    );
  }
}
