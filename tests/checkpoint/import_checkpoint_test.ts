/**
 * Files as people have them: tests/golden/import, made by PyTorch and NumPy (tests/python/foreign_files.py), by Flax (flax_files.py), and by the
 * people who reported them (case_…).
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { decodeCheckpoint, encodeCheckpoint } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { CheckpointError } from "../../src/checkpoint/common/error.ts";
import { encodeFlax } from "../../src/checkpoint/numpy/flax.ts";
import { decodePyTorchCheckpoint, importCheckpoint } from "../../src/checkpoint/import_checkpoint.ts";
import { encodePyTorchCheckpoint } from "../../src/checkpoint/pytorch/pytorch.ts";
import { encodeNpz } from "../../src/checkpoint/numpy/npz.ts";
import { writeZip } from "../../src/checkpoint/common/zip.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { crc32 } from "../../src/checkpoint/common/crc32.ts";

const FOLDER = new URL("../golden/import/", import.meta.url);
const bytesOf = (name: string) => Deno.readFileSync(new URL(name, FOLDER));
const weightsOf = (name: string) => decodeCheckpoint(Deno.readFileSync(new URL(`../${name}`, FOLDER))).parameters;

/** Why a file is refused: what the error says of it. */
const REFUSED: Readonly<Record<string, string>> = {
  "case_foreign_architecture__flax.safetensors":
    "it holds 12 tensors with 777 parameters in all: params.Embed_0.embedding [14,7], params.Embed_1.embedding [35,7]",
  "case_list_or_tensor__tensor.pt": "it holds one tensor of shape [763]",
  "case_not_a_checkpoint__lfs.pt":
    "it is a Git LFS pointer, which stands for the file: fetch the file with `git lfs pull`",
  "case_not_a_checkpoint__lfs.safetensors": "it is a Git LFS pointer",
  "case_not_a_checkpoint__page.safetensors": "it is an HTML page: download the file itself",
  "case_not_a_checkpoint__plain.pt.gz":
    "it is compressed by gzip: unpack it with `gzip -dc case_not_a_checkpoint__plain.pt.gz > case_not_a_checkpoint__plain.pt`",
  "case_state_for_model__state.safetensors":
    "it holds the state of a run, whose model is model.safetensors in the same folder",

  "file_bzipped.pt.bz2": "compressed by bzip2: unpack it with `bzip2 -dc file_bzipped.pt.bz2 > file_bzipped.pt`",
  "file_config.json": "it is JSON",
  "file_dict.npy": "it is one array of NumPy (.npy)",
  "file_flat.npy": "it is one array of NumPy (.npy)",
  "file_gzipped.pt.gz": "compressed by gzip",
  "file_index.json": "it is the JSON index of a model in several files",
  "file_legacy.pt": "it is a file of torch.save before version 1.6: save it again with `python3 -c ",
  "file_objects.npz": 'it holds Python objects in array "params", which only a pickle can',
  "file_old_pickle_0.pkl":
    "it is a Python pickle of protocol 0 or 1: if you trust it, write it again with `python3 -c ",
  "file_old_pickle_1.pkl": "it is a Python pickle of protocol 0 or 1",
  "file_of_nothing.zip": "it is a ZIP file without entries",
  "file_of_texts.zip": 'it is a ZIP file of 4 entries, "README.md", "train.py", "data.csv" and others',
  "file_page.pt": "it is an HTML page",
  "file_page_utf16.pt": "it is an HTML page",
  "file_pickled_metrics.pkl": 'it holds a dict without tensors, with the keys ["acc"]',
  "file_pickled_tensors.pkl": "it holds tensors of PyTorch that pickle.dump wrote: write them with torch.save",
  "file_pointer.ckpt": "it is a Git LFS pointer",
  "file_pointer_of_windows.pt": "it is a Git LFS pointer",
  "file_tar.tar": "it is a tar archive: unpack it with `tar -xf file_tar.tar`",
  "file_text.pt": 'it is a text that begins with "Entry not found',
  "file_torchscript.pt": "it is a TorchScript archive: save its weights with `python3 -c ",
  "file_zipped.zip": 'it is a ZIP file that holds "runs/best.pt": unpack it with `unzip file_zipped.zip`',

  "flax_bad_bias.pkl": "model 777 has no tensor TransformerBlock_0.Dense_0.bias: the file holds one",
  "flax_bad_untied.pkl": "tensor output_proj.weight must equal tok_emb.weight, to which it is tied",
  "flax_bad_without_norm.pkl": "model 777 must have tensor ln_f.weight: the file holds none of that name",

  "none_list.pt": "it holds a list of 10 tensors",
  "none_metrics.pt": 'it holds a dict without tensors, with the keys ["acc","losses"]',
  "none_optimizer.pt": "it holds the state of an optimizer",
  "none_parameters.pt": "it holds a list of 10 tensors",
  "none_scalar.pt": "it holds one tensor of shape []",
  "none_text.pt": 'it holds the value "best model so far"',
  "none_whole_module.pt": 'it holds an object of class "adder.Adder", which its own code alone can make',

  "file_lzma.npz": "must be stored without compression (method 0) or deflated (method 8): current method is 14",

  "other_flat.npz": "it holds 2 tensors with 112 parameters in all: w1 [7,14], b1 [14]",
  "other_huggingface.safetensors":
    "it holds 2 tensors with 120 parameters in all: model.embed_tokens.weight [14,8], model.norm.weight [8]",
  "other_nanogpt.pt": "it holds 4 tensors with 448 parameters in all: model._orig_mod.transformer.wte.weight [14,7]",
  "other_two_layers.pt":
    "model 763 has no tensor blocks.1.ln1.weight: the file holds one. It holds 18 tensors with 1183",
  "other_wider.pt": "must be of shape [14,7]: current value is [14,8]. It holds 10 tensors with 880 parameters in all",

  "two_models.pt": 'it holds 2, under "model" and "ema"; name one of them with --key',
};

/** Types other than float32, by the beginnings of the names. */
const TYPES: readonly (readonly [beginning: string, types: string[]])[] = [
  ["case_half_precision__bf16", ["bfloat16"]],
  ["case_half_precision__f64", ["float64"]],
  ["case_half_precision__half", ["float16"]],
  ["flax_bfloat16", ["bfloat16"]],
  ["half_bfloat16", ["bfloat16"]],
  ["half_f64", ["float64"]],
  ["half_mixed", ["float32", "float16"]],
  ["half_", ["float16"]],
  ["npz_float16", ["float16"]],
  ["npz_big_endian_double", ["float64"]],
];

const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).sort();
const files = names.filter((name) => !name.endsWith(".f32"));

/** The weights that a file must be read as; undefined of cases whose numbers are their own. */
function expectedOf(name: string): Float32Array | undefined {
  const rounded = name.replace(/\.\w+$/, ".f32");
  if (names.includes(rounded)) return new Float32Array(bytesOf(rounded).buffer);
  if (/^case_(half_precision__(?!f64)|flax_pickle)/.test(name)) return undefined;
  if (name.startsWith("case_")) return shippedCheckpoint().parameters;
  return weightsOf(name.startsWith("flax_") ? "x0.safetensors" : "w0.safetensors");
}

Deno.test("importCheckpoint() is tested with all files that there are", () => {
  assert(files.length > 80, `${files.length}`);
  assertEquals(Object.keys(REFUSED).filter((name) => !files.includes(name)), []);
});

for (const name of files) {
  const refusal = REFUSED[name];
  if (refusal !== undefined) {
    Deno.test(`importCheckpoint() says what ${name} is`, async () => {
      const read = () => importCheckpoint(bytesOf(name), { source: name });
      const { message } = await assertRejects(read, CheckpointError, refusal);
      assert(/^Cannot read [^\n]{1,1000}$/.test(message), message);
    });
    continue;
  }
  Deno.test(`importCheckpoint() finds the model in ${name}`, async () => {
    const { model, parameters, metadata, types } = await importCheckpoint(bytesOf(name), { source: name });
    assertEquals(model, name.includes("flax") ? 777 : 763);
    assertEquals(types, TYPES.find(([beginning]) => name.startsWith(beginning))?.[1] ?? ["float32"]);
    assertEquals(metadata, name === "half_f16.safetensors" ? { format: "pt" } : {});
    assertEquals(parameters, expectedOf(name) ?? parameters);
  });
}

Deno.test("the reported files of half precision are the shipped weights, rounded", async () => {
  const exact = shippedCheckpoint().parameters;
  for (const [name, bits] of [["half.pt", 11], ["bf16.safetensors", 8]] as const) {
    const { parameters } = await importCheckpoint(bytesOf(`case_half_precision__${name}`));
    for (const [i, value] of parameters.entries()) {
      const allowed = Math.max(Math.abs(exact[i]) * 2 ** -bits, 2 ** -25); // half of the smallest float16
      assert(Math.abs(value - exact[i]) <= allowed, `${name}: ${value} instead of ${exact[i]}`);
    }
  }
});

Deno.test("importCheckpoint() takes one model of several by its key", async () => {
  const [model, ema] = await Promise.all(
    ["model", "ema"].map((key) => importCheckpoint(bytesOf("two_models.pt"), { key })),
  );
  assertEquals(ema.parameters, model.parameters.map((value) => value + 1));
  const read = () => importCheckpoint(bytesOf("two_models.pt"), { key: "emma", source: "two.pt" });
  await assertRejects(read, CheckpointError, 'must hold the tensors of a model by name under "emma"');
});

Deno.test("importCheckpoint() gives back what each of our own formats holds", async () => {
  const shipped = shippedCheckpoint();
  for (const encode of [encodeCheckpoint, encodeNpz]) {
    assertEquals((await importCheckpoint(encode(shipped))).parameters, shipped.parameters);
  }
  const larger = { model: 777, parameters: weightsOf("x1.safetensors"), metadata: {} } as const;
  for (const encode of [encodeCheckpoint, encodeNpz, encodeFlax]) {
    const { model, parameters } = await importCheckpoint(encode(larger), { model: 777 });
    assertEquals({ model, parameters }, { model: 777, parameters: larger.parameters });
  }
  const narrow = decodeCheckpoint(bytesOf("../n3.safetensors"));
  assertEquals([narrow.model, narrow.parameters.length], ["6x7+norm", 558]);
  for (const encode of [encodeCheckpoint, encodeNpz, encodePyTorchCheckpoint]) {
    const { model, parameters } = await importCheckpoint(encode(narrow), { model: "6x7+norm" });
    assertEquals({ model, parameters }, { model: narrow.model, parameters: narrow.parameters });
  }
  assertThrows(() => encodeFlax(shipped), CheckpointError, "must be those of model 777");
  const npz = encodeNpz(shipped);
  await assertRejects(() => importCheckpoint(npz, { model: 777 }), CheckpointError, "it must hold model 777");
});

Deno.test("decodeCheckpoint() reads half precision exactly, and leaves float64 to import", () => {
  const read = (name: string) => decodeCheckpoint(bytesOf(name)).parameters;
  assertEquals(read("half_f16.safetensors"), new Float32Array(bytesOf("half_f16.f32").buffer));
  assertThrows(() => read("half_f64.safetensors"), CheckpointError, "current type is float64, which `import` rounds");
});

Deno.test("a reader that is handed another kind of file says what it is, and how to go on", () => {
  const said: [name: string, message: string][] = [
    ["npz_plain.npz", "it is an .npz of NumPy; `import --from npz_plain.npz --to npz_plain.new.safetensors` makes"],
    ["wrapper_net.pt", "it is a ZIP file, as torch.save writes; `import --from wrapper_net.pt --to wrapper_net.new"],
    ["flax_frozen.pkl", "it is a Python pickle; if it holds the arrays of a model, `import --from flax_frozen.pkl"],
    ["file_torchscript.pt", "it is a TorchScript archive: save its weights with"],
    ["file_zipped.zip", 'it is a ZIP file that holds "runs/best.pt"'],
    ["file_index.json", "it is the JSON index of a model in several files"],
    ["case_state_for_model__state.safetensors", "it is the state of a run, whose model is model.safetensors"],
    ["case_foreign_architecture__flax.safetensors", "It holds 12 tensors with 777 parameters in all"],
  ];
  for (const [name, message] of said) {
    assertThrows(() => decodeCheckpoint(bytesOf(name), { source: name }), CheckpointError, message);
  }
  assertThrows(() => decodePyTorchCheckpoint(bytesOf("file_page.pt")), CheckpointError, "it is an HTML page");
  assertThrows(
    () => decodeCheckpoint(bytesOf("file_gzipped.pt.gz"), { source: "my file; rm" }),
    CheckpointError,
    "unpack it with `gzip -dc FILE > FILE.unpacked`", // a name that a shell would take apart is not put into a command
  );
});

/** A ZIP file with one deflated entry that promises a size and a checksum. */
async function deflated(name: string, content: Uint8Array<ArrayBuffer>, promised: number): Promise<Uint8Array> {
  const stream = new Blob([content]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const packed = new Uint8Array(await new Response(stream).arrayBuffer());
  const zip = writeZip([[name, packed]]);
  const view = new DataView(zip.buffer);
  const record = view.getUint32(zip.length - 6, true);
  view.setUint16(record + 10, 8, true);
  view.setUint32(record + 16, crc32(content), true);
  view.setUint32(record + 24, promised, true);
  return zip;
}

Deno.test("a deflated entry is unpacked up to the size that it promises, and to twice the file at most", async () => {
  const content = new Uint8Array(70_000);
  const read = async (promised: number) => importCheckpoint(await deflated("a.npy", content, promised));
  await assertRejects(() => read(70_000), CheckpointError, "its entries must unpack to at most 65536 bytes");
  await assertRejects(() => read(60_000), CheckpointError, 'its entry "a.npy" must unpack to 60000 bytes');
  const short = async () => importCheckpoint(await deflated("a.npy", new Uint8Array(9), 10));
  await assertRejects(short, CheckpointError, "must unpack to 10 bytes: it unpacks to 9");
  const right = async () => importCheckpoint(await deflated("a.npy", new Uint8Array(20), 20));
  await assertRejects(right, CheckpointError, 'its entry "a.npy" must be an array of NumPy: it begins otherwise');
});

Deno.test("a header of NumPy is read in linear time, whatever is in its shape", async () => {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${"1".repeat(2000)}x), }`;
  const magic = [0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, header.length & 0xff, header.length >> 8];
  const npz = writeZip([["a.npy", Uint8Array.of(...magic, ...new TextEncoder().encode(header))]]);
  await assertRejects(() => importCheckpoint(npz), CheckpointError, "its header is");
});
