/** `Uint8Array.fromBase64` where the runtime has it (2025), else by way of atob. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const { fromBase64 } = Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> };
  return fromBase64?.call(Uint8Array, text) ?? bytesOfLatin1(atob(text));
}

/** The other way, by way of btoa: it is for files, of which one is written at a time. */
export const toBase64 = (bytes: Uint8Array): string => btoa(latin1(bytes));

/** Bytes as the letters of these numbers, not by TextDecoder, whose latin1 has others from 128 to 159. */
export const latin1 = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
export const bytesOfLatin1 = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** The SHA-256 of bytes, in hexadecimal digits. Not by `Uint8Array.prototype.toHex`, which Node lacks up to version 24. */
export async function sha256(bytes: BufferSource): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
