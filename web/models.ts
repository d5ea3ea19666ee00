/**
 * The models that the page has, and the one in hand: what adds, is looked into, proved and saved.
 *
 * @module
 */
import type { ModelName } from "../src/model/variant.ts";

/** A model of the page. */
export interface LabModel {
  /** Which of the page's models: `shipped`, `A`, `B` or `file`. */
  readonly id: string;
  /** How it is called. */
  readonly label: string;
  /** What else is known of it, a line. */
  readonly note: string;
  readonly model: ModelName;
  readonly parameters: Float32Array;
  /** What a file of it says. */
  readonly metadata: Record<string, string>;
}

/** The models by id, and which one is in hand. */
export class Models {
  readonly #models = new Map<string, LabModel>();
  readonly #listeners: (() => void)[] = [];
  #inHand: LabModel;
  /** A model that is taken into the hand as soon as it is there. */
  #awaited: string | undefined;

  /** Takes the first model into the hand. */
  constructor(first: LabModel) {
    this.#models.set(first.id, first);
    this.#inHand = first;
  }

  /** The model in hand. */
  get inHand(): LabModel {
    return this.#inHand;
  }

  /** All models. */
  get all(): LabModel[] {
    return [...this.#models.values()];
  }

  /** Puts a model in the place of what has its id, in the hand as well. */
  put(model: LabModel): void {
    this.#models.set(model.id, model);
    if (model.id === this.#inHand.id || model.id === this.#awaited) this.take(model.id);
    else this.#tell();
  }

  /** Takes a model into the hand. */
  take(id: string): void {
    this.#awaited = undefined;
    this.#inHand = this.#models.get(id) ?? this.#inHand;
    this.#tell();
  }

  /** Takes the next model that is put under this id into the hand. */
  follow(id: string): void {
    this.#awaited = id;
  }

  /** Calls back whenever a model or the hand has changed. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
