import { decodeCheckpoint, encodeCheckpoint } from "../src/checkpoint/safetensors/checkpoint.ts";
import { fromBase64, toBase64 } from "../src/common/encoding.ts";
import type { Plane } from "../src/inspection/plane.ts";
import type { ModelName } from "../src/model/variant.ts";
import { Changes } from "./changes.ts";

export interface LabModel {
  /** `untrained`, `shipped`, `A` or `B` for a run, `hardened`, `kept` or `file`. */
  readonly id: string;
  readonly label: string;
  /** How it was trained, as far as is known. */
  readonly note: string;
  readonly model: ModelName;
  readonly parameters: Float32Array;
  readonly metadata: Record<string, string>;
  /** The plane in which its digits are drawn, if that does not depend on these weights alone. */
  readonly plane?: Plane;
}

/** Where the browser keeps the weights of the last run that ended. */
const KEPT = "tiny-adder-lab model";

/** The model in a file. @throws {CheckpointError} If it is not a checkpoint; the message says why */
export function decodeModel(bytes: Uint8Array, { id, label }: Pick<LabModel, "id" | "label">): LabModel {
  const { model, parameters, metadata } = decodeCheckpoint(bytes, { source: label });
  const { recipe, seed, step } = metadata;
  const note = recipe === undefined
    ? "a file that does not say how it was trained"
    : `recipe ${recipe}, seed ${seed}, step ${step}`;
  return { id, label, note, model, parameters, metadata };
}

/** The models of the page, and the current one, which all sections use. */
export class Models extends Changes {
  readonly #models = new Map<string, LabModel>();

  constructor(public current: LabModel) {
    super();
    this.#models.set(current.id, current);
  }

  get all(): LabModel[] {
    return [...this.#models.values()];
  }

  /** Adds a model, or replaces the one with its id. */
  put(model: LabModel): void {
    this.#models.set(model.id, model);
    if (model.id === this.current.id) this.select(model.id);
    else this.changed();
  }

  /** Keeps a model at the end of its training for a reload. */
  keep(model: LabModel): void {
    try {
      localStorage.setItem(KEPT, toBase64(encodeCheckpoint(model)));
    } catch { /* a browser that keeps nothing */ }
  }

  /** Makes the model that an earlier visit finished the current one. */
  restore(): void {
    try {
      const kept = localStorage.getItem(KEPT);
      if (kept === null) return;
      this.put(decodeModel(fromBase64(kept), { id: "kept", label: "last finished run" }));
      this.select("kept");
    } catch { /* a browser that keeps nothing, or what another version has kept */ }
  }

  select(id: string): void {
    this.current = this.#models.get(id) ?? this.current;
    this.changed();
  }
}
