import { formatError, formatJson } from "../../common/format_value.ts";
import { refuse, tensorLabel } from "../common/error.ts";
import { isSize } from "../common/tensor.ts";

/** A tensor in the header: its form is checked, its agreement with the file is not. */
export interface TensorEntry {
  name: string;
  /** The type of its elements, as safetensors names it. */
  dtype: string;
  /** Its extents, whole numbers >= 0. */
  shape: number[];
  /** Its first byte, counted from the end of the header. */
  begin: number;
  /** The byte after its last, >= `begin`. */
  end: number;
}

/** A header in typed form. */
export interface Header {
  /** The tensors, in the order of the header. */
  tensors: TensorEntry[];
  /** Free text by key. */
  metadata: Record<string, string>;
}

/**
 * Parses a header.
 *
 * @param asked What errors say was asked: `Cannot <asked> as …`
 * @throws {CheckpointError} If it is not JSON of the form that safetensors prescribes, or names a key twice
 */
export function parseHeader(bytes: Uint8Array, asked: string): Header {
  const fail = (must: string, found: unknown): never => refuse(asked, `${must}: current value is ${formatJson(found)}`);

  let text: string, json: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    json = JSON.parse(text);
  } catch (cause) {
    return refuse(asked, `its header must be JSON in UTF-8: ${formatError(cause)}`, cause);
  }
  if (!isObject(json)) return fail("its header must be a JSON object", json);
  const twice = repeatedKey(text);
  if (twice !== undefined) {
    refuse(asked, `its header must name every key once: ${formatJson(twice)} stands twice in one object`);
  }

  const { __metadata__, ...entries } = json;
  const metadata = __metadata__ ?? {}; // the format's own reader takes null, too
  if (!isObject(metadata)) return fail("its __metadata__ must be a JSON object", metadata);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string") fail(`its __metadata__ must hold strings only, also at ${formatJson(key)}`, value);
  }

  const tensors = Object.entries(entries).map(([name, entry]): TensorEntry => {
    const must = (rest: string, found: unknown) => fail(`${tensorLabel(name)} must ${rest}`, found);
    if (!isObject(entry)) return must("be described by a JSON object", entry);
    const { dtype, shape, data_offsets: offsets } = entry;
    if (typeof dtype !== "string") return must("have a dtype", dtype);
    if (!isListOfSizes(shape)) return must("have a list of whole numbers >= 0 as its shape", shape);
    if (!isListOfSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
      return must("have two whole numbers as its data_offsets, the first not above the second", offsets);
    }
    return { name, dtype, shape, begin: offsets[0], end: offsets[1] };
  });
  return { tensors, metadata: metadata as Record<string, string> };
}

/**
 * The first key that an object of a JSON text holds twice: `JSON.parse` keeps the last in silence, and what two readers of
 * one file see would differ.
 *
 * @param json Valid JSON
 */
function repeatedKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  for (const [token, colon] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (colon !== undefined) {
      const key: string = JSON.parse(token.slice(0, -colon.length));
      const keys = open[open.length - 1];
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isListOfSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isSize);
}
