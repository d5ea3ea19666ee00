/** All that an exact resume needs, as a safetensors file: flat vectors of the weights and the moments of AdamW, and the progress of the run as metadata. */
import { isObject } from "../../common/checks.ts";
import { formatJson } from "../../common/format_value.ts";
import { parseJson } from "../../common/text.ts";
import { HIDDEN, parameterCount, variantOf, WIDTH } from "../../model/variant.ts";
import { refuse, tensorLabel } from "../common/error.ts";
import { type DecodeOptions, decodeSafetensors, encodeSafetensors, type SafetensorsTensor } from "./safetensors.ts";
import { checkVersion, FORMAT_VERSION, STATE_VECTORS } from "./state_dict.ts";

/** The state of a run between two steps. */
export interface TrainingState<Progress extends object = Record<string, unknown>> {
  /** Must be JSON that loses nothing. */
  progress: Progress;
  parameters: Float32Array;
  /** AdamW's running mean of the gradient. */
  firstMoment: Float32Array;
  /** AdamW's running mean of the squared gradient. */
  secondMoment: Float32Array;
  /** The best weights so far, where they are kept. */
  best?: Float32Array;
}

/** @throws {CheckpointError} If the vectors differ in length, a value is not finite, or `progress` holds what JSON would change */
export function encodeState({ progress, parameters, firstMoment, secondMoment, best }: TrainingState<object>) {
  const kept = best && { best_parameters: best };
  const vectors = { parameters, first_moment: firstMoment, second_moment: secondMoment, ...kept };
  const tensors = Object.entries(vectors).map(([name, values]) => ({ name, shape: [values.length], values }));
  checkLengths(tensors, "write the state");
  const losslessly = (key: string, value: unknown) => { // JSON would turn other numbers into null
    if (typeof value !== "number" || Number.isFinite(value)) return value;
    return refuse("write the state", `its progress must hold finite numbers: ${formatJson(key)} is ${value}`);
  };
  const metadata = { format_version: FORMAT_VERSION, progress: JSON.stringify(progress, losslessly) };
  return encodeSafetensors({ tensors, metadata });
}

/** Reads what {@linkcode encodeState} writes; the form of `progress` is the caller's to check. @throws {CheckpointError} If it is anything else */
export function decodeState(bytes: Uint8Array, { source = "the state" }: DecodeOptions = {}): TrainingState {
  const asked = `read ${source}`;
  const { tensors, metadata } = decodeSafetensors(bytes, { source });
  checkVersion(metadata.format_version, asked);
  const unknown = tensors.find(({ name }) => !STATE_VECTORS.includes(name) && name !== "best_parameters");
  if (unknown !== undefined) refuse(asked, `a state has no ${tensorLabel(unknown.name)}: the file holds one`);
  const vectors = Object.fromEntries(tensors.map(({ name, values }) => [name, values]));
  const missing = STATE_VECTORS.find((name) => !(name in vectors));
  if (missing !== undefined) refuse(asked, `a state must have tensor ${missing}: the file holds none of that name`);
  checkLengths(tensors, asked);
  const { parameters, first_moment: firstMoment, second_moment: secondMoment, best_parameters: best } = vectors;
  const must = "its progress must be a JSON object";
  const fail = () => refuse(asked, `${must}: current value is ${formatJson(metadata.progress)}`);
  const progress = parseJson(metadata.progress ?? "", fail);
  if (!isObject(progress)) return fail();
  return { progress, parameters, firstMoment, secondMoment, ...best && { best } };
}

function checkLengths(tensors: readonly SafetensorsTensor[], asked: string): void {
  const expected = tensors.find(({ name }) => name === "parameters")!.values.length;
  const numbers = (most: number) => Array.from({ length: most }, (_, i) => i + 1);
  const names = numbers(WIDTH).slice(1).flatMap((width) => numbers(HIDDEN).map((hidden) => `${width}x${hidden}`));
  const isOf = (name: string) => parameterCount(variantOf(name)) === expected;
  if (!names.some((name) => isOf(name) || isOf(`${name}+norm`))) {
    refuse(asked, `it must be that of a model: current size is ${expected}`);
  }
  for (const { name, values: { length } } of tensors) {
    if (length === expected) continue;
    refuse(asked, `tensor ${name} must be as long as the parameters, ${expected}: current length is ${length}`);
  }
}
