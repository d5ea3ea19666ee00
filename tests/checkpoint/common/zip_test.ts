import { assertEquals, assertThrows } from "@std/assert";
import { crc32 } from "../../../src/checkpoint/common/crc32.ts";
import { CheckpointError } from "../../../src/checkpoint/common/error.ts";
import { looksLikeZip, readZip, writeZip } from "../../../src/checkpoint/common/zip.ts";
import { outputOf, testIn } from "../../runtimes/program.ts";
import { temporaryFolder } from "../../cli/tiny_adder.ts";

const ENTRIES: [string, Uint8Array<ArrayBuffer>][] = [
  ["a/data.pkl", new TextEncoder().encode("hello")],
  ["a/data/0", new Uint8Array(100).fill(7)],
  ["a/empty", new Uint8Array()],
];

Deno.test("crc32() gives the check value of the catalogue", () => {
  assertEquals(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
  assertEquals(crc32(new Uint8Array()), 0);
});

Deno.test("looksLikeZip() looks at the first four bytes, if there are so many", () => {
  const begin = [0x50, 0x4b, 0x03, 0x04];
  assertEquals(
    [begin, [...begin, 1], begin.slice(0, 3), [0x50, 0x4b, 0x05, 0x06]].map((b) => looksLikeZip(Uint8Array.from(b))),
    [true, true, false, false],
  );
});

Deno.test("readZip() gives back what writeZip() was given, and contents begin at multiples of 64", () => {
  const bytes = writeZip(ENTRIES);
  const read = readZip(bytes, "read it");
  assertEquals([...read].map(([name, content]) => [name, content.slice()]), ENTRIES);
  for (const content of read.values()) assertEquals(content.byteOffset % 64, 0);
});

testIn("python", "Python's zipfile finds no fault with what writeZip() wrote", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/test.zip`;
  await Deno.writeFile(path, writeZip(ENTRIES));
  const script = `import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
print(z.testzip(), [(i.filename, i.date_time, i.compress_type, i.flag_bits) for i in z.infolist()])`;
  const date = "(1980, 1, 1, 0, 0, 0), 0, 2048"; // not compressed, names in UTF-8
  assertEquals(
    await outputOf("python", ["-c", script, path]),
    `None [('a/data.pkl', ${date}), ('a/data/0', ${date}), ('a/empty', ${date})]\n`,
  );
});

testIn("python", "readZip() reads what Python's zipfile wrote, with extra fields and comments", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/test.zip`;
  const script = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as z:
    for name in ["a", "b"]:
        info = zipfile.ZipInfo(name)
        info.extra = b"\\x01\\x02" + (300).to_bytes(2, "little") + bytes(300)
        info.comment = 700 * b"c"
        z.writestr(info, 3 * name)`;
  await outputOf("python", ["-c", script, path]);
  const read = readZip(await Deno.readFile(path), "read it");
  const contents = [...read].map(([name, content]) => `${name}: ${new TextDecoder().decode(content)}`);
  assertEquals(contents, ["a: aaa", "b: bbb"]);
});

Deno.test("readZip() reads a file without entries: 22 bytes", () => {
  const empty = writeZip([]);
  assertEquals([empty.length, readZip(empty, "read it").size], [22, 0]);
});

/** A change of the bytes, and what is said about it. */
const DAMAGES: [what: string, damage: (bytes: Uint8Array, view: DataView) => Uint8Array | void, message: string][] = [
  ["cut off", (bytes) => bytes.subarray(0, -1), "a ZIP file must end with its directory"],
  ["shorter than a directory", (bytes) => bytes.subarray(0, 4), "a ZIP file must end with its directory"],
  [
    "with a directory beyond its end",
    (bytes, view) => view.setUint32(bytes.length - 6, 0xfffffff0, true),
    "its ZIP directory must end before byte",
  ],
  [
    "with more records than there are",
    (bytes, view) => view.setUint16(bytes.length - 12, 9, true),
    "its ZIP directory must have 9 records: there is none at byte",
  ],
  [
    "with a directory that ends in its last record",
    (bytes, view) => view.setUint32(bytes.length - 10, view.getUint32(bytes.length - 10, true) - 15, true),
    "its ZIP directory must have 3 records: there is none at byte",
  ],
  [
    "compressed",
    (_, view) => view.setUint16(record(view) + 10, 8, true),
    'its entry "a/data.pkl" must be stored without',
  ],
  ["with another checksum", (_, view) => view.setUint32(record(view) + 16, 1, true), "must have the checksum"],
  [
    "with an entry that is too long",
    (_, view) => view.setUint32(record(view) + 24, 0x7fffffff, true),
    "must end before the directory",
  ],
  [
    "with an entry elsewhere",
    (_, view) => view.setUint32(record(view) + 42, 3, true),
    'its entry "a/data.pkl" must have its header at byte 3: there is none',
  ],
  [
    "with a name beyond the directory",
    (_, view) => view.setUint16(record(view) + 28, 0xffff, true),
    "must end in its ZIP directory",
  ],
];

/** Where the directory begins. */
function record(view: DataView): number {
  return view.getUint32(view.byteLength - 6, true);
}

for (const [what, damage, message] of DAMAGES) {
  Deno.test(`readZip() refuses a file that is ${what}`, () => {
    const bytes = writeZip(ENTRIES);
    const damaged = damage(bytes, new DataView(bytes.buffer)) ?? bytes;
    assertThrows(() => readZip(damaged, "read it"), CheckpointError, message);
  });
}

Deno.test("readZip() refuses two entries of one name, and entries that share their bytes", () => {
  const twice = writeZip([["a", new Uint8Array(50)], ["a", new Uint8Array(50)]]);
  assertThrows(() => readZip(twice, "read it"), CheckpointError, 'its entry "a" must be there once');

  const shared = writeZip([["a", new Uint8Array(500)], ["b", new Uint8Array()], ["c", new Uint8Array()]]);
  const view = new DataView(shared.buffer);
  const first = record(view);
  for (const i of [1, 2]) { // records b and c point to what a has
    shared.copyWithin(first + 47 * i, first, first + 46);
  }
  assertThrows(() => readZip(shared, "read it"), CheckpointError, "must not overlap with another one");
});
