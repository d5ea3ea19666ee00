/** The shaders of a variant on a device, and how requests are packed for them. */
import type { Operands } from "../../model/problem.ts";
import type { ModelName, Variant } from "../../model/variant.ts";
import type { StepOptions, TrainRun } from "../interface/types.ts";
import type { Gpu } from "./device.ts";
import type { EntryPoint } from "./shaders/entries.ts";
import { packingOf } from "./shaders/layout.ts";
import { BINDINGS, constantsOf, RUN, shaderOf } from "./shaders/mod.ts";

export type Program = Awaited<ReturnType<typeof compileProgram>>;

/** Compiles the shaders of a variant. @throws {EngineError} If they do not compile */
export async function compileProgram(gpu: Gpu, variant: Variant, code: string = shaderOf(variant)) {
  const { device } = gpu;
  const descriptor = { label: `tiny-adder ${variant.name}`, code };
  const module = await gpu.try("compile the shaders", () => device.createShaderModule(descriptor));
  const layout = device.createBindGroupLayout({
    entries: BINDINGS.map(({ access }, binding) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: access === "read" ? "read-only-storage" : "storage" },
    })),
  });
  const pipelineLayout = device.createPipelineLayout({ bindGroupLayouts: [layout] });
  const pipelines: Partial<Record<EntryPoint, Promise<GPUComputePipeline>>> = {};
  return {
    ...{ gpu, variant, layout, packing: packingOf(variant), constants: constantsOf(variant) },
    /** The pipeline of an entry point, compiled when it is first used. @throws {EngineError} If it does not compile */
    pipeline(entryPoint: EntryPoint): Promise<GPUComputePipeline> {
      const descriptor = { label: entryPoint, layout: pipelineLayout, compute: { module, entryPoint } };
      const compile = () => device.createComputePipelineAsync(descriptor);
      return pipelines[entryPoint] ??= gpu.try(`compile the shader ${entryPoint}`, compile);
    },
  };
}

const programs = new WeakMap<Gpu, Partial<Record<ModelName, Promise<Program>>>>();

/** The program of a variant, once per device. @throws {EngineError} If the shaders do not compile */
export function programOf(gpu: Gpu, variant: Variant): Promise<Program> {
  const own = programs.get(gpu) ?? {};
  programs.set(gpu, own);
  return own[variant.name] ??= compileProgram(gpu, variant);
}

/** What one model is asked to do in one submission. */
export interface RunRequest
  extends
    Omit<Required<StepOptions>, "learningRate">,
    Pick<TrainRun, "seed" | "attempt" | "firstSample" | "minDigits" | "maxDigits"> {
  vectors: readonly Float32Array[]; // weights, then for steps the first and the second moments
  batch: number;
  learningRates: readonly number[]; // that of each step
  stepsBefore: number; // that AdamW has taken
  updates: boolean; // whether the steps are taken, or only a gradient or an answer is computed
  operands?: Operands; // examples instead of drawn ones; the same for each step
}

/** A request, and the fields of `Run` that depend on how it is dispatched. */
export type Run = RunRequest & Record<"stride" | "radix" | "taught", number>;

const RUN_FIELDS = Object.entries(RUN) as [name: keyof typeof RUN, type: "u32" | "f32"][];
/** The least normal float32: at 0 a weight whose gradient is always 0 would become 0 / 0. */
const LEAST_EPSILON = 2 ** -126;
const HALF = 100_000;

export function packRuns(runs: readonly Run[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(RUN_FIELDS.length * runs.length);
  const floats = new Float32Array(words.buffer);
  let [firstStep, firstProblem] = [0, 0];
  runs.forEach(({ learningRates: { length: steps }, operands, updates, vectors: _, ...run }, i) => {
    const fields: Record<keyof typeof RUN, number> = {
      ...{ ...run, firstStep, steps, updates: Number(updates), given: operands === undefined ? 0 : 1, firstProblem },
      ...{ rest1: 1 - run.beta1, rest2: 1 - run.beta2, epsilon: Math.max(run.epsilon, LEAST_EPSILON) },
      clipNorm: Number.isFinite(run.clipNorm) ? run.clipNorm : 0,
    };
    for (const [k, [name, type]] of RUN_FIELDS.entries()) {
      (type === "u32" ? words : floats)[RUN_FIELDS.length * i + k] = fields[name];
    }
    firstStep += steps;
    firstProblem += (operands?.length ?? 0) / 2;
  });
  return words;
}

/** `Step` in shaders/mod.ts: AdamW's corrections are computed here, in doubles, as `optimizerStep` of assembly/optimizer.ts does. */
export function packSteps(runs: readonly Run[]): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    runs.flatMap(({ learningRates, weightDecay, beta1, beta2, stepsBefore }) =>
      learningRates.flatMap((rate, k) => {
        const t = stepsBefore + k + 1;
        return [rate / (1 - beta1 ** t), 1 / Math.sqrt(1 - beta2 ** t), 1 - rate * weightDecay];
      })
    ),
  );
}

/** Operands as halves of five digits, four words a problem. */
export function packProblems(runs: readonly Run[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(runs.reduce((sum, { operands }) => sum + 2 * (operands?.length ?? 0), 0));
  let at = 0;
  for (const { operands = [] } of runs) {
    for (const operand of operands) {
      words[at++] = Math.floor(operand / HALF);
      words[at++] = operand % HALF;
    }
  }
  return words;
}
