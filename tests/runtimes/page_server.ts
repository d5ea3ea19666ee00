/** A server on the loopback interface that gives a browser a page, and gets the page's report. */

// what makes a page isolated, without which it has no shared memory
const ISOLATION = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

export interface PageOptions {
  /** JavaScript that exports what is called. */
  bundle: string;
  /** The call: a function of the bundle, and its arguments. */
  call: readonly [name: string, ...args: number[]];
  /** Whether the page is isolated. */
  isolated: boolean;
  /** Where it is called: on the page's main thread, or in a dedicated worker. */
  where: "page" | "worker";
  /** The Content-Security-Policy of the page, which loads its script from a file. */
  policy?: string;
  /** JSON that the page finds at `/asked.json`. */
  asked?: unknown;
  /** Flags of Chromium besides the usual ones, without its `--disable-gpu`. */
  gpuFlags?: readonly string[];
  /** Milliseconds after which Chromium is ended without a report. @default {60_000} */
  timeLimit?: number;
}

/** A server on the loopback interface whose page calls a function of the bundle. */
export function servePage<T>({ bundle, call: [name, ...args], isolated, where, asked, policy }: PageOptions) {
  const { promise: report, resolve, reject } = Promise.withResolvers<T>();
  const caller = `
    import { ${name} } from "/bundle.js";
    const send = (report) => fetch("/report", { method: "POST", body: JSON.stringify(report) });
    await ${name}(${args}).then(send, (error) => send({ error: error.stack }));
  `;
  const start = where === "page" ? `import "/caller.js"` : `new Worker("/caller.js", { type: "module" })`;
  const files: Record<string, [type: string, content: string]> = {
    "/": ["text/html", `<!doctype html><script type="module" src="/start.js"></script>`],
    "/start.js": ["text/javascript", start],
    "/caller.js": ["text/javascript", caller],
    "/bundle.js": ["text/javascript", bundle],
    "/asked.json": ["application/json", JSON.stringify(asked ?? null)],
  };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/report") {
      const { error, ...evidence } = await request.json();
      if (error === undefined) resolve(evidence as T);
      else reject(new Error(`Cannot take evidence as the page failed: ${error}`));
      return new Response(null, { status: 204 });
    }
    const file = files[pathname];
    if (file === undefined) return new Response(null, { status: 404 });
    return new Response(file[1], {
      headers: {
        "content-type": file[0],
        ...(isolated ? ISOLATION : {}),
        ...(policy && { "content-security-policy": policy }),
      },
    });
  });
  return { server, report };
}
