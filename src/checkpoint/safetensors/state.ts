/**
 * All that an exact resume needs, as a safetensors file: weights, both moments of AdamW, and the progress of the run.
 *
 * | tensor | shape |
 * |---|---|
 * | `parameters`, `first_moment`, `second_moment` | [763] or [777] |
 * | `best_parameters`, where a best model is kept | the same |
 */
import { formatJson } from "../../common/format_value.ts";
import { HIDDEN, parameterCount, variantOf, WIDTH } from "../../model/variant.ts";
import { refuse, tensorLabel } from "../common/error.ts";
import { type DecodeOptions, decodeSafetensors, encodeSafetensors } from "./safetensors.ts";
import { FORMAT_VERSION } from "./state_dict.ts";

/** The state of a run between two steps. */
export interface TrainingState<Progress extends object = Record<string, unknown>> {
  /** The progress of the run, which JSON must represent exactly. */
  progress: Progress;
  /** The weights. */
  parameters: Float32Array;
  /** AdamW's running mean of the gradient. */
  firstMoment: Float32Array;
  /** AdamW's running mean of the squared gradient. */
  secondMoment: Float32Array;
  /** The best weights so far, where they are kept. */
  best?: Float32Array;
}

/** The tensor of each vector. */
const NAMES = {
  parameters: "parameters",
  firstMoment: "first_moment",
  secondMoment: "second_moment",
  best: "best_parameters",
} as const;
type Vectors = Pick<TrainingState, keyof typeof NAMES>;

/** @throws {CheckpointError} If the vectors differ in length, a value is not finite, or `progress` holds what JSON would change */
export function encodeState<Progress extends object>(state: TrainingState<Progress>): Uint8Array<ArrayBuffer> {
  const tensors = namesIn(state).map(([key, name]) => ({ name, shape: [state[key]!.length], values: state[key]! }));
  checkLengths(state, "write the state");
  return encodeSafetensors({
    tensors,
    metadata: { format_version: FORMAT_VERSION, progress: JSON.stringify(state.progress, losslessly) },
  });
}

/** The vectors that a state has, and the names of their tensors. */
function namesIn(vectors: Vectors): [key: keyof Vectors, name: string][] {
  return Object.entries(NAMES).filter(([key]) => vectors[key as keyof Vectors]) as [keyof Vectors, string][];
}

/** Reads what {@linkcode encodeState} writes; the form of `progress` is the caller's to check. @throws {CheckpointError} If it is anything else */
export function decodeState(bytes: Uint8Array, { source = "the state" }: DecodeOptions = {}): TrainingState {
  const asked = `read ${source}`;
  const { tensors, metadata } = decodeSafetensors(bytes, { source });
  const version = metadata.format_version;
  if (version !== FORMAT_VERSION) {
    refuse(asked, `its format_version must be ${FORMAT_VERSION}: current value is ${formatJson(version)}`);
  }
  const keys = new Map<string, string>(Object.entries(NAMES).map(([key, name]) => [name, key]));
  const unknown = tensors.find(({ name }) => !keys.has(name));
  if (unknown !== undefined) refuse(asked, `a state has no ${tensorLabel(unknown.name)}: the file holds one`);
  const vectors = Object.fromEntries(tensors.map(({ name, values }) => [keys.get(name), values])) as unknown as Vectors;
  for (const [key, name] of Object.entries(NAMES)) {
    if (key === "best" || key in vectors) continue;
    refuse(asked, `a state must have tensor ${name}: the file holds none of that name`);
  }
  checkLengths(vectors, asked);
  return { progress: parseProgress(metadata.progress, asked), ...vectors };
}

function checkLengths(vectors: Vectors, asked: string): void {
  const expected = vectors.parameters.length;
  if (!isModelSize(expected)) refuse(asked, `it must be that of a model: current size is ${expected}`);
  for (const [key, name] of namesIn(vectors)) {
    const { length } = vectors[key]!;
    if (length === expected) continue;
    refuse(asked, `tensor ${name} must be as long as the parameters, ${expected}: current length is ${length}`);
  }
}

function isModelSize(size: number): boolean {
  for (let width = WIDTH; width >= 2; width--) {
    for (let hidden = HIDDEN; hidden >= 1; hidden--) {
      for (const norm of ["", "+norm"]) {
        if (parameterCount(variantOf(`${width}x${hidden}${norm}`)) === size) return true;
      }
    }
  }
  return false;
}

/** Refuses the numbers that JSON would turn into null. */
function losslessly(key: string, value: unknown): unknown {
  if (typeof value !== "number" || Number.isFinite(value)) return value;
  return refuse("write the state", `its progress must hold finite numbers: ${formatJson(key)} is ${value}`);
}

function parseProgress(text: string | undefined, asked: string): Record<string, unknown> {
  let progress: unknown;
  try {
    progress = JSON.parse(text ?? "");
  } catch {
    // handled below: what is no JSON is no JSON object
  }
  if (typeof progress === "object" && progress !== null && !Array.isArray(progress)) {
    return progress as Record<string, unknown>;
  }
  return refuse(asked, `its progress must be a JSON object: current value is ${formatJson(text)}`);
}
