/** A checksum in [0, 2^32): the rest of a division by a polynomial. */
function checksum(polynomial: number): (bytes: Uint8Array) => number {
  /** For each byte, what eight divisions leave of it. */
  const remainders = Uint32Array.from({ length: 256 }, (_, byte) => {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ polynomial : rest >>> 1;
    return rest;
  });
  return (bytes) => {
    let rest = 0xffffffff;
    for (const byte of bytes) rest = (rest >>> 8) ^ remainders[(rest ^ byte) & 0xff];
    return (rest ^ 0xffffffff) >>> 0;
  };
}

/** CRC-32 as in ISO 3309. */
export const crc32 = checksum(0xedb88320);
/** CRC-32C as in RFC 3720, section 12.1. */
export const crc32c = checksum(0x82f63b78);
