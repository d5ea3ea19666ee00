/**
 * All that an exact resume needs, as a safetensors file: weights, both moments of AdamW, and the progress of the run.
 *
 * | tensor | shape |
 * |---|---|
 * | `parameters`, `first_moment`, `second_moment` | [763] or [777] |
 * | `best_parameters`, where a best model is kept | the same |
 *
 * @module
 */
import { MODELS } from "../../model/variant.ts";
import { CheckpointError, excerpt, tensorLabel } from "../common/error.ts";
import { type DecodeOptions, decodeSafetensors, encodeSafetensors } from "./safetensors.ts";

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

const FORMAT_VERSION = "1";
const REQUIRED = ["parameters", "first_moment", "second_moment"];
const BEST = "best_parameters";

/**
 * Writes a state.
 *
 * @example Usage
 * ```ts ignore
 * const state = { progress: { step: 4000 }, parameters, firstMoment, secondMoment };
 * await writeFileAtomically("run/state.safetensors", encodeState(state));
 * ```
 *
 * @returns The bytes of a safetensors file
 * @throws {CheckpointError} If the vectors differ in length, a value is not finite, or `progress` holds what JSON would change
 */
export function encodeState<Progress extends object>(state: TrainingState<Progress>): Uint8Array<ArrayBuffer> {
  const { progress, parameters, firstMoment, secondMoment, best } = state;
  const vectors: [string, Float32Array][] = [
    ["parameters", parameters],
    ["first_moment", firstMoment],
    ["second_moment", secondMoment],
  ];
  if (best !== undefined) vectors.push([BEST, best]);
  for (const [name, values] of vectors) checkLength(name, values, parameters.length, "write the state");
  return encodeSafetensors({
    tensors: vectors.map(([name, values]) => ({ name, shape: [values.length], values })),
    metadata: { format_version: FORMAT_VERSION, progress: JSON.stringify(progress, losslessly) },
  });
}

/**
 * Reads a state. The form of `progress` beyond its being an object is the caller's to check.
 *
 * @example Usage
 * ```ts ignore
 * const source = "run/state.safetensors";
 * const { progress, parameters } = decodeState(await Deno.readFile(source), { source });
 * ```
 *
 * @param bytes The whole file
 * @param options What errors call it
 * @throws {CheckpointError} If it is no safetensors file, or not one that {@linkcode encodeState} writes
 */
export function decodeState(bytes: Uint8Array, { source = "the state" }: DecodeOptions = {}): TrainingState {
  const asked = `read ${source}`;
  const { tensors, metadata } = decodeSafetensors(bytes, { source });
  if (metadata.format_version !== FORMAT_VERSION) {
    throw new CheckpointError(
      `Cannot ${asked} as its format_version must be ${FORMAT_VERSION}: current value is ${
        excerpt(metadata.format_version)
      }`,
    );
  }

  const byName = new Map(tensors.map(({ name, values }) => [name, values]));
  const [parameters, firstMoment, secondMoment] = REQUIRED.map((name) => {
    const values = byName.get(name);
    if (values === undefined) {
      throw new CheckpointError(
        `Cannot ${asked} as a state must have tensor ${name}: the file holds none of that name`,
      );
    }
    return values;
  });
  for (const { name, values } of tensors) {
    if (!REQUIRED.includes(name) && name !== BEST) {
      throw new CheckpointError(`Cannot ${asked} as a state has no ${tensorLabel(name)}: the file holds one`);
    }
    checkLength(name, values, parameters.length, asked);
  }
  const best = byName.get(BEST);
  return {
    progress: parseProgress(metadata.progress, asked),
    parameters,
    firstMoment,
    secondMoment,
    ...(best && { best }),
  };
}

function checkLength(name: string, values: Float32Array, expected: number, asked: string): void {
  if (!MODELS.some((model) => model === expected)) {
    throw new CheckpointError(
      `Cannot ${asked} as it must be that of model ${MODELS.join(" or ")}: current size is ${expected}`,
    );
  }
  if (values.length !== expected) {
    throw new CheckpointError(
      `Cannot ${asked} as tensor ${name} must be as long as the parameters, ${expected}: current length is ${values.length}`,
    );
  }
}

/** Refuses the numbers that JSON would turn into null. */
function losslessly(key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new CheckpointError(
      `Cannot write the state as its progress must hold finite numbers: ${excerpt(key)} is ${value}`,
    );
  }
  return value;
}

function parseProgress(text: string | undefined, asked: string): Record<string, unknown> {
  let progress: unknown;
  try {
    progress = JSON.parse(text ?? "");
  } catch {
    // handled below: what is no JSON is no JSON object
  }
  if (typeof progress !== "object" || progress === null || Array.isArray(progress)) {
    throw new CheckpointError(
      `Cannot ${asked} as its progress must be a JSON object: current value is ${excerpt(text)}`,
    );
  }
  return progress as Record<string, unknown>;
}
