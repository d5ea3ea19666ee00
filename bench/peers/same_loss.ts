/**
 * Checks that a rival computes what we compute: the same loss from the same weights and tokens.
 *
 * @module
 */
import { join } from "@std/path";
import { ARITHMETICS, createEngine } from "../../src/engine/mod.ts";
import { type ModelName, parameterCount, tensorView, variantOf } from "../../src/model/variant.ts";
import { SUM_DIGITS } from "../../src/model/vocabulary.ts";
import { CommandError, runCommand } from "./command.ts";
import { GOLDEN_SET, type Workshop } from "./workshop.ts";

/** How far two float32 losses of the same thing may be apart. */
const TOLERANCE = 1e-5;

/** What a check found. */
export interface CheckResult {
  /** Whether the rival computes what we compute. */
  same: boolean;
  /** A few words for the table. */
  text: string;
}

/** A check of one rival. */
export type Check = (workshop: Workshop) => Promise<CheckResult>;

/** A loss, and what it was computed from. */
interface LossSample {
  loss: number;
  model: ModelName;
  parameters: Float32Array;
  operands: Float64Array;
}

/** Computes the loss of a sample with our engines and compares. */
async function compare({ loss, model, parameters, operands }: LossSample): Promise<CheckResult> {
  let apart = 0;
  for (const arithmetic of ARITHMETICS) {
    const engine = await createEngine({ backend: "wasm", model, arithmetic });
    engine.setParameters(parameters);
    const ours = await engine.lossAndGradient(operands);
    apart = Math.max(apart, Math.abs(ours.loss - loss));
    await engine.dispose();
  }
  const same = apart <= TOLERANCE;
  const distance = apart === 0 ? "to the last bit" : `within ${apart.toExponential(0)}`;
  return { same, text: same ? `same ${distance}` : `DIFFERENT: ${loss}, ${apart.toExponential(0)} from ours` };
}

const POSITIONS = 33;

/** Operands of sequences of 33 tokens: ten digits, +, ten digits, =, the sum. */
function operandsOf(tokens: ArrayLike<number>): Float64Array {
  const count = tokens.length / POSITIONS;
  const numberAt = (from: number) => {
    let value = 0;
    for (let k = 0; k < 10; k++) value = 10 * value + tokens[from + k];
    return value;
  };
  const operands = new Float64Array(2 * count);
  for (let i = 0; i < count; i++) {
    operands[2 * i] = numberAt(i * POSITIONS);
    operands[2 * i + 1] = numberAt(i * POSITIONS + 11);
  }
  return operands;
}

interface GoldenJson {
  weights: Record<string, number[]>;
  batches: { operands: [string, string][]; greedy12_float64: number[][] }[];
}

/** The golden weights as a flat vector, and the operands of the first golden batch. */
async function readGolden({ folder }: Workshop) {
  const { weights, batches: [batch] }: GoldenJson = JSON.parse(
    await Deno.readTextFile(join(folder, `${GOLDEN_SET}.json`)),
  );
  const variant = variantOf(763);
  const parameters = new Float32Array(parameterCount(variant));
  for (const { name, offset } of variant.tensors) parameters.set(weights[name], offset);
  return { parameters, operands: Float64Array.from(batch.operands.flat(), Number), greedy: batch.greedy12_float64 };
}

/** Parses the last line of a program's output. */
export function readLastJson(stdout: string): Record<string, unknown> {
  const line = stdout.trim().split("\n").at(-1) ?? "";
  try {
    return JSON.parse(line);
  } catch {
    throw new CommandError(`no result in its output: ${line.slice(0, 80)}`);
  }
}

/** For a rival that prints { loss } of the golden weights and tokens. */
export function goldenLoss(command: (workshop: Workshop) => string[]): Check {
  return async (workshop) => {
    const { stdout } = await runCommand(command(workshop), workshop);
    const { parameters, operands } = await readGolden(workshop);
    return await compare({ loss: Number(readLastJson(stdout).loss), model: 763, parameters, operands });
  };
}

/** For the native program, which writes weights, tokens and loss of its own into files. */
export function nativeLoss(binary: string): Check {
  return async (workshop) => {
    const folder = join(workshop.folder, "native");
    await runCommand([`./${binary}`, "grad", "bs=128"], { folder });
    const buffer = async (name: string) => (await Deno.readFile(join(folder, name))).buffer;
    return await compare({
      loss: new Float32Array(await buffer("t_l.bin"))[0],
      model: 763,
      parameters: new Float32Array(await buffer("t_p.bin")),
      operands: operandsOf(new Int32Array(await buffer("t_tok.bin"))),
    });
  };
}

type Recorded = { shape: number[]; values: number[] };

/** Transposes a matrix: TensorFlow.js has its linear layers as [in, out], we as [out, in]. */
function transpose({ shape: [rows, columns], values }: Recorded): number[] {
  return values.map((_, i) => values[i % rows * columns + Math.floor(i / rows)]);
}

/** The tensors of `tfjs_careful_peer.mjs` in its order, by our names; its position embedding lacks the two positions never read. */
const TFJS_TENSORS = [
  "tok_emb.weight",
  "pos_emb.weight",
  "blocks.0.ln1.weight",
  "blocks.0.ln1.bias",
  "blocks.0.attn.qkv.weight",
  "blocks.0.attn.proj.weight",
  "blocks.0.ln2.weight",
  "blocks.0.ln2.bias",
  "blocks.0.ffn.w1.weight",
  "blocks.0.ffn.w2.weight",
  "ln_f.weight",
  "ln_f.bias",
];

/** For `tfjs_careful_peer.mjs`, whose weights and tokens `tfjs_careful_loss.mjs` lets us see. It is our model with a final norm. */
export const tfjsCarefulLoss: Check = async (workshop) => {
  const command = ["node", "--import", "./tfjs_careful_loss.mjs", "tfjs_careful_peer.mjs", "--batch=8", "--steps=1"];
  const { stdout } = await runCommand(command, workshop);
  const { parameters: recorded, inputs: [tokens] }: { parameters: Recorded[]; inputs: Recorded[] } = JSON.parse(
    stdout.split("\n")[0],
  );
  const variant = variantOf(777);
  const parameters = new Float32Array(parameterCount(variant));
  for (const [i, name] of TFJS_TENSORS.entries()) {
    const isLinear = name.startsWith("blocks") && recorded[i].shape.length === 2;
    tensorView(parameters, variant, name).set(isLinear ? transpose(recorded[i]) : recorded[i].values);
  }
  const [loss] = readLastJson(stdout).loss as number[];
  return await compare({ loss, model: 777, parameters, operands: operandsOf(tokens.values) });
};

/** For ONNX Runtime, which has no loss: its decoded digits and ours against those that PyTorch decoded. */
export const onnxDigits: Check = async (workshop) => {
  const golden = `${GOLDEN_SET}.json`;
  const { stdout } = await runCommand(["node", "onnx/onnx_peer.mjs", "--task", "check", "--golden", golden], workshop);
  const { parameters, operands, greedy } = await readGolden(workshop);
  const engine = await createEngine({ backend: "wasm" });
  engine.setParameters(parameters);
  const decoded = await engine.decode(operands);
  await engine.dispose();
  const wanted = greedy.flat();
  const digits = wanted.length - greedy.length; // its graph stops after the eleven digits
  const ours = wanted.every((token, i) => i % (SUM_DIGITS + 1) === SUM_DIGITS || decoded[i] === token);
  const theirs = readLastJson(stdout).greedySame;
  const same = ours && theirs === `${digits}/${digits}`;
  return { same, text: same ? `no loss; same ${digits} digits` : `DIFFERENT digits: ${theirs} of its own are right` };
};
