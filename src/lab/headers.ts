/**
 * Allows scripts, workers and connections of the page's own host only, and nothing inline. Workers may be blobs because engine and prover start their
 * threads from source text. `wasm-unsafe-eval` allows compiling WebAssembly, but no scripts.
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

/** Isolate a page from others; only then its threads can share memory. */
export const ISOLATION_HEADERS: Readonly<Record<string, string>> = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
};

/** The headers of every response, errors included. */
export const HEADERS: Readonly<Record<string, string>> = {
  ...ISOLATION_HEADERS,
  // `frame-ancestors` works only in a header, not in the page
  "content-security-policy": `${CONTENT_SECURITY_POLICY}; frame-ancestors 'none'`,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};
