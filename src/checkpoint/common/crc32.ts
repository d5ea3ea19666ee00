/** For each byte, what eight divisions by a polynomial leave of it. */
function remainders(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ polynomial : rest >>> 1;
    return rest;
  });
}

function checksum(bytes: Uint8Array, table: Uint32Array): number {
  let rest = 0xffffffff;
  for (const byte of bytes) rest = (rest >>> 8) ^ table[(rest ^ byte) & 0xff];
  return (rest ^ 0xffffffff) >>> 0;
}

const ISO_3309 = remainders(0xedb88320);
const CASTAGNOLI = remainders(0x82f63b78);

/** CRC-32 as in ISO 3309, a whole number in [0, 2^32). */
export function crc32(bytes: Uint8Array): number {
  return checksum(bytes, ISO_3309);
}

/** CRC-32C as in RFC 3720, section 12.1, a whole number in [0, 2^32). */
export function crc32c(bytes: Uint8Array): number {
  return checksum(bytes, CASTAGNOLI);
}
