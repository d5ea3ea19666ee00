/** Texts as programs on Windows, macOS and Linux save them. */
import { assertEquals, assertThrows } from "@std/assert";
import { decodeText } from "../../src/common/text.ts";

const TEXT = "a,b\r\n1,2\r\nü,2\r\n";

/** UTF-16 of a text, with the mark if it begins with one. */
function utf16(text: string, littleEndian: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(2 * text.length));
  for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i), littleEndian);
  return new Uint8Array(view.buffer);
}

const utf8 = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => decodeText(bytes, (reason) => new Error(reason));

for (
  const [name, bytes] of [
    ["UTF-8", utf8(TEXT)],
    ["UTF-8 with a byte order mark", utf8(`\uFEFF${TEXT}`)],
    ["UTF-16, little-endian, with its mark, as Excel and PowerShell write it", utf16(`\uFEFF${TEXT}`, true)],
    ["UTF-16, big-endian, with its mark", utf16(`\uFEFF${TEXT}`, false)],
    ["UTF-16, little-endian, without a mark", utf16(TEXT, true)],
    ["UTF-16, big-endian, without a mark", utf16(TEXT, false)],
  ] as const
) {
  Deno.test(`decodeText() reads ${name}`, () => assertEquals(decode(bytes), TEXT));
}

Deno.test("decodeText() reads an empty file, and one of one byte", () => {
  assertEquals(decode(new Uint8Array()), "");
  assertEquals(decode(utf8("a")), "a");
  assertEquals(decode(utf8("\uFEFF")), "");
});

Deno.test("decodeText() replaces bytes of other encodings, so that their columns need not matter", () => {
  assertEquals(decode(Uint8Array.of(0x61, 0x2c, 0xe9, 0x0a)), "a,\uFFFD\n");
});

for (
  const [name, bytes, reason] of [
    ["a workbook", [0x50, 0x4b, 3, 4, 20, 0], "as workbooks of Excel and LibreOffice are: save it as CSV"],
    ["an old workbook", [0xd0, 0xcf, 0x11, 0xe0, 0xa1], "it is a workbook of an old Excel"],
    ["gzip", [0x1f, 0x8b, 8, 0], "it is compressed by gzip: unpack it"],
    ["a PDF document", [...utf8("%PDF-1.7\n")], "it is a PDF document"],
    ["other binary data", [0x61, 0x62, 0, 0x63], "it is not text: it has zero bytes"],
  ] as const
) {
  Deno.test(`decodeText() says that ${name} is not text`, () => {
    assertThrows(() => decode(Uint8Array.from(bytes)), Error, reason);
  });
}
