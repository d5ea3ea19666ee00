import { decodeCheckpoint } from "../src/checkpoint/safetensors/checkpoint.ts";
import { formatInteger } from "../src/common/format_value.ts";
import { planeFor } from "./look_inside.ts";
import { Changes } from "./hooks.ts";
import { LabRun, type Slot } from "./lab_run.ts";
import { type LabModel, models } from "./models.ts";
import { proof } from "./proof.ts";
import type { TrainRequest, Weights } from "./protocol.ts";

/** Up to two runs. Their weights are models of the page: the latest ones, or a snapshot. */
class Runs extends Changes {
  /** In the order of starting. */
  all: readonly LabRun[] = [];
  /** The final weights of runs that may be replayed. */
  readonly #ends = new Map<string, Pick<LabModel, "model" | "parameters">>();

  /** The run whose weights the page shows. */
  get current(): LabRun | undefined {
    return this.all.find(({ slot }) => slot === models.current.id);
  }

  /** The run whose weights the page shows; if it shows others, the one that started last. */
  get focus(): LabRun | undefined {
    return this.current ?? this.all.at(-1);
  }

  /** The slot for the next run: an empty one, or that of the run that started first and has ended; undefined while both runs are open. */
  get freeSlot(): Slot | undefined {
    const isEmpty = (slot: Slot) => this.all.every((run) => run.slot !== slot);
    return (["A", "B"] as const).find(isEmpty) ?? this.all.find(({ isOpen }) => !isOpen)?.slot;
  }

  /** Remembers the final weights of a run, so that the plane of its digits is fixed when it is replayed. */
  knowEnd(request: Parameters<typeof keyOf>[0], parameters: Float32Array): void {
    this.#ends.set(keyOf(request), { model: request.model, parameters });
  }

  /** @param step The step to return to when the run has ended */
  start(request: TrainRequest, step?: number): void {
    const slot = this.freeSlot;
    if (slot === undefined) return;
    const end = isReplayable(request) ? this.#ends.get(keyOf(request)) : undefined;
    let last: Weights | undefined;
    const run = new LabRun(slot, request, end && planeFor(end), (run) => {
      const weights = run.snapshots.at(-1);
      if (weights !== last) this.#put(run, weights!, last === undefined);
      last = weights;
      if (run.status === "done" && step !== undefined) this.rewind(step);
      this.changed();
    });
    this.all = [...this.all.filter((run) => run.slot !== slot), run];
    this.changed();
  }

  #put(run: LabRun, weights: Weights, areFirst: boolean): void {
    const model = modelOf(run, weights);
    if (run.snapshots.length === 1) run.rewound = undefined; // a new attempt
    if (run.rewound === undefined) models.put(model);
    if (areFirst) models.select(run.slot);
    if (run.status !== "done") return;
    models.keep(model);
    if (isReplayable(run.request)) this.knowEnd(run.request, model.parameters);
    const { certificate, report } = run.result!;
    if (report.certified === null || models.current.id !== run.slot) return;
    const { counterexample } = report;
    proof.show(model, { certificate, counterexample, undecided: null, steps: certificate?.steps ?? [] });
  }

  /** Shows the weights of the focus at the last snapshot up to a step, or its latest ones. */
  rewind(step = Infinity): void {
    const run = this.focus;
    const weights = run?.snapshots.findLast((snapshot) => snapshot.step <= step);
    if (run === undefined || weights === undefined) return;
    run.rewound = weights === run.snapshots.at(-1) ? undefined : weights.step;
    models.show(modelOf(run, weights));
    this.changed();
  }
}

export const runs = new Runs();

function keyOf({ recipe, seed, model }: Pick<TrainRequest, "recipe" | "seed" | "model">): string {
  return `${recipe} ${seed} ${model}`;
}

/** Whether the same request gives the same bytes everywhere. */
export function isReplayable({ backend, arithmetic }: TrainRequest): boolean {
  return backend === "wasm" && arithmetic !== "fast";
}

function modelOf({ slot, request, result, plane }: LabRun, { step, parameters }: Weights): LabModel {
  const { recipe, seed, model } = request;
  const isFinal = parameters === result?.parameters;
  return {
    ...{ id: slot, label: `run ${slot} (${recipe}, seed ${seed})`, model, parameters, plane },
    note: isFinal ? `trained for ${formatInteger(step)} steps` : `at step ${formatInteger(step)}`,
    metadata: isFinal
      ? decodeCheckpoint(result!.checkpoint).metadata
      : { kind: "train", recipe, seed: String(seed), step: String(step) },
  };
}
