import { decodeCheckpoint } from "../src/checkpoint/safetensors/checkpoint.ts";
import { formatInteger } from "../src/common/format_value.ts";
import { Changes } from "./hooks.ts";
import { LabRun, type Slot } from "./lab_run.ts";
import type { LabModel, Models } from "./models.ts";
import type { Proof } from "./proof.ts";
import type { TrainRequest } from "./protocol.ts";

export const SLOTS: readonly Slot[] = ["A", "B"];

/** Up to two runs. Their weights are models of the page. */
export class Runs extends Changes {
  readonly #runs = new Map<Slot, LabRun>();
  readonly #models: Models;
  readonly #proof: Proof;
  /** Why the last run could not start. */
  problem = "";

  constructor(models: Models, proof: Proof) {
    super();
    this.#models = models;
    this.#proof = proof;
  }

  get all(): LabRun[] {
    return [...this.#runs.values()];
  }

  /** The slot for the next run: an empty one, or that of the run that started first and has ended; undefined while both runs are open. */
  get freeSlot(): Slot | undefined {
    return SLOTS.find((slot) => !this.#runs.has(slot)) ?? this.all.find(({ isOpen }) => !isOpen)?.slot;
  }

  refuse(problem: string): void {
    this.problem = problem;
    this.changed();
  }

  start(request: TrainRequest): void {
    const slot = this.freeSlot;
    if (slot === undefined) return;
    this.problem = "";
    this.#runs.get(slot)?.dismiss();
    this.#runs.delete(slot); // keeps the map in the order of starting
    this.#models.await(slot);
    let last: LabRun["weights"];
    const run = new LabRun(slot, request, (run) => {
      this.changed();
      if (run.weights === last) return;
      last = run.weights;
      const model = modelOf(run);
      if (run.status === "done") this.#models.finish(model);
      else this.#models.put(model);
      const { certificate, report } = run.result ?? {};
      if (run.status !== "done" || report!.certified === null || this.#models.current !== model) return;
      const { counterexample } = report!;
      const steps = certificate?.steps ?? [];
      this.#proof.show(model, { certificate: certificate ?? null, counterexample, undecided: null, steps });
    });
    this.#runs.set(slot, run);
    this.changed();
  }
}

/** The model of a run, which must have weights. */
function modelOf({ slot, request, weights, result }: LabRun): LabModel {
  const { step, parameters } = weights!;
  const { recipe, seed, model } = request;
  return {
    id: slot,
    label: `run ${slot} (${recipe}, seed ${seed})`,
    note: `${result === undefined ? "at step" : "trained for"} ${formatInteger(step)}${
      result === undefined ? "" : " steps"
    }`,
    ...{ model, parameters },
    metadata: result === undefined
      ? { kind: "train", recipe, seed: String(seed), step: String(step) }
      : decodeCheckpoint(result.checkpoint).metadata,
  };
}
