/**
 * How right inputs are made wrong.
 *
 * @module
 */
import { concatenate } from "../../src/checkpoint/common/bytes.ts";
import type { Random } from "./random.ts";

const LENGTHS = [
  0n,
  1n,
  7n,
  8n,
  255n,
  65536n,
  2n ** 20n,
  2n ** 20n + 1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** Values of JSON that nobody expects. */
const ODD_VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -0, -1, 1, 1.5, 2 ** 31, 2 ** 32, 2 ** 53, 1e308, -1e308, 1e-320],
  ...["", "0", "F32", "__proto__", "constructor", "\u0000", "\ud800", "x".repeat(5000)],
  ...[[], {}, [[]], [0, 0], [1, 0, 2], [[[[[[[[]]]]]]]], { length: 1e9 }, { "": 1 }, Array(300).fill(0)],
];

const ODD_TEXTS = [
  ...[
    ",",
    '"',
    '""',
    "\n",
    "\r",
    "\r\n",
    "\t",
    " ",
    "\0",
    "\ufeff",
    "\ud800",
    "😀",
    "٤",
    "-",
    "+",
    ".",
    "e9",
    "0x",
    "--",
    "=",
    "\\",
  ],
  ...[
    "9999999999",
    "10000000000",
    "99999999999999999999999999",
    "a,b",
    "sum",
    "null",
    "NaN",
    "Infinity",
    "__proto__",
    "9".repeat(400),
  ],
];

/** Between none and a few changes: small ones are more likely to get far. */
function changes(random: Random): number {
  return random.of([0, 1, 1, 1, 2, 2, 3, 5, 8]);
}

/** Bytes with some of them changed, gone, repeated, or of another input. */
export function mutateBytes(random: Random, corpus: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let bytes = Uint8Array.from(random.of(corpus));
  for (let left = changes(random); left > 0; left--) {
    const at = random.below(bytes.length + 1);
    const length = random.oneIn(4) ? random.below(bytes.length + 1) : random.below(16);
    switch (random.below(7)) {
      case 0:
        if (bytes.length > 0) bytes[random.below(bytes.length)] ^= 1 << random.below(8);
        break;
      case 1:
        bytes.fill(random.of([0, 1, 0x20, 0x22, 0x7f, 0x80, 0xff, random.below(256)]), at, at + length);
        break;
      case 2:
        bytes = concatenate([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 3:
        bytes = concatenate([bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at)]);
        break;
      case 4:
        bytes = bytes.slice(0, at);
        break;
      case 5: {
        const other = random.of(corpus);
        bytes = concatenate([bytes.subarray(0, at), other.subarray(random.below(other.length + 1))]);
        break;
      }
      default:
        if (bytes.length < 8) break;
        new DataView(bytes.buffer).setBigUint64(
          random.oneIn(2) ? 0 : random.below(bytes.length - 7),
          random.of(LENGTHS),
          true,
        );
    }
  }
  return bytes;
}

/** Text with some of it changed. */
export function mutateText(random: Random, corpus: readonly string[]): string {
  let text = random.of(corpus);
  for (let left = changes(random); left > 0; left--) {
    const at = random.below(text.length + 1);
    const length = random.oneIn(4) ? random.below(text.length + 1) : random.below(8);
    const [before, part, after] = [text.slice(0, at), text.slice(at, at + length), text.slice(at + length)];
    switch (random.below(5)) {
      case 0:
        text = before + random.of(ODD_TEXTS) + part + after;
        break;
      case 1:
        text = before + random.of(ODD_TEXTS) + after;
        break;
      case 2:
        text = before + after;
        break;
      case 3:
        text = before + part + part + after;
        break;
      default:
        text = before + random.of(corpus).slice(random.below(20));
    }
  }
  return text;
}

/** A value of JSON, some parts of which are another one, gone or repeated. The original is not changed. */
export function mutateJson(random: Random, value: unknown): unknown {
  let root = structuredClone(value);
  for (let left = changes(random); left > 0; left--) {
    // goes down from the root and stops somewhere
    let holder: Record<string, unknown> | undefined;
    let key = "";
    let node = root;
    while (typeof node === "object" && node !== null && Object.keys(node).length > 0 && !(holder && random.oneIn(5))) {
      holder = node as Record<string, unknown>;
      key = random.of(Object.keys(holder));
      node = holder[key];
    }
    if (holder === undefined) root = random.of(ODD_VALUES);
    else if (random.oneIn(6)) {
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      // deno-lint-ignore no-dupe-else-if -- the dice are thrown anew
    } else if (random.oneIn(6)) {
      if (Array.isArray(holder)) holder.push(structuredClone(node));
      else holder[random.of([`${key}2`, "__metadata__", "a"])] = structuredClone(node);
    } else if (typeof node === "number" && random.oneIn(2)) {
      holder[key] = random.of([node + 1, node - 1, -node, node * 4, node / 3, node + 1e-9]);
    } else holder[key] = structuredClone(random.of(ODD_VALUES));
  }
  return root;
}
