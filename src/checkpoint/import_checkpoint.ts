import type { OptionKinds } from "../common/options.ts";
import { variantOf } from "../model/variant.ts";
import { type Bytes, bytesFrom } from "./common/bytes.ts";
import { refuse } from "./common/error.ts";
import { identify, looksLikePickle, zipKind } from "./common/identify.ts";
import { PickleDict, type PickleValue, readPickle } from "./common/pickle_reader.ts";
import { looksLikeZip, readZip, unpackZip, zipNames } from "./common/zip.ts";
import { findModel } from "./find_model.ts";
import { readNpz } from "./numpy/npz.ts";
import { CALLS, metadataOf, readArchive } from "./pytorch/pytorch.ts";
import { type Checkpoint, CHECKPOINT_OPTIONS, type DecodeCheckpointOptions } from "./safetensors/checkpoint.ts";
import { askedOf, looksLikeSafetensors, openSafetensors } from "./safetensors/safetensors.ts";
import { checkpointOf } from "./safetensors/state_dict.ts";

/** What is read, in messages and in the help. */
export const READABLE =
  "a file of torch.save (.pt, .ckpt), safetensors, NumPy (.npz) or pickled Flax parameters (.pkl)";

/** Options of {@linkcode importCheckpoint}. */
export interface ImportOptions extends DecodeCheckpointOptions {
  /** Where the model is, if the file holds several: the keys that lead to it, with dots between them. @default {the only one} */
  key?: string;
}

const IMPORT_OPTIONS: OptionKinds<ImportOptions> = { ...CHECKPOINT_OPTIONS, key: "a text" };

/** A checkpoint that another program wrote. */
export interface ImportedCheckpoint extends Checkpoint {
  /** The types of the weights in the file, such as float32. Float16 and bfloat16 are read exactly, float64 is rounded to float32. */
  types: string[];
}

/**
 * Reads the weights of a model from a whole file of another program, whatever else it holds: `torch.save` (PyTorch 1.6 or later), safetensors,
 * `.npz` of NumPy, or a pickle of NumPy or JAX arrays, such as Flax parameters of gpt-acc-jax. The bytes say which. No code in the file is run.
 *
 * @example Usage
 * ```ts
 * import { encodeNpz, importCheckpoint } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const npz = encodeNpz({ model: 763, parameters: new Float32Array(763), metadata: {} });
 * const { model, types } = await importCheckpoint(npz, { source: "adder.npz" });
 * assertEquals([model, types], [763, ["float32"]]);
 * ```
 *
 * @throws {CheckpointError} If it is another file, or does not hold the weights of one model; the message says what it is
 * @throws {TypeError} If there is an unknown option
 */
export async function importCheckpoint(file: Bytes, options: ImportOptions = {}): Promise<ImportedCheckpoint> {
  const asked = askedOf(options, IMPORT_OPTIONS);
  const bytes = bytesFrom(file, asked);
  if (looksLikeSafetensors(bytes)) {
    const { tensors, metadata } = openSafetensors(bytes, asked);
    return modelIn(new PickleDict(new Map(tensors)), asked, options, metadata);
  }
  const kind = looksLikeZip(bytes) ? zipKind(zipNames(bytes)) : undefined;
  if (kind === "NumPy") return modelIn(readNpz(await unpackZip(bytes, asked), asked), asked, options);
  if (kind === "torch.save") return modelIn(readArchive(await unpackZip(bytes, asked), asked), asked, options);
  if (looksLikePickle(bytes)) return modelIn(readPickle(bytes, CALLS, asked), asked, options);
  return refuseFile(bytes, asked, READABLE);
}

/**
 * Reads a whole file that `torch.save` of PyTorch 1.6 or later wrote, without running any code in it. The file must hold one state dict, by itself or
 * nested in other data, which is ignored. An output projection is accepted if it equals `tok_emb.weight`; causal masks are ignored.
 *
 * @example Usage
 * ```ts
 * import { decodePyTorchCheckpoint, encodePyTorchCheckpoint } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodePyTorchCheckpoint({ model: 763, parameters: new Float32Array(763), metadata: { seed: "7" } });
 * assertEquals(decodePyTorchCheckpoint(bytes, { source: "adder.pt" }).metadata.seed, "7");
 * ```
 *
 * @throws {CheckpointError} If it is not such a file, asks for what could do harm, or does not hold the weights of one model
 * @throws {TypeError} If there is an unknown option
 */
export function decodePyTorchCheckpoint(file: Bytes, options: DecodeCheckpointOptions = {}): Checkpoint {
  const asked = askedOf(options, CHECKPOINT_OPTIONS);
  const bytes = bytesFrom(file, asked);
  if (!looksLikeZip(bytes)) return refuseFile(bytes, asked, "a file of torch.save, version 1.6 or later");
  const { types: _, ...checkpoint } = modelIn(readArchive(readZip(bytes, asked), asked), asked, options);
  return checkpoint;
}

/** The one model in a file. @param ofFile The metadata of a format that has some for the whole file */
function modelIn(root: PickleValue, asked: string, { key, model }: ImportOptions, ofFile?: Record<string, string>) {
  const { tensors, dict, variant } = findModel(root, asked, key);
  const checkpoint = checkpointOf(tensors, { metadata: ofFile ?? metadataOf(dict), asked, model, variant });
  const types = new Set(variantOf(checkpoint.model).tensors.map(({ name }) => tensors.get(name)!.type));
  return { ...checkpoint, types: [...types] };
}

/** Refuses a file that is none of those that are read. @param must What it must be */
function refuseFile(bytes: Uint8Array, asked: string, must: string): never {
  const found = identify(bytes, asked) ?? `a file that begins with the bytes [${bytes.subarray(0, 4)}]`;
  return refuse(asked, `it must be ${must}: it is ${found}`);
}
