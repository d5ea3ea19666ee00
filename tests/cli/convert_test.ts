import { assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { encodeAdderBoardSubmission } from "../../src/checkpoint/adderboard.ts";
import { decodeCheckpoint } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { encodeNpz } from "../../src/checkpoint/numpy/npz.ts";
import { encodeOnnx } from "../../src/checkpoint/onnx/onnx.ts";
import { encodePyTorchCheckpoint } from "../../src/checkpoint/pytorch/pytorch.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { fromBase64 } from "../../src/common/encoding.ts";
import { SHIPPED_763 } from "../../src/weights/shipped_763.ts";
import { assertRefused, goldenCheckpoint, temporaryFolder, tinyAdder } from "./tiny_adder.ts";

const FORMATS: [ending: string, format: string, bytes: Uint8Array][] = [
  [".safetensors", "safetensors", fromBase64(SHIPPED_763)],
  [".pt", "PyTorch state dict", encodePyTorchCheckpoint(shippedCheckpoint())],
  [".npz", "NumPy", encodeNpz(shippedCheckpoint())],
  [".onnx", "ONNX", encodeOnnx(shippedCheckpoint())],
  [".py", "AdderBoard submission", new TextEncoder().encode(encodeAdderBoardSubmission(shippedCheckpoint()))],
];

for (const [ending, format, bytes] of FORMATS) {
  Deno.test(`export writes ${ending}, and needs permission for that file alone`, async () => {
    await using folder = await temporaryFolder();
    const to = join(folder.path, `adder${ending}`);
    const { code, stdout, stderr } = await tinyAdder(["export", "--to", to, "--json"], [`--allow-write=${to}`]);
    assertEquals([code, stderr], [0, ""]);
    assertEquals(JSON.parse(stdout), {
      ...{ model: 763, parameters: 763, format, bytes: bytes.length },
      ...{ to, checkpoint: "shipped" },
    });
    assertEquals(await Deno.readFile(to), new Uint8Array(bytes));
  });
}

Deno.test("export --from writes the weights of a checkpoint, and import reads them again", async () => {
  await using folder = await temporaryFolder();
  const [pt, back] = ["x0.pt", "x0.safetensors"].map((name) => join(folder.path, name));
  const from = goldenCheckpoint("x0");
  const exported = await tinyAdder(["export", "--from", from, "--to", pt], [...folder.allow, `--allow-read=${from}`]);
  assertEquals([exported.code, exported.stderr], [0, ""]);
  assertMatch(exported.stdout, /^777 parameters are in \S+x0\.pt \(PyTorch state dict, [\d,]+ bytes\)\n$/);
  const imported = await tinyAdder(["import", "--from", pt, "--to", back], folder.allow);
  assertEquals(imported, { code: 0, stdout: `777 parameters of ${pt} are in ${back}\n`, stderr: "" });
  const { parameters } = decodeCheckpoint(await Deno.readFile(back));
  assertEquals(parameters, decodeCheckpoint(await Deno.readFile(from)).parameters);
});

Deno.test("import --json reads what PyTorch wrote, and safetensors", async () => {
  await using folder = await temporaryFolder();
  for (const kind of ["pt", "safetensors"]) {
    const from = fromFileUrl(new URL(`../golden/w3.${kind}`, import.meta.url));
    const to = join(folder.path, "w3.safetensors");
    const { code, stdout } = await tinyAdder(
      ["import", "--from", from, "--to", to, "--json", "--overwrite"],
      [...folder.allow, `--allow-read=${from}`],
    );
    assertEquals([code, JSON.parse(stdout)], [0, { model: 763, parameters: 763, types: ["float32"], from, to }]);
    const file = new Uint8Array(await Deno.readFile(to));
    assertEquals(
      decodeCheckpoint(file).parameters,
      decodeCheckpoint(await Deno.readFile(goldenCheckpoint("w3"))).parameters,
    );
  }
});

Deno.test("export and import say what is wrong", async () => {
  await using folder = await temporaryFolder();
  const pt = join(folder.path, "bad.pt");
  await Deno.writeFile(pt, encodePyTorchCheckpoint(shippedCheckpoint()).subarray(0, 5000));
  const cases: [args: string[], asked: string, found: string][] = [
    [["export", "--to", "x.bin"], "--to as it must be a file that ends in one of .safetensors, .pt", "x.bin"],
    [["export"], "--to is missing", "--to FILE"],
    [["export", "--to", "x.pt"], "may not write x.pt", "--allow-write=x.pt"],
    [["export", "--to", join(folder.path, "no", "x.pt")], "x.pt", "there is no such file or folder"],
    [["import", "--from", pt, "--to", "x.pt"], "--to as it must be a file that ends in .safetensors", "x.pt"],
    [["import", "--from", pt, "--to", "x.safetensors"], "bad.pt as a ZIP file must end", ""],
    [["import", "--from", join(folder.path, "no.pt"), "--to", "x.safetensors"], "no.pt", "there is no such file"],
    [["eval", "--from", pt], "bad.pt as it must be a safetensors file", "`import --from "],
  ];
  for (const [args, ...line] of cases) await assertRefused(args, line, folder.allow);
});
