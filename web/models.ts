import { decodeCheckpoint, encodeCheckpoint } from "../src/checkpoint/safetensors/checkpoint.ts";
import { fromBase64, toBase64 } from "../src/common/encoding.ts";
import type { Plane } from "../src/inspection/plane.ts";
import type { ModelName } from "../src/model/variant.ts";
import { Changes } from "./hooks.ts";

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

/** The models of the page, and the current one, which all sections use. */
class Models extends Changes {
  readonly #models = new Map<string, LabModel>();
  /** main.tsx chooses the first. */
  current!: LabModel;

  get all(): LabModel[] {
    return [...this.#models.values()];
  }

  put(model: LabModel): void {
    this.#models.set(model.id, model);
    if (model.id === this.current?.id) this.current = model;
    this.changed();
  }

  /** Adds or replaces a model, and makes it the current one. */
  show(model: LabModel): void {
    this.current = model;
    this.put(model);
  }

  /** Keeps a model at the end of its training for a reload. */
  keep(model: LabModel): void {
    try {
      localStorage.setItem(KEPT, toBase64(encodeCheckpoint(model)));
    } catch { /* a browser that keeps nothing */ }
  }

  /** Makes the model in a file the current one. @throws {Error} If there are several files, or it is no checkpoint; the message says why */
  async open([file, ...others]: File[]): Promise<void> {
    if (others.length > 0) {
      const names = [file, ...others].map(({ name }) => name).join(", ");
      throw new RangeError(`Cannot open ${names} as the page shows one model: drop one file`);
    }
    const { name, size } = file;
    if (size > 1_000_000) { // not read: a checkpoint has a few kilobytes
      throw new RangeError(`Cannot read ${name} as a checkpoint has at most 1,000,000 bytes: it has ${size}`);
    }
    this.#showFile(new Uint8Array(await file.arrayBuffer()), "file", name);
  }

  #showFile(bytes: Uint8Array, id: string, label: string): void {
    const { model, parameters, metadata } = decodeCheckpoint(bytes, { source: label });
    const { recipe, seed, step } = metadata;
    const note = recipe === undefined
      ? "a file that does not say how it was trained"
      : `recipe ${recipe}, seed ${seed}, step ${step}`;
    this.show({ id, label, note, model, parameters, metadata });
  }

  /** Makes the model that an earlier visit finished the current one. */
  restore(): void {
    try {
      const kept = localStorage.getItem(KEPT);
      if (kept !== null) this.#showFile(fromBase64(kept), "kept", "last finished run");
    } catch { /* a browser that keeps nothing, or what another version has kept */ }
  }

  select(id: string): void {
    this.current = this.#models.get(id) ?? this.current;
    this.changed();
  }
}

export const models = new Models();
