/**
 * The HTTP headers of the lab page: what its scripts may do, and what isolates it so that its threads can share memory.
 *
 * @module
 */

/**
 * Scripts, workers and connections of the page's own host alone, nothing inline. Blobs are workers because the threads of engine and prover are
 * made of text; `wasm-unsafe-eval` compiles WebAssembly and no script.
 */
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

/** What makes a page isolated, without which it has no shared memory. */
export const ISOLATION_HEADERS: Readonly<Record<string, string>> = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
};

/** All headers of every answer, errors included. */
export const HEADERS: Readonly<Record<string, string>> = {
  ...ISOLATION_HEADERS,
  // a page cannot forbid by itself to be framed: this directive counts in a header only
  "content-security-policy": `${CONTENT_SECURITY_POLICY}; frame-ancestors 'none'`,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};
