/** Dictionaries that are made to take long: without limits the first two would not end within hours. */
import { assertEquals, assertThrows } from "@std/assert";
import { CheckpointError } from "../../src/checkpoint/common/error.ts";
import { PickleDict, type PickleValue } from "../../src/checkpoint/common/pickle_reader.ts";
import { FileTensor } from "../../src/checkpoint/common/tensor.ts";
import { findModel } from "../../src/checkpoint/find_model.ts";
import { variantOf } from "../../src/model/variant.ts";

const tensorOf = (shape: readonly number[]) => new FileTensor({ type: "float32", shape });
const dictOf = (entries: Iterable<readonly [PickleValue, PickleValue]>) => new PickleDict(new Map(entries));
const find = (root: PickleValue) => findModel(root, "read a test");

Deno.test("findModel() refuses a tree of Flax whose dicts share their children", () => {
  let shared = dictOf([["weights", tensorOf([1])]]);
  for (let level = 0; level < 8; level++) {
    const child = shared;
    shared = dictOf(Array.from({ length: 100 }, (_, i) => [`${i}`, child] as const));
  }
  const tree = dictOf([["Embed_0", shared], ["TransformerBlock_0", shared]]);
  assertThrows(() => find(tree), CheckpointError, "weights [1]");
});

Deno.test("findModel() takes no longer for many names of one tensor, and refuses a key of many dots", () => {
  const keys = Array.from({ length: 100_000 }, (_, i) => `${i}.tok_emb.weight`);
  const many = dictOf(keys.map((key) => [key, tensorOf([14, 7])] as const));
  assertEquals(find(many).path, "0");
  const deep = dictOf([[`${".".repeat(2 ** 20)}tok_emb.weight`, tensorOf([14, 7])]]);
  assertThrows(() => find(deep), CheckpointError, "it holds");
});

Deno.test("findModel() finds a model among others' tensors, by whatever prefix and at any depth", () => {
  const { tensors } = variantOf(763);
  const named = (prefix: string) => tensors.map(({ name, shape }) => [`${prefix}${name}`, tensorOf(shape)] as const);
  const mask = ["net.mask", tensorOf([1, 1])] as const;
  for (const prefix of ["", "module.", "net.module._orig_mod.", "params/"]) {
    const found = find(dictOf([["a", dictOf([["b", dictOf([mask, ...named(prefix)])]])]]));
    assertEquals(found.path, ["a.b", prefix.slice(0, -1)].filter(Boolean).join("."));
    assertEquals(tensors.every(({ name }) => found.tensors.has(name)), true);
  }
});
