import { decodeCheckpoint } from "../src/checkpoint/safetensors/checkpoint.ts";
import { formatInteger } from "../src/common/format_integer.ts";
import type { Arithmetic, BackendName } from "../src/engine/interface/types.ts";
import type { ModelName } from "../src/model/variant.ts";
import { RECIPES, totalSteps, trainRecipe } from "../src/training/recipes.ts";
import { threadsHere } from "./capabilities.ts";
import { Charts } from "./charts.ts";
import { byId, element } from "./dom.ts";
import { throttled } from "./frames.ts";
import { LabRun, type Slot } from "./lab_run.ts";
import type { LabModel } from "./models.ts";
import type { TrainRequest } from "./protocol.ts";
import { RunCard } from "./run_card.ts";

/** Chosen at first, because its runs end with a proof. */
const FIRST_RECIPE = "sure";
/** Least milliseconds between two updates of the cards. */
const CARDS_MS = 120;

export interface RunListener {
  onStart(slot: Slot): void;
  onWeights(run: LabRun): void;
  /** Called for a run that ended with a result, in place of `onWeights`. */
  onEnd(run: LabRun): void;
}

/** The model of a run, which must have weights. */
export function modelOfRun({ slot, request, weights, result }: LabRun): LabModel {
  const { step, parameters } = weights!;
  const { recipe, seed, model } = request;
  return {
    id: slot,
    label: `run ${slot} (${recipe}, seed ${seed})`,
    note: result === undefined ? `at step ${formatInteger(step)}` : `trained for ${formatInteger(step)} steps`,
    model,
    parameters,
    metadata: result === undefined
      ? { kind: "train", recipe, seed: String(seed), step: String(step) }
      : decodeCheckpoint(result.checkpoint).metadata,
  };
}

/** The section `Train`: the form, the two runs, and their charts. */
export class TrainView {
  readonly #form = byId("train-form", HTMLFormElement);
  readonly #submit: HTMLButtonElement;
  readonly #runs = new Map<Slot, LabRun>();
  readonly #cards: Record<Slot, RunCard>;
  readonly #charts: Charts;
  readonly #drawCards: () => void;
  readonly #listener: RunListener;
  /** The weights that were passed to the listener. */
  readonly #told = new WeakSet<object>();

  constructor(listener: RunListener) {
    this.#listener = listener;
    this.#cards = { A: new RunCard(byId("run-A", HTMLElement)), B: new RunCard(byId("run-B", HTMLElement)) };
    this.#submit = this.#form.querySelector("button")!;
    this.#charts = new Charts(byId("charts", HTMLDivElement), () => [...this.#runs.values()]);
    this.#drawCards = throttled(() => this.#showCards(), CARDS_MS);
    this.#fillForm();
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      this.#start(this.#read());
    };
  }

  #fillForm(): void {
    const recipe = byId("recipe", HTMLSelectElement);
    recipe.append(...RECIPES.map((name) => element("option", { value: name }, name)));
    recipe.value = FIRST_RECIPE;
    (this.#form.elements.namedItem("threads") as HTMLInputElement).value = String(threadsHere());
    recipe.onchange = () => this.#describe();
    this.#describe();
  }

  /** Describes the recipe, or says why no run can start. */
  #describe(): void {
    const recipe = trainRecipe(byId("recipe", HTMLSelectElement).value);
    byId("recipe-description", HTMLParagraphElement).textContent = this.#freeSlot() === undefined
      ? "Two runs are open: stop one to start another."
      : `${recipe.name}: ${recipe.description}; ${formatInteger(totalSteps(recipe))} steps.`;
  }

  #read(): TrainRequest {
    const values = new FormData(this.#form);
    const text = (name: string) => String(values.get(name));
    const [backend, arithmetic] = text("backend").split(" ") as [BackendName, Arithmetic?];
    return {
      recipe: text("recipe"),
      seed: Number(text("seed")),
      model: Number(text("model")) as ModelName,
      backend,
      arithmetic,
      threads: Number(text("threads")),
      certify: values.has("certify"),
    };
  }

  /** The slot for the next run: an empty one, or that of the run that ended first; undefined while both runs are open. */
  #freeSlot(): Slot | undefined {
    const slots: Slot[] = ["A", "B"];
    const ended = [...this.#runs.values()].filter(({ isOpen }) => !isOpen).map(({ slot }) => slot);
    return slots.find((slot) => !this.#runs.has(slot)) ?? ended[0];
  }

  #start(request: TrainRequest): void {
    const slot = this.#freeSlot();
    if (slot === undefined) return;
    this.#runs.get(slot)?.dismiss();
    this.#runs.delete(slot); // keeps the map in the order of starting
    const run = new LabRun(slot, request, (run) => this.#changed(run));
    this.#runs.set(slot, run);
    this.#listener.onStart(slot);
    this.#changed(run);
  }

  #changed(run: LabRun): void {
    if (this.#runs.get(run.slot) !== run) return; // called by the constructor of a run
    this.#drawCards();
    if (run.status !== "proving") this.#charts.draw();
    if (run.weights === undefined || this.#told.has(run.weights)) return;
    this.#told.add(run.weights);
    if (run.status === "done") this.#listener.onEnd(run);
    else this.#listener.onWeights(run);
  }

  #showCards(): void {
    for (const run of this.#runs.values()) this.#cards[run.slot].show(run);
    this.#submit.disabled = this.#freeSlot() === undefined;
    this.#describe();
  }
}
