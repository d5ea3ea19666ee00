import type { ModelName } from "../src/model/variant.ts";
import { Changes } from "./hooks.ts";

export interface LabModel {
  /** `shipped`, `A` or `B` for a run, or `file`. */
  readonly id: string;
  readonly label: string;
  /** How it was trained, as far as is known. */
  readonly note: string;
  readonly model: ModelName;
  readonly parameters: Float32Array;
  /** The metadata of its checkpoint file. */
  readonly metadata: Record<string, string>;
}

/** The models of the page, and the current one, which all sections use. */
export class Models extends Changes {
  readonly #models = new Map<string, LabModel>();
  #current: LabModel;
  /** The id of a model that becomes the current one as soon as it exists. */
  #awaited: string | undefined;

  constructor(first: LabModel) {
    super();
    this.#models.set(first.id, first);
    this.#current = first;
  }

  get current(): LabModel {
    return this.#current;
  }

  get all(): LabModel[] {
    return [...this.#models.values()];
  }

  /** Adds a model, or replaces the one with its id. */
  put(model: LabModel): void {
    this.#models.set(model.id, model);
    if (model.id === this.#current.id || model.id === this.#awaited) this.select(model.id);
    else this.changed();
  }

  /** Makes a model the current one. */
  select(id: string): void {
    this.#awaited = undefined;
    this.#current = this.#models.get(id) ?? this.#current;
    this.changed();
  }

  /** Makes the next model that is put under this id the current one. */
  await(id: string): void {
    this.#awaited = id;
  }
}
