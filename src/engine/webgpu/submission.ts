/**
 * One submission: what is asked goes to the GPU's buffers, shaders are dispatched, what is wanted comes back.
 *
 * @module
 */
import type { Operands } from "../../model/problem.ts";
import { packProblems, packRuns, packSteps, RUN_BYTES, type RunRequest, STEP_BYTES, type StepRequest } from "./jobs.ts";
import type { Buffers } from "./program.ts";
import type { EntryPoint } from "./shaders/entries.ts";
import { TABLE, workspaceOf } from "./shaders/mod.ts";

/** Bytes of a vec4f. */
export const VEC4 = 16;

/** Workgroups of one entry point. */
export interface Dispatch {
  entryPoint: EntryPoint;
  groups: readonly [x: number, y?: number];
}

/** Bytes that come back. */
export interface Copy {
  name: "reports" | "states" | "workspace";
  at: number;
  bytes: number;
}

/** What a submission is made of. */
export interface Submission {
  runs: readonly RunRequest[];
  steps: readonly StepRequest[];
  problems: readonly Operands[];
  /** Workgroups that need a workspace of their own. */
  workspaces: number;
  /** Dispatches before all others. */
  first?: readonly Dispatch[];
  dispatches: readonly Dispatch[];
  /** How often `dispatches` are done. @default {1} */
  repeats?: number;
  copies: readonly Copy[];
}

/**
 * Submits, and waits for what comes back.
 *
 * @returns The floats of each copy
 * @throws {GpuError} If the device is lost or refuses it
 */
export async function submit(
  buffers: Buffers,
  { runs, steps, problems, workspaces, first = [], dispatches, repeats = 1, copies }: Submission,
): Promise<Float32Array[]> {
  const { gpu } = buffers.program;
  const { device, counts } = gpu;
  const pipelines = new Map<EntryPoint, GPUComputePipeline>();
  for (const { entryPoint } of [...first, ...dispatches]) {
    if (!pipelines.has(entryPoint)) pipelines.set(entryPoint, await buffers.program.pipeline(entryPoint));
  }
  const length = copies.reduce((sum, { bytes }) => sum + bytes, 0);
  return await gpu.try("run the model", async () => {
    buffers.reserve("runs", RUN_BYTES * runs.length);
    buffers.reserve("schedule", STEP_BYTES * steps.length);
    buffers.reserve("reports", 8 * steps.length);
    buffers.reserve("tables", VEC4 * TABLE * runs.length);
    buffers.reserve("workspace", VEC4 * workspaceOf(buffers.program.variant).vectors * workspaces);
    buffers.write("runs", packRuns(runs));
    buffers.write("schedule", packSteps(steps));
    buffers.write("cursors", new Uint32Array(runs.length));
    const given = problems.map(packProblems);
    buffers.reserve("problems", given.reduce((sum, { byteLength }) => sum + byteLength, 0));
    given.reduce((at, words) => (buffers.write("problems", words, at), at + words.byteLength), 0);

    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setBindGroup(0, buffers.group());
    const dispatch = ({ entryPoint, groups: [x, y] }: Dispatch) => {
      pass.setPipeline(pipelines.get(entryPoint)!);
      pass.dispatchWorkgroups(x, y);
      counts.dispatches++;
    };
    first.forEach(dispatch);
    for (let i = 0; i < repeats; i++) dispatches.forEach(dispatch);
    pass.end();
    const staging = device.createBuffer({
      size: length,
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    });
    copies.reduce((to, { name, at, bytes }) => {
      encoder.copyBufferToBuffer(buffers.get(name), at, staging, to, bytes);
      return to + bytes;
    }, 0);
    device.queue.submit([encoder.finish()]);
    counts.submissions++;
    counts.bytesRead += length;
    try {
      await staging.mapAsync(GPUMapMode.READ);
      const bytes = staging.getMappedRange();
      let from = 0;
      return copies.map(({ bytes: size }) => new Float32Array(bytes.slice(from, from += size)));
    } finally {
      staging.destroy();
    }
  });
}
