import { latin1 } from "../../common/encoding.ts";
import { formatJson } from "../../common/format_value.ts";
import { encodingOf } from "../../common/text.ts";
import { looksLikeZip, zipNames } from "./zip.ts";

const python = (code: string) => `\`python3 -c "${code}"\``;
const OLD_PICKLE = "a Python pickle of protocol 0 or 1: if you trust it, write it again with " +
  python("import pickle; pickle.dump(pickle.load(open('FILE', 'rb')), open('BARE.new.pkl', 'wb'))");
const OLD_TORCH = "a file of torch.save before version 1.6: save it again with " +
  python("import torch; torch.save(torch.load('FILE', map_location='cpu'), 'BARE.new.pt')");

/** Files by their first bytes, in latin1. In an advice FILE is the file, BARE its name without the last ending. */
const BEGINNINGS: readonly (readonly [what: string, ...bytes: string[]])[] = [
  ["compressed by gzip: unpack it with `gzip -dc FILE > BARE`", "\x1f\x8b"],
  ["compressed by bzip2: unpack it with `bzip2 -dc FILE > BARE`", "BZh"],
  ["compressed by xz: unpack it with `xz -dc FILE > BARE`", "\xfd7zXZ\0"],
  ["compressed by Zstandard: unpack it with `zstd -dc FILE > BARE`", "\x28\xb5\x2f\xfd"],
  ["a 7-Zip archive: unpack it with `7z x FILE`", "7z\xbc\xaf\x27\x1c"],
  ["a ZIP file without entries", "PK\x05\x06"],
  ["one array of NumPy (.npy): save all arrays of the model by name, with numpy.savez", "\x93NUMPY"],
  [OLD_TORCH, "\x80\x02\x8a\x0a"],
  ["an HDF5 file, as Keras writes: save the model's arrays by name, with numpy.savez", "\x89HDF\r\n\x1a\n"],
  ["a GGUF file, as llama.cpp reads", "GGUF"],
  ["an ONNX graph, which is written here and not read", "\x08\x07\x12", "\x08\x08\x12"],
  ["a PDF document", "%PDF"],
  [OLD_PICKLE, "(dp", "(lp", "}q\0", "]q\0", "ccollections\n", "ccopy_reg\n"],
  ["a picture (PNG)", "\x89PNG"],
];
/** Texts by their form. */
const TEXTS: readonly (readonly [form: RegExp, what: string])[] = [
  [
    /^version https:\/\/git-lfs\.github\.com\//,
    "a Git LFS pointer, which stands for the file: fetch the file with `git lfs pull`",
  ],
  [/^\s*<(?:!|html|head|body|\?xml)/i, "an HTML page: download the file itself, not the page about it"],
  [/^\s*[{[].*"weight_map"/s, "the JSON index of a model in several files: it names the files that hold the tensors"],
  [/^\s*[{[]/, "JSON"],
];
const IMPORT = "`import --from FILE --to BARE.new.safetensors` makes a checkpoint of it";
const ZIPS = {
  NumPy: `an .npz of NumPy; ${IMPORT}`,
  TorchScript: "a TorchScript archive: save its weights with " +
    python("import torch; torch.save(torch.jit.load('FILE').state_dict(), 'BARE.new.pt')"),
  "torch.save": `a ZIP file, as torch.save writes; ${IMPORT}`,
};

/** What a file is that is no safetensors file, with advice; undefined where its first bytes do not say. @param asked `read FILE` */
export function identify(bytes: Uint8Array, asked: string): string | undefined {
  const file = /^read ([\w./@:+-]+)$/.exec(asked)?.[1] ?? "FILE";
  const bare = file.replace(/(?<=[^/])\.\w+$/, "");
  return identified(bytes)
    ?.replaceAll("BARE", () => bare === file ? `${file}.unpacked` : bare).replaceAll("FILE", () => file);
}

function identified(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return "empty";
  if (looksLikeZip(bytes)) return identifyZip(zipNames(bytes));
  const beginning = latin1(bytes.subarray(0, 512));
  const known = BEGINNINGS.find(([, ...all]) => all.some((one) => beginning.startsWith(one)));
  if (known !== undefined) return known[0];
  if (looksLikePickle(bytes)) return `a Python pickle; if it holds the arrays of a model, ${IMPORT}`;
  if (beginning.startsWith("ustar", 257)) return "a tar archive: unpack it with `tar -xf FILE`";
  return identifyText(bytes);
}

/** Whether bytes begin like a pickle of protocol 2 or later, and unlike `torch.save` before version 1.6, which wrote five pickles. */
export function looksLikePickle(bytes: Uint8Array): boolean {
  return bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5 && !(bytes[2] === 0x8a && bytes[3] === 0x0a);
}

/** The pickle of a file of `torch.save`, at the top of one folder. */
export const TORCH_PICKLE = /^[^/]*\/data\.pkl$/;

/** What wrote a ZIP file with these entries; no names are given where its directory is broken. */
export function zipKind(names: readonly string[]): keyof typeof ZIPS | undefined {
  if (names.length > 0 && names.every((name) => name.endsWith(".npy"))) return "NumPy";
  if (names.some((name) => /^[^/]+\/(?:constants\.pkl$|code\/)/.test(name))) return "TorchScript";
  return names.length === 0 || names.some((name) => TORCH_PICKLE.test(name)) ? "torch.save" : undefined;
}

function identifyZip(names: readonly string[]): string {
  const kind = zipKind(names);
  if (kind !== undefined) return ZIPS[kind];
  const inner = names.find((name) => /\.(?:pt|pth|ckpt|bin|safetensors|npz|pkl|zip)$/.test(name));
  if (inner !== undefined) return `a ZIP file that holds ${formatJson(inner)}: unpack it with \`unzip FILE\``;
  const entries = names.length === 1 ? "1 entry" : `${names.length} entries`;
  const first = names.slice(0, 3).map((name) => formatJson(name)).join(", ");
  return `a ZIP file of ${entries}, ${first}${names.length > 3 ? " and others" : ""}`;
}

function identifyText(bytes: Uint8Array): string | undefined {
  let text: string;
  try { // a letter may be cut off at the end
    text = new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes.subarray(0, 1024), { stream: true });
  } catch {
    return undefined;
  }
  // deno-lint-ignore no-control-regex
  if (/[\0-\x08\x0e-\x1f]/.test(text)) return undefined;
  return TEXTS.find(([form]) => form.test(text))?.[1] ?? `a text that begins with ${formatJson(text.slice(0, 30))}`;
}
