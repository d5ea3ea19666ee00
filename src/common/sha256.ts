/** The SHA-256 of bytes, in hexadecimal digits. Not by `Uint8Array.prototype.toHex`, which Node lacks up to version 24. */
export async function sha256(bytes: BufferSource): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
