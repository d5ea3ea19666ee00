import { decodeCheckpoint } from "../src/checkpoint/safetensors/checkpoint.ts";
import { formatInteger } from "../src/common/format_value.ts";
import { planeFor } from "./arc.ts";
import { Changes } from "./changes.ts";
import { LabRun, type Slot } from "./lab_run.ts";
import type { LabModel, Models } from "./models.ts";
import type { Proof } from "./proof.ts";
import type { TrainRequest, Weights } from "./protocol.ts";

/** Up to two runs. Their weights are models of the page: the latest ones, or a snapshot. */
export class Runs extends Changes {
  readonly #runs = new Map<Slot, LabRun>();
  /** The final weights of runs that may be replayed. */
  readonly #ends = new Map<string, Pick<LabModel, "model" | "parameters">>();
  /** The step of the snapshot that the page shows of the {@linkcode focus}; undefined: its latest weights. */
  rewound: number | undefined;

  constructor(private readonly models: Models, private readonly proof: Proof) {
    super();
  }

  get all(): LabRun[] {
    return [...this.#runs.values()];
  }

  /** The run whose weights the page shows; if it shows others, the one that started last. */
  get focus(): LabRun | undefined {
    return this.all.find(({ slot }) => slot === this.models.current.id) ?? this.all.at(-1);
  }

  /** The slot for the next run: an empty one, or that of the run that started first and has ended; undefined while both runs are open. */
  get freeSlot(): Slot | undefined {
    return (["A", "B"] as const).find((slot) => !this.#runs.has(slot)) ?? this.all.find(({ isOpen }) => !isOpen)?.slot;
  }

  /** Remembers the final weights of a run, so that the plane of its digits is fixed when it is replayed. */
  knowEnd(request: Replayed, parameters: Float32Array): void {
    this.#ends.set(keyOf(request), { model: request.model, parameters });
  }

  /** @param step The step to return to when the run has ended */
  start(request: TrainRequest, step?: number): void {
    const slot = this.freeSlot;
    if (slot === undefined) return;
    this.#runs.delete(slot); // keeps the map in the order of starting
    const end = isReplayable(request) ? this.#ends.get(keyOf(request)) : undefined;
    let last: LabRun["weights"];
    const run = new LabRun(slot, request, end && planeFor(end), (run) => {
      if (run.weights !== last) this.#putWeights(run, last === undefined);
      last = run.weights;
      if (run.status === "done" && step !== undefined) this.rewind(step);
      this.changed();
    });
    this.#runs.set(slot, run);
    this.changed();
  }

  #putWeights(run: LabRun, areFirst: boolean): void {
    const model = modelOf(run, run.weights!);
    const isFocus = areFirst || this.models.current.id === run.slot;
    if (isFocus && run.snapshots.length === 1) this.rewound = undefined; // a new run or attempt
    if (!isFocus || this.rewound === undefined) this.models.put(model);
    if (areFirst) this.models.select(run.slot);
    if (run.status !== "done") return;
    this.models.keep(model);
    if (isReplayable(run.request)) this.knowEnd(run.request, model.parameters);
    const { certificate, report } = run.result!;
    if (report.certified === null || this.models.current.id !== run.slot) return;
    const { counterexample } = report;
    this.proof.show(model, { certificate, counterexample, undecided: null, steps: certificate?.steps ?? [] });
  }

  /** Shows the weights of the focus at the last snapshot up to a step; undefined, or the last snapshot: its latest weights. */
  rewind(step: number | undefined): void {
    const run = this.focus;
    const snapshots = run?.snapshots ?? [];
    if (run?.weights === undefined || snapshots.length === 0) return;
    const index = step === undefined ? -1 : Math.max(0, snapshots.findLastIndex((snapshot) => snapshot.step <= step));
    const isLatest = index < 0 || index === snapshots.length - 1;
    this.rewound = isLatest ? undefined : snapshots[index].step;
    this.models.put(modelOf(run, isLatest ? run.weights : snapshots[index]));
    this.models.select(run.slot);
    this.changed();
  }
}

type Replayed = Pick<TrainRequest, "recipe" | "seed" | "model">;

function keyOf({ recipe, seed, model }: Replayed): string {
  return `${recipe} ${seed} ${model}`;
}

/** Whether the same request gives the same bytes everywhere. */
export function isReplayable({ backend, arithmetic }: TrainRequest): boolean {
  return backend === "wasm" && arithmetic !== "fast";
}

function modelOf({ slot, request, result, plane }: LabRun, { step, parameters }: Weights): LabModel {
  const { recipe, seed } = request;
  const isFinal = parameters === result?.parameters;
  return {
    id: slot,
    label: `run ${slot} (${recipe}, seed ${seed})`,
    note: isFinal ? `trained for ${formatInteger(step)} steps` : `at step ${formatInteger(step)}`,
    model: request.model,
    parameters,
    ...(plane && { plane }),
    metadata: isFinal
      ? decodeCheckpoint(result!.checkpoint).metadata
      : { kind: "train", recipe, seed: String(seed), step: String(step) },
  };
}
