/** Allows the page's own host only, and nothing inline. Workers may be blobs because engine and prover start their threads from source text. `wasm-unsafe-eval` allows compiling WebAssembly, but no scripts. */
export const CONTENT_SECURITY_POLICY: string = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** The only page that other sites may show in a frame. */
export const EMBEDDED = "/embed.html";

/** Isolate a page from others; only then its threads can share memory. */
export function isolationHeaders(path: string): Record<string, string> {
  return {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": path.endsWith(EMBEDDED) ? "cross-origin" : "same-origin",
  };
}

/** The headers of the response for a path, errors included. */
export function headersOf(path: string): Record<string, string> {
  return {
    ...isolationHeaders(path),
    // `frame-ancestors` works only in a header, not in the page
    "content-security-policy": `${CONTENT_SECURITY_POLICY}; frame-ancestors ${path === EMBEDDED ? "*" : "'none'"}`,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
  };
}
