import { assertEquals } from "@std/assert";
import { encodeMessage } from "../../../src/checkpoint/common/protobuf.ts";

// the first two are those of https://protobuf.dev/programming-guides/encoding/
Deno.test("fields are encoded as the guide of Protocol Buffers shows it", () => {
  assertEquals(encodeMessage({ 1: 150 }), Uint8Array.of(0x08, 0x96, 0x01));
  assertEquals(encodeMessage({ 2: "testing" }), Uint8Array.of(0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67));
  assertEquals(encodeMessage({ 3: { 1: 150 } }), Uint8Array.of(0x1a, 0x03, 0x08, 0x96, 0x01));
  assertEquals(encodeMessage({ 2: Float32Array.of(1) }), Uint8Array.of(0x15, 0x00, 0x00, 0x80, 0x3f));
  assertEquals(encodeMessage({ 1: Float64Array.of(1) }), Uint8Array.of(0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f));
  assertEquals(
    encodeMessage({ 4: [1, 2], 5: undefined, 2: Uint8Array.of(7) }),
    Uint8Array.of(0x12, 1, 7, 32, 1, 32, 2),
  );
});

Deno.test("a varint has seven bits a byte", () => {
  const varint = (value: number) => [...encodeMessage({ 1: value })].slice(1);
  assertEquals([0, 127, 128, 300, 16_384].map(varint), [[0], [0x7f], [0x80, 1], [0xac, 2], [0x80, 0x80, 1]]);
  assertEquals(varint(-1), [...Array(9).fill(0xff), 1]);
});
