/**
 * The safetensors container: https://huggingface.co/docs/safetensors
 *
 * ```
 * 8 bytes            n bytes                                    the rest
 * n (little endian)  header: JSON, padded with spaces           tensors, one after the other, no gaps
 * ```
 *
 * The header maps each tensor's name to `{ dtype, shape, data_offsets: [begin, end] }`, counted from the end of the header, and
 * `__metadata__` to an object of strings. Every claim of the header is compared with the file before it is used.
 */
import { isObject } from "../../common/checks.ts";
import { formatError, formatJson } from "../../common/format_value.ts";
import { checkOptions, type OptionKinds } from "../../common/options.ts";
import { type Bytes, bytesFrom, concatenate, littleEndian, pack, viewOf } from "../common/bytes.ts";
import { refuse, tensorLabel } from "../common/error.ts";
import { identify } from "../common/identify.ts";
import { checkFinite, elementCount, FileTensor, isListOfSizes, typeNamed, weightsOf } from "../common/tensor.ts";

/** One named tensor of a safetensors file. */
export interface SafetensorsTensor {
  /** A name that no other tensor of the file has. */
  name: string;
  /** Sizes of its dimensions, row-major; `[]` is a single number. */
  shape: readonly number[];
  /** Its elements, finite, as many as the product of `shape`. */
  values: Float32Array;
}

/** The content of a file for {@linkcode encodeSafetensors}. */
export interface SafetensorsInput {
  /** The tensors, in the order in which they are written. */
  tensors: readonly SafetensorsTensor[];
  /** Text by key. @default {{}} */
  metadata?: Readonly<Record<string, string>>;
}

/** A tensor that {@linkcode decodeSafetensors} read. */
export interface DecodedTensor extends SafetensorsTensor {
  /** The type of its elements in the file. Float16 and bfloat16 are read exactly, float64 is rounded to float32. */
  dtype: "F32" | "F16" | "BF16" | "F64";
}

/** The content of a file that {@linkcode decodeSafetensors} read. */
export interface SafetensorsContent {
  /** The tensors, in the order of their data. */
  tensors: DecodedTensor[];
  /** Text by key; empty if the file has no metadata. */
  metadata: Record<string, string>;
}

/** Options of {@linkcode decodeSafetensors}. */
export interface DecodeOptions {
  /** The name of the bytes in errors, such as the path of their file. @default {"the checkpoint"} */
  source?: string;
}

const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 2 ** 20;
const DTYPES = { float32: "F32", float16: "F16", bfloat16: "BF16", float64: "F64" } as const;

/**
 * Writes a safetensors file, whose data begins at a multiple of 8. The same tensors and metadata give the same bytes, whatever the order of its keys.
 *
 * @example Usage
 * ```ts
 * import { decodeSafetensors, encodeSafetensors } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const tensors = [{ name: "weight", shape: [2, 2], values: new Float32Array([1, 2, 3, 4]) }];
 * const bytes = encodeSafetensors({ tensors, metadata: { step: "100" } });
 * assertEquals(decodeSafetensors(bytes).metadata, { step: "100" });
 * ```
 *
 * @throws {CheckpointError} If two tensors share a name, a shape does not fit its values, or a value is not finite
 */
export function encodeSafetensors({ tensors, metadata }: SafetensorsInput): Uint8Array<ArrayBuffer> {
  const asked = "write a checkpoint";
  const names = new Set(["__metadata__"]);
  for (const { name, shape, values } of tensors) {
    if (names.has(name)) refuse(asked, `every tensor must have a name of its own: ${formatJson(name)} is taken`);
    names.add(name);
    const size = elementCount(shape);
    const must = `${tensorLabel(name)} of shape ${formatJson(shape)} must have ${size} values`;
    if (size !== values.length) refuse(asked, `${must}: current length is ${values.length}`);
    checkFinite(name, values, asked);
  }
  return writeSafetensors(tensors, asked, metadata);
}

/** Writes tensors that are checked. @throws {CheckpointError} If the header is too long */
export function writeSafetensors(
  tensors: readonly { name: string; shape: readonly number[]; values: Float32Array | Float64Array }[],
  asked: string,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const sorted = Object.entries(metadata).sort(([a], [b]) => a < b ? -1 : 1);
  let end = 0;
  const entries = tensors.map(({ name, shape, values }) => {
    const dtype = values instanceof Float32Array ? "F32" : "F64";
    return [name, { dtype, shape, data_offsets: [end, end += values.byteLength] }] as const;
  });
  // `fromEntries`, because a tensor named `__proto__` would set the prototype of a literal that is filled by key
  const header = Object.fromEntries<unknown>(entries);
  const all = sorted.length > 0 ? { __metadata__: Object.fromEntries(sorted), ...header } : header;
  const json = new TextEncoder().encode(JSON.stringify(all));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const must = `its header must have at most ${MAX_HEADER_BYTES} bytes`;
  if (headerBytes > MAX_HEADER_BYTES) refuse(asked, `${must}: current size is ${headerBytes}`);
  const padding = new Uint8Array(headerBytes - json.length).fill(0x20);
  return concatenate([pack("II", headerBytes, 0), json, padding, ...tensors.map(({ values }) => littleEndian(values))]);
}

/**
 * Reads a whole safetensors file of floating-point tensors. The values are copies, so the bytes need no alignment and can be reused afterwards.
 *
 * @example Usage
 * ```ts
 * import { decodeSafetensors, encodeSafetensors } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodeSafetensors({ tensors: [{ name: "scale", shape: [], values: new Float32Array([0.5]) }] });
 * const [scale] = decodeSafetensors(bytes).tensors;
 * assertEquals(scale, { name: "scale", dtype: "F32", shape: [], values: new Float32Array([0.5]) });
 * ```
 *
 * @throws {CheckpointError} If the bytes are not a well-formed safetensors file of finite numbers
 */
export function decodeSafetensors(file: Bytes, options: DecodeOptions = {}): SafetensorsContent {
  const asked = askedOf(options, { source: "a text" });
  const { tensors, metadata } = openSafetensors(bytesFrom(file, asked), asked);
  const decoded = Array.from(tensors, ([name, tensor]) => {
    const values = weightsOf(name, tensor, asked);
    return { name, dtype: DTYPES[tensor.type as keyof typeof DTYPES], shape: tensor.shape, values };
  });
  return { tensors: decoded, metadata };
}

/** What the errors of a reader say was asked. @throws {TypeError} If there is an unknown option */
export function askedOf<T extends DecodeOptions>(options: T, kinds: OptionKinds<T>): string {
  checkOptions("read a checkpoint", options, kinds);
  return `read ${options.source ?? "the checkpoint"}`;
}

/** Whether bytes can be a safetensors file: a header is an object of JSON, which begins with {, and its length is in bounds. */
export function looksLikeSafetensors(bytes: Uint8Array): boolean {
  return bytes[LENGTH_BYTES] === 0x7b && bytes.subarray(3, LENGTH_BYTES).every((byte) => byte === 0);
}

/** Reads the header of a safetensors file: its tensors in the order of their data. @throws {CheckpointError} If it does not describe the file */
export function openSafetensors(bytes: Uint8Array, asked: string) {
  const least = `a safetensors file has at least ${LENGTH_BYTES} bytes`;
  if (bytes.length < LENGTH_BYTES) refuse(asked, `${least}: the file holds ${bytes.length}`);
  const found = looksLikeSafetensors(bytes) ? undefined : identify(bytes, asked);
  if (found !== undefined) refuse(asked, `it must be a safetensors file: it is ${found}`);
  const [length, rest] = [viewOf(bytes).getBigUint64(0, true), bytes.subarray(LENGTH_BYTES)];
  const most = `a safetensors header has at most ${MAX_HEADER_BYTES} bytes`;
  if (length > MAX_HEADER_BYTES) refuse(asked, `${most}: the file, if it is one, announces ${length}`);
  const held = `the file holds ${rest.length} after the announcement`;
  if (Number(length) > rest.length) refuse(asked, `it announces a header of ${length} bytes: ${held}`);
  const { entries, metadata } = parseHeader(rest.subarray(0, Number(length)), asked);
  const data = rest.subarray(Number(length));
  const tensors = new Map<string, FileTensor>();
  let at = 0;
  for (const { name, type, shape, begin, end } of entries.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    const must = () => `${tensorLabel(name)} must begin where the one before it ends, at byte ${at}`;
    if (begin !== at) refuse(asked, `${must()}: current value is ${begin}`);
    tensors.set(name, new FileTensor({ type, shape, bytes: data.subarray(begin, at = end) }));
  }
  if (at !== data.length) refuse(asked, `its header promises ${at} bytes of tensors: the file holds ${data.length}`);
  for (const [name, tensor] of tensors) tensor.checkSize(name, asked);
  return { tensors, metadata };
}

/** The form of a header is checked, its agreement with the file is not. @throws {CheckpointError} If it is not of the form that safetensors prescribes, or names a key twice */
function parseHeader(bytes: Uint8Array, asked: string) {
  const fail = (must: string, found: unknown): never => refuse(asked, `${must}: current value is ${formatJson(found)}`);

  let text: string, json: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    json = JSON.parse(text);
  } catch (cause) {
    return refuse(asked, `its header must be JSON in UTF-8: ${formatError(cause)}`, cause);
  }
  if (!isObject(json)) return fail("its header must be a JSON object", json);
  refuseRepeatedKeys(text, asked);
  const { __metadata__, ...described } = json;
  const metadata = __metadata__ ?? {}; // the format's own reader takes null, too
  if (!isObject(metadata)) return fail("its __metadata__ must be a JSON object", metadata);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string") fail(`its __metadata__ must hold strings only, also at ${formatJson(key)}`, value);
  }
  const entries = Object.entries(described).map(([name, entry]) => {
    const label = tensorLabel(name);
    if (!isObject(entry)) return fail(`${label} must be described by a JSON object`, entry);
    const { dtype, shape, data_offsets: offsets } = entry;
    if (typeof dtype !== "string") return fail(`${label} must have a dtype`, dtype);
    if (!isListOfSizes(shape)) return fail(`${label} must have a list of whole numbers >= 0 as its shape`, shape);
    const must = `${label} must have two whole numbers as its data_offsets, the first not above the second`;
    if (!isListOfSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) return fail(must, offsets);
    return { name, type: typeNamed(dtype, "safetensors"), shape, begin: offsets[0], end: offsets[1] };
  });
  return { entries, metadata: metadata as Record<string, string> };
}

/** `JSON.parse` keeps the last of two values in silence, so two readers could see different files. @throws {CheckpointError} If a key of valid JSON has two */
function refuseRepeatedKeys(json: string, asked: string): void {
  const open: Set<string>[] = [];
  for (const [token, colon] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (colon !== undefined) {
      const key: string = JSON.parse(token.slice(0, -colon.length));
      const must = "its header must name every key once";
      if (open.at(-1)!.has(key)) refuse(asked, `${must}: ${formatJson(key)} stands twice in one object`);
      open.at(-1)!.add(key);
    }
  }
}
