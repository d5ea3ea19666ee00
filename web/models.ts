import type { ModelName } from "../src/model/variant.ts";

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

/** The models of the page, and the current one (`inHand`), which all sections use. */
export class Models {
  readonly #models = new Map<string, LabModel>();
  readonly #listeners: (() => void)[] = [];
  #inHand: LabModel;
  /** The id of a model that becomes the current one as soon as it exists. */
  #awaited: string | undefined;

  constructor(first: LabModel) {
    this.#models.set(first.id, first);
    this.#inHand = first;
  }

  get inHand(): LabModel {
    return this.#inHand;
  }

  get all(): LabModel[] {
    return [...this.#models.values()];
  }

  /** Adds a model, or replaces the one with its id. */
  put(model: LabModel): void {
    this.#models.set(model.id, model);
    if (model.id === this.#inHand.id || model.id === this.#awaited) this.take(model.id);
    else this.#tell();
  }

  /** Makes a model the current one. */
  take(id: string): void {
    this.#awaited = undefined;
    this.#inHand = this.#models.get(id) ?? this.#inHand;
    this.#tell();
  }

  /** Makes the next model that is put under this id the current one. */
  follow(id: string): void {
    this.#awaited = id;
  }

  /** Calls back whenever a model changes or another one becomes current. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
