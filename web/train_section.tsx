import { formatInteger } from "../src/common/format_value.ts";
import { hasSimd } from "../src/engine/wasm/core.ts";
import type { Arithmetic, BackendName } from "../src/engine/interface/types.ts";
import { MODELS, variantOf } from "../src/model/variant.ts";
import { RECIPES, totalSteps, trainRecipe } from "../src/training/recipes.ts";
import { useEffect, useState } from "preact/hooks";
import { missingForGpu, threadsHere } from "./capabilities.tsx";
import { Charts } from "./charts.tsx";
import { useChanges } from "./hooks.ts";
import type { TrainRequest } from "./protocol.ts";
import { RunCard } from "./run_card.tsx";
import { type Runs, SLOTS } from "./runs.ts";
import type { Sum } from "./sum.ts";

/** Chosen at first, because its runs end with a proof. */
const FIRST_RECIPE = "sure";
/** Least milliseconds between two updates of the cards. */
const CARDS_MS = 120;

const WHOLE_NUMBER = { type: "number", inputMode: "numeric", step: 1, required: true } as const;
const BACKENDS = { "wasm": "WASM", "wasm fast": "WASM, fast", "webgpu": "WebGPU", "reference": "reference" };

/** The section `Train`: the form, the two runs, and their charts. */
export function TrainSection({ runs, sum }: { runs: Runs; sum: Sum }) {
  useChanges(CARDS_MS, runs);
  const [recipe, setRecipe] = useState(FIRST_RECIPE);
  const [gpuReason, setGpuReason] = useState("");
  useEffect(() => void missingForGpu().then(setGpuReason), []);
  const isFull = runs.freeSlot === undefined;
  const { name, description } = trainRecipe(recipe);
  return (
    <>
      <h2 id="train-title">Train</h2>
      <p class="note">
        Training starts from random weights. Watch the loss fall and the digits of the sum turn right, one column after
        another; at the end the model is proved right on all pairs, or refuted.
      </p>
      <form
        id="train-form"
        class="controls"
        onSubmit={(event) => {
          event.preventDefault();
          runs.start(requestOf(new FormData(event.currentTarget)));
        }}
      >
        <button class="primary" type="submit" disabled={isFull}>Watch it learn</button>
        <details id="options" onInvalidCapture={({ currentTarget }) => currentTarget.open = true}>
          <summary>Options</summary>
          <p class="note">
            A recipe says how to train: how many steps, how many examples in each, at which learning rate. The seed
            decides the random first weights and the examples: with backend WASM, the same seed gives the same model on
            every machine, byte for byte. “WASM, fast” and WebGPU may round differently; the reference is slow, for
            comparison. Accuracy is measured on held-out sums: random pairs of 10-digit numbers, drawn apart from the
            examples.
          </p>
          <div class="controls">
            <label>
              Recipe
              <select name="recipe" id="recipe" onChange={({ currentTarget }) => setRecipe(currentTarget.value)}>
                {RECIPES.map((name) => <option key={name} selected={name === FIRST_RECIPE}>{name}</option>)}
              </select>
            </label>
            <label>
              Seed
              <input name="seed" {...WHOLE_NUMBER} min={0} max={4294967295} defaultValue="1" />
            </label>
            <label>
              Model
              <select name="model">{MODELS.map((name) => <option key={name}>{name}</option>)}</select>
            </label>
            <label>
              Backend
              <select name="backend">
                {Object.entries(BACKENDS).map(([value, text]) => {
                  const reason = value === "webgpu" ? gpuReason : value === "reference" || hasSimd() ? "" : "no SIMD";
                  return (
                    <option key={value} value={value} disabled={reason !== ""}>{text}{reason && ` (${reason})`}</option>
                  );
                })}
              </select>
            </label>
            <label>
              Threads
              <input name="threads" {...WHOLE_NUMBER} min={1} max={64} defaultValue={String(threadsHere())} />
            </label>
            <label class="row">
              <input name="certify" type="checkbox" defaultChecked /> then prove
            </label>
          </div>
        </details>
      </form>
      <p class="problem" role="alert">{runs.problem}</p>
      <p id="recipe-description" class="note">
        {isFull
          ? "Two runs are open: stop one to start another."
          : `${name}: ${description}; ${formatInteger(totalSteps(trainRecipe(recipe)))} steps.`}
      </p>
      <div class="runs">
        {SLOTS.flatMap((slot) => runs.all.filter((run) => run.slot === slot))
          .map((run) => <RunCard key={run.slot} run={run} sum={sum} />)}
      </div>
      <Charts runs={runs} />
    </>
  );
}

function requestOf(values: FormData): TrainRequest {
  const text = (name: string) => String(values.get(name));
  const [backend, arithmetic] = text("backend").split(" ") as [BackendName, Arithmetic?];
  return {
    ...{ recipe: text("recipe"), seed: Number(text("seed")), model: variantOf(Number(text("model"))).name },
    ...{ backend, arithmetic, threads: Number(text("threads")), certify: values.has("certify") },
  };
}
