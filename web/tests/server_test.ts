/** The lab's server gives its files to this machine, and nothing else to anybody. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { CONTENT_SECURITY_POLICY, EMBEDDED, headersOf } from "../../src/lab/headers.ts";
import { LabError, readLab, serveLab } from "../../src/lab/server.ts";

const PAGE = "<!doctype html><title>the page</title>";
const SCRIPT = `export const text = "${"tiny adder ".repeat(100)}";`;
const SECRET = "what must not be read";

let outer: string;
let server: Deno.HttpServer<Deno.NetAddr>;

Deno.test.beforeAll(async () => {
  outer = await Deno.makeTempDir({ prefix: "tiny-adder-lab-server-" });
  await Deno.mkdir(`${outer}/site/inner`, { recursive: true });
  await Deno.writeTextFile(`${outer}/secret.txt`, SECRET);
  await Deno.writeTextFile(`${outer}/site/inner/secret.txt`, SECRET);
  await Deno.writeTextFile(`${outer}/site/index.html`, PAGE);
  await Deno.writeTextFile(`${outer}/site/main.js`, SCRIPT);
  await Deno.writeTextFile(`${outer}/site${EMBEDDED}`, PAGE);
  await Deno.symlink(`${outer}/secret.txt`, `${outer}/site/link.txt`);
  server = serveLab(await readLab(`${outer}/site`), 0);
});

Deno.test.afterAll(async () => {
  await server.shutdown();
  await Deno.remove(outer, { recursive: true });
});

/** Sends bytes as they are: `fetch` would tidy a hostile request up before it leaves. */
async function raw(request: string): Promise<{ status: number; head: string; body: string }> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
  await connection.write(new TextEncoder().encode(request));
  const response = await new Response(connection.readable).text();
  const at = response.indexOf("\r\n\r\n");
  return { status: Number(response.split(" ")[1]), head: response.slice(0, at), body: response.slice(at + 4) };
}

function get(path: string, host = "localhost"): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
}

Deno.test("the server listens on the loopback interface alone", () => {
  assertEquals(server.addr.hostname, "127.0.0.1");
});

Deno.test("the server gives the page and its files, with their types", async () => {
  const page = await raw(get("/"));
  assertEquals([page.status, page.body], [200, PAGE]);
  assert(/content-type: text\/html; charset=utf-8/i.test(page.head));
  const script = await raw(get("/main.js"));
  assertEquals([script.status, script.body], [200, SCRIPT]);
  assert(/content-type: text\/javascript/i.test(script.head));
});

for (
  const path of [
    "/../secret.txt",
    "/../../../../../../etc/passwd",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/%2e%2e%2fsecret.txt",
    "/%252e%252e%252fsecret.txt",
    "/..\\secret.txt",
    "/..%5csecret.txt",
    "/....//secret.txt",
    "//etc/passwd",
    "/inner/secret.txt",
    "/inner",
    "/link.txt",
    "/main.js/../../secret.txt",
    "/main.js%00.html",
    "/main.js/",
    "/MAIN.JS",
    "/__proto__",
    "/constructor",
    "file:///etc/passwd",
    `/${"a/".repeat(2000)}`,
    "/%",
    "/%ff%fe",
  ]
) {
  const name = path.length > 60 ? `${path.slice(0, 20)}… (${path.length} characters)` : path;
  Deno.test(`the server gives nothing for ${JSON.stringify(name)}`, async () => {
    const { status, body } = await raw(get(path));
    assert(status >= 400 && status < 500, `status ${status}`);
    assert(!body.includes(SECRET) && !body.includes("root:"), body);
  });
}

Deno.test("the server answers to this machine's names alone, against DNS rebinding", async () => {
  for (
    const host of ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example"]
  ) {
    const { status, body } = await raw(get("/", host));
    assert(status === 421 || status === 400, `${host}: ${status}`);
    assert(!body.includes("the page"), host);
  }
  for (const host of ["localhost", `localhost:${server.addr.port}`, "127.0.0.1:80", "[::1]:80"]) {
    assertEquals((await raw(get("/", host))).status, 200, host);
  }
});

Deno.test("the server changes nothing: other methods than GET and HEAD are refused", async () => {
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"]) {
    const { status, head } = await raw(
      `${method} /main.js HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nConnection: close\r\n\r\nabcd`,
    );
    assertEquals(status, 405, method);
    assert(/allow: GET, HEAD/i.test(head), method);
  }
  const { status, body } = await raw("HEAD /main.js HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  assertEquals([status, body], [200, ""]);
});

Deno.test("every answer, errors included, isolates the page and forbids what it does not need", async () => {
  const answers = [get("/"), get("/main.js"), get("/nothing"), get("/", "evil.example")];
  for (const request of answers) {
    const { head } = await raw(request);
    for (const [name, value] of Object.entries(headersOf("/"))) {
      assert(head.toLowerCase().includes(`${name}: ${value}`.toLowerCase()), `${name} in ${head}`);
    }
  }
  assertEquals(headersOf("/")["x-content-type-options"], "nosniff");
  const scripts = CONTENT_SECURITY_POLICY.split("; ").find((directive) => directive.startsWith("script-src"))!;
  assert(!/unsafe-inline|unsafe-eval'(?<!wasm-unsafe-eval')|\*|https?:|data:/.test(scripts), scripts);
});

Deno.test("other sites may frame the embedded page, and no other file", async () => {
  for (const [path, ancestors, policy] of [[EMBEDDED, "*", "cross-origin"], ["/", "'none'", "same-origin"]]) {
    const { status, head } = await raw(get(path));
    assertEquals(status, 200);
    assert(head.includes(`frame-ancestors ${ancestors}\r\n`), head);
    assert(head.includes(`cross-origin-resource-policy: ${policy}\r\n`), head);
  }
  assert(headersOf("/embed.html.js")["content-security-policy"].endsWith("frame-ancestors 'none'"));
});

Deno.test("the server compresses where that is smaller, and sends nothing where nothing has changed", async () => {
  const url = `http://127.0.0.1:${server.addr.port}/main.js`;
  const first = await fetch(url, { headers: { "accept-encoding": "br;q=1, gzip;q=0.5" } });
  assertEquals(await first.text(), SCRIPT); // fetch unpacks it
  const packed = await raw(
    `GET /main.js HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n`,
  );
  assert(/content-encoding: gzip/i.test(packed.head));
  assert(packed.body.length < SCRIPT.length / 2);
  const again = await fetch(url, { headers: { "if-none-match": first.headers.get("etag")! } });
  assertEquals([again.status, await again.text()], [304, ""]);
});

Deno.test("a folder without a page, and a port that is taken, are errors that say what to do", async () => {
  const missing = await assertRejects(() => readLab(`${outer}/nowhere`), LabError);
  assert(missing.message.includes("deno task lab:build"), missing.message);
  await assertRejects(() => readLab(`${outer}/site/inner`), LabError, "must hold the built page");
  const files = await readLab(`${outer}/site`);
  assertThrows(() => serveLab(files, server.addr.port), LabError, "must be free");
});
