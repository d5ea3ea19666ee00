import { inspectSum } from "../src/inspection/sum.ts";
import { MAX_OPERAND } from "../src/model/vocabulary.ts";
import { byId } from "./dom.ts";
import type { LabModel } from "./models.ts";
import { SumView } from "./sum_view.ts";

/** The form of the section `Add`: reads two numbers, runs the current model on them and shows its answer. */
export class SumForm {
  readonly #form = byId("sum-form", HTMLFormElement);
  readonly #view = new SumView();
  #model: LabModel | undefined;
  #operands: readonly [a: number, b: number];

  constructor() {
    this.#operands = this.#read();
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      this.#operands = this.#read();
      if (this.#model) this.#view.play(inspectSum(this.#model, ...this.#operands));
    };
  }

  show(model: LabModel): void {
    this.#model = model;
    this.#view.update(inspectSum(model, ...this.#operands));
  }

  /** The two numbers; the browser has already checked the form. */
  #read(): readonly [number, number] {
    const number = (name: string) => {
      const value = Number((this.#form.elements.namedItem(name) as HTMLInputElement).value);
      if (Number.isInteger(value) && value >= 0 && value <= MAX_OPERAND) return value;
      throw new RangeError(
        `Cannot add as ${name} must be a whole number from 0 to ${MAX_OPERAND}: current value is ${value}`,
      );
    };
    return [number("a"), number("b")];
  }
}
