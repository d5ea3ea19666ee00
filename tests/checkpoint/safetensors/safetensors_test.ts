import { assert, assertEquals, assertThrows } from "@std/assert";
import { CheckpointError } from "../../../src/checkpoint/common/error.ts";
import { decodeSafetensors, encodeSafetensors } from "../../../src/checkpoint/safetensors/safetensors.ts";

/** A file of any header and any data, with the length that the header has unless another is given. */
function container(
  header: string | Uint8Array,
  { data = 0, length }: { data?: number; length?: bigint } = {},
): Uint8Array {
  const json = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + json.length + data);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

function entry(begin: number, end: number, shape = `[${(end - begin) / 4}]`): string {
  return `{"dtype":"F32","shape":${shape},"data_offsets":[${begin},${end}]}`;
}

const WEIGHT = { name: "weight", shape: [2, 3], values: Float32Array.of(1, -2, 0.1, 3e38, 1e-45, 0) };
const SCALE = { name: "scale", shape: [], values: Float32Array.of(0.5) };

Deno.test("encodeSafetensors() writes the bytes of the format", () => {
  const bytes = encodeSafetensors({ tensors: [WEIGHT, SCALE], metadata: { b: "2", a: "ü" } });
  const header = '{"__metadata__":{"a":"ü","b":"2"},' +
    '"weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},' +
    '"scale":{"dtype":"F32","shape":[],"data_offsets":[24,28]}}';
  const padded = header.padEnd(header.length + 7 - header.length % 8, " "); // ü has two bytes
  const length = new TextEncoder().encode(padded).length;
  assertEquals(length % 8, 0);
  assertEquals(new DataView(bytes.buffer).getBigUint64(0, true), BigInt(length));
  assertEquals(new TextDecoder().decode(bytes.subarray(8, 8 + length)), padded);
  assertEquals(new Float32Array(bytes.slice(8 + length).buffer), Float32Array.of(...WEIGHT.values, ...SCALE.values));
});

Deno.test("encodeSafetensors() writes the same bytes whatever the order of the metadata", () => {
  const tensors = [WEIGHT];
  assertEquals(
    encodeSafetensors({ tensors, metadata: { seed: "1", model: "763" } }),
    encodeSafetensors({ tensors, metadata: { model: "763", seed: "1" } }),
  );
});

const UNWRITABLE: [what: string, input: Parameters<typeof encodeSafetensors>[0], message: string][] = [
  ["a name twice", { tensors: [SCALE, SCALE] }, 'every tensor must have a name of its own: "scale" is taken'],
  ["a reserved name", { tensors: [{ ...SCALE, name: "__metadata__" }] }, '"__metadata__" is taken'],
  [
    "a shape that does not fit",
    { tensors: [{ ...SCALE, shape: [2] }] },
    "of shape [2] must have 2 values: current length is 1",
  ],
  [
    "NaN",
    { tensors: [{ ...SCALE, values: Float32Array.of(NaN) }] },
    "tensor scale must hold finite numbers: value 0 is NaN",
  ],
  [
    "a header too long to be read",
    { tensors: [], metadata: { long: "x".repeat(2 ** 20) } },
    "must have at most 1048576 bytes",
  ],
];
for (const [what, input, message] of UNWRITABLE) {
  Deno.test(`encodeSafetensors() refuses ${what}`, () => {
    assertThrows(() => encodeSafetensors(input), CheckpointError, message);
  });
}

Deno.test("the longest header that is read can be written", () => {
  const room = 2 ** 20 - JSON.stringify({ __metadata__: { long: "" } }).length;
  const metadata = { long: "x".repeat(room) };
  assertEquals(decodeSafetensors(encodeSafetensors({ tensors: [], metadata })).metadata, metadata);
});

Deno.test("decodeSafetensors() gives back what encodeSafetensors() was given", () => {
  const metadata = { step: "100", quote: '"\\\n', "": "empty" };
  const content = decodeSafetensors(encodeSafetensors({ tensors: [WEIGHT, SCALE], metadata }));
  assertEquals(content, { tensors: [{ ...WEIGHT, dtype: "F32" }, { ...SCALE, dtype: "F32" }], metadata });
});

Deno.test("decodeSafetensors() reads a file without tensors and without metadata", () => {
  const file = encodeSafetensors({ tensors: [], metadata: {} });
  assertEquals(new TextDecoder().decode(file.subarray(8)), "{}      ");
  assertEquals(decodeSafetensors(file), { tensors: [], metadata: {} });
});

Deno.test("decodeSafetensors() reads tensors that are empty", () => {
  const header = `{"b":${entry(0, 4)},"a":${entry(0, 0, "[3,0]")},"c":${entry(4, 4)}}`;
  const names = decodeSafetensors(container(header, { data: 4 })).tensors.map(({ name }) => name);
  assertEquals(names, ["a", "b", "c"]);
});

Deno.test("decodeSafetensors() reads unaligned bytes, and keeps no hold of them", () => {
  const bytes = encodeSafetensors({ tensors: [WEIGHT] });
  for (let shift = 1; shift < 8; shift++) {
    const shifted = new Uint8Array(bytes.length + shift).subarray(shift);
    shifted.set(bytes);
    const [{ values }] = decodeSafetensors(shifted).tensors;
    shifted.fill(0xff);
    assertEquals(values, WEIGHT.values);
  }
});

Deno.test("decodeSafetensors() gives tensors in the order of their data, not of the header", () => {
  const header = `{"second":${entry(4, 12)},"first":${entry(0, 4)}}`;
  const names = decodeSafetensors(container(header, { data: 12 })).tensors.map(({ name }) => name);
  assertEquals(names, ["first", "second"]);
});

Deno.test("decodeSafetensors() takes __proto__ for a name like any other", () => {
  const header = `{"__metadata__":{"__proto__":"text"},"__proto__":${entry(0, 4)}}`;
  const { tensors, metadata } = decodeSafetensors(container(header, { data: 4 }));
  assertEquals(tensors.map(({ name }) => name), ["__proto__"]);
  assertEquals(Object.entries(metadata), [["__proto__", "text"]]);
  assert(Object.getPrototypeOf(metadata) === Object.prototype);
  const again = decodeSafetensors(encodeSafetensors({ tensors, metadata }));
  assertEquals(again.tensors, tensors);
});

Deno.test("decodeSafetensors() takes null for no metadata, as the format's own reader does", () => {
  assertEquals(decodeSafetensors(container('{"__metadata__":null}')), { tensors: [], metadata: {} });
});

const NAN = container(`{"w":${entry(0, 8)}}`, { data: 8 });
new DataView(NAN.buffer).setFloat32(NAN.length - 4, NaN, true);
const INFINITE = container(`{"w":${entry(0, 8)}}`, { data: 8 });
new DataView(INFINITE.buffer).setFloat32(INFINITE.length - 8, -Infinity, true);

const MALFORMED: [what: string, bytes: Uint8Array, message: string][] = [
  ["no bytes", new Uint8Array(), "as a safetensors file has at least 8 bytes: the file holds 0"],
  ["seven bytes", new Uint8Array(7), "as a safetensors file has at least 8 bytes: the file holds 7"],
  ["a header of no bytes", container(""), "its header must be JSON in UTF-8"],
  [
    "a zip archive",
    container("", { length: 0x0000080800_04_03_4b_50n }),
    "it must be a safetensors file: it is a ZIP file, as torch.save writes",
  ],
  ["a header of 2^64 - 1 bytes", container("{}", { length: 2n ** 64n - 1n }), "announces 18446744073709551615"],
  ["a header longer than the file", container("{}", { length: 3n }), "announces a header of 3 bytes: the file holds 2"],
  ["a header shorter than it is", container("{} ", { length: 2n }), "promises 0 bytes of tensors: the file holds 1"],
  ["what is no JSON", container("{"), "its header must be JSON in UTF-8"],
  ["NaN in JSON", container('{"w":NaN}'), "its header must be JSON in UTF-8"],
  ["what is no UTF-8", container(Uint8Array.of(0x7b, 0xff, 0x7d)), "its header must be JSON in UTF-8"],
  ["a byte order mark", container("\uFEFF{}"), "its header must be JSON in UTF-8"],
  ["deep nesting", container("[".repeat(2 ** 19)), "its header must be JSON in UTF-8"],
  ["a list", container("[]"), "its header must be a JSON object: current value is []"],
  ["null", container("null"), "its header must be a JSON object: current value is null"],
  ["a number", container("8"), "its header must be a JSON object: current value is 8"],
  [
    "metadata that is a list",
    container('{"__metadata__":[]}'),
    "its __metadata__ must be a JSON object: current value is []",
  ],
  [
    "metadata of numbers",
    container('{"__metadata__":{"n":1}}'),
    'must hold strings only, also at "n": current value is 1',
  ],
  [
    "a tensor that is text",
    container('{"w":"F32"}'),
    'tensor w must be described by a JSON object: current value is "F32"',
  ],
  ["an empty description", container('{"w":{}}'), "tensor w must have a dtype: current value is missing"],
  [
    "whole numbers",
    container('{"w":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}', { data: 8 }),
    'tensor w must be of float32, float16, bfloat16 or float64: current type is "int64"',
  ],
  [
    "a type that is not known",
    container('{"w":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}', { data: 1 }),
    'tensor w must be of float32, float16, bfloat16 or float64: current type is "F8_E4M3"',
  ],
  [
    "a negative extent",
    container(`{"w":${entry(0, 4, "[-1,-1]")}}`, { data: 4 }),
    "as its shape: current value is [-1,-1]",
  ],
  [
    "half an extent",
    container(`{"w":${entry(0, 4, "[0.5,2]")}}`, { data: 4 }),
    "as its shape: current value is [0.5,2]",
  ],
  ["a shape that is text", container(`{"w":${entry(0, 4, '"1"')}}`, { data: 4 }), 'as its shape: current value is "1"'],
  ["a shape of text", container(`{"w":${entry(0, 4, '["1"]')}}`, { data: 4 }), 'as its shape: current value is ["1"]'],
  [
    "a shape larger than its bytes",
    container(`{"w":${entry(0, 4, "[2]")}}`, { data: 4 }),
    "tensor w of shape [2] must have 8 bytes: current size is 4",
  ],
  [
    "a shape larger than any memory",
    container(`{"w":${entry(0, 4, "[9007199254740991,9007199254740991]")}}`, { data: 4 }),
    "tensor w of shape [9007199254740991,9007199254740991] must have 3.24",
  ],
  [
    "one offset",
    container('{"w":{"dtype":"F32","shape":[1],"data_offsets":[4]}}', { data: 4 }),
    "as its data_offsets, the first not above the second: current value is [4]",
  ],
  [
    "offsets that run backwards",
    container('{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', { data: 4 }),
    "as its data_offsets, the first not above the second: current value is [4,0]",
  ],
  [
    "offsets past the end",
    container(`{"w":${entry(0, 8)}}`, { data: 4 }),
    "its header promises 8 bytes of tensors: the file holds 4",
  ],
  [
    "offsets past 2^53",
    container(`{"w":${entry(0, 2 ** 60, "[1]")}}`, { data: 4 }),
    "current value is [0,1152921504606847000]",
  ],
  [
    "data that no tensor has",
    container(`{"w":${entry(0, 4)}}`, { data: 8 }),
    "its header promises 4 bytes of tensors: the file holds 8",
  ],
  [
    "tensors that overlap",
    container(`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, { data: 12 }),
    "tensor b must begin where the one before it ends, at byte 8: current value is 4",
  ],
  [
    "tensors that are the same bytes",
    container(`{"a":${entry(0, 4)},"b":${entry(0, 4)}}`, { data: 4 }),
    "tensor b must begin where the one before it ends, at byte 4: current value is 0",
  ],
  [
    "a gap between tensors",
    container(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, { data: 12 }),
    "tensor b must begin where the one before it ends, at byte 4: current value is 8",
  ],
  ["a gap before the first tensor", container(`{"a":${entry(4, 8)}}`, { data: 8 }), "at byte 0: current value is 4"],
  [
    "a name twice",
    container(`{"w":${entry(0, 4)},"w":${entry(0, 4)}}`, { data: 4 }),
    'its header must name every key once: "w" stands twice in one object',
  ],
  [
    "a name twice, once in disguise",
    container(`{"w":${entry(0, 4)},"\\u0077" :${entry(0, 4)}}`, { data: 4 }),
    'its header must name every key once: "w" stands twice in one object',
  ],
  [
    "a key of the metadata twice",
    container('{"__metadata__":{"\\"seed":"1","\\"seed":"2"}}'),
    "stands twice in one object",
  ],
  ["NaN", NAN, "tensor w must hold finite numbers: value 1 is NaN"],
  ["an infinite value", INFINITE, "tensor w must hold finite numbers: value 0 is -Infinity"],
  [
    "a name that would write to a terminal",
    container('{"\\u001b[2J":1}'),
    'tensor "\\u001b[2J" must be described by a JSON object',
  ],
];
for (const [what, bytes, message] of MALFORMED) {
  Deno.test(`decodeSafetensors() refuses ${what}`, () => {
    const error = assertThrows(() => decodeSafetensors(bytes, { source: "a.safetensors" }), CheckpointError, message);
    assert(error.message.startsWith("Cannot read a.safetensors as "), error.message);
    assertEquals(error.name, "CheckpointError");
  });
}

Deno.test("decodeSafetensors() refuses every file that ends too early", () => {
  const bytes = encodeSafetensors({ tensors: [WEIGHT, SCALE], metadata: { a: "1" } });
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => decodeSafetensors(bytes.subarray(0, length)), CheckpointError, "Cannot read the checkpoint as ");
  }
});

Deno.test("decodeSafetensors() answers every flipped bit with a CheckpointError or with other content", () => {
  const bytes = encodeSafetensors({ tensors: [WEIGHT, SCALE], metadata: { a: "1" } });
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] ^= 1 << (bit & 7);
    try {
      decodeSafetensors(flipped);
    } catch (error) {
      assert(error instanceof CheckpointError, `bit ${bit}: ${error}`);
    }
  }
});
