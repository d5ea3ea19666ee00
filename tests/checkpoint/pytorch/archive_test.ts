/** Files of `torch.save` that no PyTorch would write. Those that it writes are in pytorch_test.ts. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { bytesOfLatin1 } from "../../../src/common/encoding.ts";
import { crc32 } from "../../../src/checkpoint/common/crc32.ts";
import { CheckpointError } from "../../../src/checkpoint/common/error.ts";
import {
  call,
  globalName,
  orderedDict,
  persistent,
  type Picklable,
  pickle,
  type Pickled,
} from "../../../src/checkpoint/common/pickle_writer.ts";
import { decodePyTorchCheckpoint } from "../../../src/checkpoint/import_checkpoint.ts";
import { encodePyTorchCheckpoint } from "../../../src/checkpoint/pytorch/pytorch.ts";
import { denseStrides, FileTensor } from "../../../src/checkpoint/common/tensor.ts";
import { writeZip } from "../../../src/checkpoint/common/zip.ts";
import { variantOf } from "../../../src/model/variant.ts";
import { shippedCheckpoint } from "../../../src/weights/mod.ts";

/** The parts of a storage's id. */
function storageParts(key = "0", length = 98): Picklable[] {
  return ["storage", globalName("torch FloatStorage"), key, "cpu", length];
}

/** A tensor on storage `data/0`. */
function tensor(
  { length = 98, offset = 0, shape = [14, 7], strides = [7, 1], key = "0" }: {
    length?: number;
    offset?: number;
    shape?: number[];
    strides?: number[];
    key?: string;
  },
): Pickled {
  const storage = persistent(storageParts(key, length));
  return call("torch._utils _rebuild_tensor_v2", storage, offset, shape, strides, false, orderedDict([]));
}

/** A file with these tensors, and a storage of 98 numbers. */
function file(entries: [string, Picklable][], more: [string, Uint8Array][] = []): Uint8Array {
  return writeZip([
    ["a/data.pkl", pickle(new Map(entries))],
    ["a/data/0", new Uint8Array(4 * 98)],
    ...more,
  ]);
}

/** The same with all other tensors of the model, on a storage of their own. */
function model(entries: [string, Picklable][]): Uint8Array {
  const others = variantOf(763).tensors.filter(({ name }) => entries.every(([other]) => other !== name));
  const rest = others.map(({ name, shape }): [string, Picklable] => [
    name,
    tensor({ key: "1", length: 245, shape: [...shape], strides: denseStrides(shape) }),
  ]);
  return file([...entries, ...rest], [["a/data/1", new Uint8Array(4 * 245)]]);
}

const REFUSED: [what: string, bytes: Uint8Array, message: string][] = [
  [
    "a storage that is not there",
    model([["tok_emb.weight", tensor({ key: "7" })]]),
    'in entry "data/7": there is none',
  ],
  [
    "a storage that is shorter than it says",
    model([["tok_emb.weight", tensor({ length: 1000 })]]),
    'must have a storage of 4000 bytes in entry "data/0": current size is 392',
  ],
  [
    "a tensor that ends beyond its storage",
    model([["tok_emb.weight", tensor({ offset: 1 })]]),
    "of shape [14,7], strides [7,1] and offset 1 must lie within its storage: it holds 98 elements",
  ],
  [
    "a tensor with strides beyond its storage",
    model([["tok_emb.weight", tensor({ strides: [70, 1] })]]),
    "must lie within its storage",
  ],
  [
    "a tensor that makes much of little",
    model([["tok_emb.weight", tensor({ length: 98, shape: [14, 7] })], [
      "a.mask",
      tensor({ shape: [100, 100], strides: [0, 0] }),
    ]]),
    "of shape [100,100], strides [0,0] and offset 0 must lie within its storage",
  ],
  [
    "a tensor of nine extents",
    file([["a", tensor({ shape: Array(9).fill(1), strides: Array(9).fill(1) })]]),
    "a tensor has no offset, shape",
  ],
  ["a tensor before its storage", file([["a", tensor({ offset: -1 })]]), "a tensor has no offset, shape"],
  ["a tensor of negative extents", file([["a", tensor({ shape: [-1, 7] })]]), "a tensor has no offset, shape"],
  [
    "a tensor with negative strides",
    file([["a", tensor({ strides: [-1, 1] })]]),
    "a tensor has no offset, shape",
  ],
  ["a tensor with more extents than strides", file([["a", tensor({ strides: [1] })]]), "a tensor has no offset, shape"],
  [
    "a name that is a number of a list",
    file([["tok_emb.weight", tensor({})], ["x", 1]]),
    "model 763 must have tensor pos_emb.weight: the file holds none of that name",
  ],
  ["nothing at all", file([]), "it must hold the tensors of a model by name: it holds an empty dict"],
  [
    "two pickles",
    file([["a", tensor({})]], [["b/data.pkl", new Uint8Array()]]),
    "has one entry NAME/data.pkl: this ZIP file has 2",
  ],
  ["no pickle", writeZip([["a/data/0", new Uint8Array(4)]]), "has one entry NAME/data.pkl: this ZIP file has 0"],
  [
    "numbers in the other order of bytes",
    file([["a", tensor({})]], [["a/byteorder", new TextEncoder().encode("big")]]),
    "its byteorder must be little",
  ],
  [
    "an OrderedDict that is made by a call",
    writeZip([[
      "a/data.pkl",
      pickle(call("collections OrderedDict", [])),
    ]]),
    "an OrderedDict is made of something",
  ],
  [
    "a storage of a class that is none",
    writeZip([["a/data.pkl", pickle(persistent(["storage", 1]))]]),
    "a persistent id is not that of a storage",
  ],
];

/** Storages with one part that is wrong. */
const WRONG: [what: string, index: number, part: Picklable][] = [
  ["of another tag", 0, "module"],
  ["of no class", 1, "FloatStorage"],
  ["of a class that is no storage", 1, globalName("collections OrderedDict")],
  ["whose key is a number", 2, 0],
  ["whose length is text", 4, "98"],
  ["of a negative length", 4, -1],
];
for (const [what, index, part] of WRONG) {
  REFUSED.push([
    `a storage ${what}`,
    writeZip([["a/data.pkl", pickle(persistent(storageParts().with(index, part)))]]),
    "a persistent id is not that of a storage",
  ]);
}

for (const [what, bytes, message] of REFUSED) {
  Deno.test(`decodePyTorchCheckpoint() refuses ${what}`, () => {
    const error = assertThrows(() => decodePyTorchCheckpoint(bytes, { source: "a.pt" }), CheckpointError, message);
    assert(error.message.startsWith("Cannot read a.pt as "), error.message);
  });
}

Deno.test("a tensor reads what lies in the storage, and not one number more", () => {
  const values = Float32Array.of(1, 2, 3, 4);
  const storage = { entry: "data/0", length: 4 };
  const layout = { type: "float32", bytes: new Uint8Array(values.buffer), storage, strides: [1] };
  const read = (offset: number, shape: number[]) =>
    new FileTensor({ ...layout, offset, shape }).elements("w", "read it");
  assertEquals([read(3, [1]), read(1, [3]), read(9, [0])], [[4], [2, 3, 4], []].map((row) => Float32Array.from(row)));
  for (const [offset, length] of [[4, 1], [2, 3], [0, 5]]) {
    assertThrows(() => read(offset, [length]), CheckpointError, `and offset ${offset} must lie within its storage`);
  }
});

Deno.test("a tensor may have eight extents, as long as it is of the model's shape in the end", () => {
  const extents = Array(8).fill(1);
  const bytes = file([["a", tensor({ shape: extents, strides: extents })]]);
  assertThrows(
    () => decodePyTorchCheckpoint(bytes),
    CheckpointError,
    "it holds 1 tensor with 1 parameter in all: a [1,1,1,1,1,1,1,1]",
  );
});

Deno.test("a pickle cannot change a tensor's shape once it was looked at", () => {
  const code = [
    "\x80\x02}X\x05\x00\x00\x00model}X\x0e\x00\x00\x00tok_emb.weight", // {"model": {"tok_emb.weight":
    "ctorch._utils\n_rebuild_tensor_v2\n(",
    persistent(storageParts()).code,
    "K\x00]q\x01K\x0eaK\x07a(K\x07K\x01tN)tRss", // offset 0; extents, a list that is value 1; strides (7, 1) …}}
    "X\x01\x00\x00\x00xh\x01X\x01\x00\x00\x00yas.", // "x": the list of extents, and a "y" more in it
  ];
  const file = writeZip([["a/data.pkl", bytesOfLatin1(code.join(""))], ["a/data/0", new Uint8Array(4 * 98)]]);
  // so the first tensor is still of the right shape, and it is the second one that is missing
  assertThrows(() => decodePyTorchCheckpoint(file), CheckpointError, "must have tensor pos_emb.weight");
});

Deno.test("whatever bytes of a file are changed, it is read or refused with an error of ours", () => {
  const bytes = encodePyTorchCheckpoint(shippedCheckpoint());
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Numerical Recipes
    return Math.floor(state / 2 ** 32 * below);
  };
  const outcomes = { read: 0, refused: 0 };
  for (let round = 0; round < 3000; round++) {
    const changed = bytes.slice(0, random(10) === 0 ? random(bytes.length) : bytes.length);
    // the pickle is what has a grammar, so half of the changes are there; its checksum would hide most of them
    for (let i = random(4); i >= 0; i--) changed[random(2) ? random(bytes.length) : random(1600)] = random(256);
    try {
      assertEquals(decodePyTorchCheckpoint(fixChecksum(changed)).parameters.length, 763);
      outcomes.read++;
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      outcomes.refused++;
    }
  }
  assert(outcomes.read > 50 && outcomes.refused > 500, JSON.stringify(outcomes));
});

/** Writes the checksum of the pickle as it is now into the directory, where these are still found. */
function fixChecksum(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer);
  try {
    const record = view.getUint32(bytes.length - 6, true);
    const size = view.getUint32(record + 24, true);
    const content = 30 + view.getUint16(26, true) + view.getUint16(28, true);
    view.setUint32(record + 16, crc32(bytes.subarray(content, content + size)), true);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the directory is not there any more
  }
  return bytes;
}
