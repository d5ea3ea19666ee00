/** The built page, as the lab's own server and as a plain host give it. */
import { fromFileUrl } from "@std/path";
import { answer, type LabFiles, readLab } from "../../src/lab/server.ts";

/** Builds the page into a new folder. */
export async function buildSite(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "tiny-adder-lab-site-" });
  const [script, config] = ["../build.ts", "../deno.json"].map((path) => fromFileUrl(new URL(path, import.meta.url)));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--config", config, "--allow-read", `--allow-write=${folder}`, script, folder],
  }).output();
  if (!success) throw new Error(`Cannot build the page: ${new TextDecoder().decode(stderr)}`);
  return folder;
}

/** A site that counts what it sends. */
export interface Site extends AsyncDisposable {
  readonly url: string;
  /** Bytes of all bodies sent so far, compressed with gzip: brotli, which browsers get, makes no more of them. */
  readonly bytes: number;
  /** Paths that were asked for. */
  readonly paths: readonly string[];
}

/** Serves by a function, and counts. */
function site(base: string, handle: (request: Request) => Response, automaticCompression = false): Site {
  let bytes = 0;
  const paths: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, automaticCompression, onListen() {} },
    async (request) => {
      const response = handle(request);
      paths.push(new URL(request.url).pathname);
      const packed = response.clone().body?.pipeThrough(new CompressionStream("gzip"));
      bytes += packed === undefined ? 0 : (await new Response(packed).arrayBuffer()).byteLength;
      return response;
    },
  );
  return {
    url: `http://localhost:${server.addr.port}${base}`,
    get bytes() {
      return bytes;
    },
    paths,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** A site whose files may be replaced. */
export interface LabSite extends Site {
  /** Gives the files of another folder from now on. */
  become(folder: string): Promise<void>;
}

/** The page as `deno task lab` gives it. */
export async function labSite(folder: string): Promise<LabSite> {
  let files = await readLab(folder);
  const served = site("/", (request) => answer(files, request), true);
  return Object.assign(served, {
    async become(folder: string) {
      files = await readLab(folder);
    },
  });
}

/** The page as a host gives it that knows nothing of it: under a path, with types and no other header. */
export async function plainSite(folder: string): Promise<Site> {
  const base = "/some/where/lab/";
  const files: LabFiles = await readLab(folder);
  return site(base, (request) => {
    const { pathname } = new URL(request.url);
    const file = pathname.startsWith(base) ? files.get(`/${pathname.slice(base.length)}`) : undefined;
    if (file === undefined) return new Response("not found", { status: 404 });
    return new Response(file.content, { headers: { "content-type": file.type } });
  });
}
