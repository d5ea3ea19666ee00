import { formatInteger } from "../src/common/format_value.ts";
import { hasSimd } from "../src/engine/wasm/core.ts";
import type { Arithmetic, BackendName } from "../src/engine/interface/types.ts";
import { MODEL_NAMES, parameterCount, parseModel, variantOf } from "../src/model/variant.ts";
import { SHIPPED_MODELS } from "../src/weights/mod.ts";
import { RECIPES, totalSteps, trainRecipe } from "../src/training/recipes.ts";
import { useState } from "preact/hooks";
import { missingForGpu, threadsHere } from "./capabilities.tsx";
import { Charts } from "./charts.tsx";
import { Heading } from "./explain.tsx";
import { useChanges, usePromise } from "./hooks.ts";
import { models } from "./models.ts";
import type { TrainRequest } from "./protocol.ts";
import { RunCard } from "./run_card.tsx";
import { runs } from "./runs.ts";
import { sum } from "./sum.ts";

const WHOLE_NUMBER = { type: "number", inputMode: "numeric", step: 1, required: true } as const;
/** The smallest model whose weights are shipped with a proof. */
const SMALLEST = String(SHIPPED_MODELS.at(-1));
/** Models that are offered; any other can be written. */
const OFFERED = ["763", "777", "6x14", "6x8", "5x14", "5x10", "5x8", SMALLEST];
const BACKENDS = { "wasm": "WASM", "wasm fast": "WASM, fast", "webgpu": "WebGPU", "reference": "reference" };

/** The section `Watch it learn`: the form, the two runs, and their charts. The button that starts is in the strip. */
export function TrainSection() {
  useChanges(120, runs, models);
  const [recipe, setRecipe] = useState("sure"); // its runs end with a proof
  const gpuReason = usePromise(missingForGpu, []) ?? "";
  const { name, description } = trainRecipe(recipe);
  const { seed } = models.all[0].metadata;
  return (
    <>
      <Heading
        of="train"
        title="Watch it learn"
        text="Training starts from random weights and sees random pairs of numbers with their sums, nothing else. Within seconds the ten digits find their order on an arc, and the columns of the sum turn right, one after another."
      >
        At every training step the model predicts the sums of some pairs, and its weights move a little towards the
        correct ones. The loss is the mean surprise at the correct token, in nats: 2.6 is a blind guess among 14 tokens.
        Held-out pairs are never trained on; the page counts how many of them the model adds correctly. The numbers
        begin short and grow, so the loss jumps at the marked steps. The line under the curves takes you back to any
        step: the whole page then shows the weights of that step.
      </Heading>
      <form
        id="train-form"
        class="flow"
        onSubmit={(event) => {
          event.preventDefault();
          sum.show(undefined);
          runs.start(requestOf(new FormData(event.currentTarget)));
        }}
      >
        <details id="options" onInvalidCapture={({ currentTarget }) => currentTarget.open = true}>
          <summary>Options</summary>
          <p id="recipe-description" class="note">
            {name}: {description}; {formatInteger(totalSteps(trainRecipe(recipe)))} steps.
          </p>
          <p class="note">
            A recipe says how to train: how many steps, how many examples in each, at which learning rate. The seed
            decides the random first weights and the examples: with backend WASM, the same seed gives the same model on
            every machine, byte for byte. “WASM, fast” and WebGPU may round differently; the reference is slow, for
            comparison. A model is named by its number of parameters, or WxH: embeddings of W numbers and a feed-forward
            layer of H. Small ones need more attempts.
          </p>
          <div class="flow">
            <label>
              Recipe
              <select name="recipe" value={recipe} onChange={({ currentTarget }) => setRecipe(currentTarget.value)}>
                {RECIPES.map((name) => <option key={name}>{name}</option>)}
              </select>
            </label>
            <label>
              Seed
              <input name="seed" {...WHOLE_NUMBER} min={0} max={4294967295} defaultValue={seed} />
            </label>
            <label>
              Model
              <input
                {...{ name: "model", list: "models", defaultValue: "763", required: true, autocomplete: "off" }}
                onInput={({ currentTarget }) => {
                  const isKnown = parseModel(currentTarget.value) !== undefined;
                  currentTarget.setCustomValidity(isKnown ? "" : `Write ${MODEL_NAMES}.`);
                }}
              />
              <datalist id="models">
                {OFFERED.map((name) => (
                  <option key={name} value={name}>
                    {parameterCount(variantOf(parseModel(name)!))}{" "}
                    parameters{name === SMALLEST && ", the smallest proved"}
                  </option>
                ))}
              </datalist>
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
      {runs.freeSlot === undefined && <p class="note">Two runs are open: stop one to start another.</p>}
      <div class="stack runs">
        {runs.all.toSorted((x, y) => x.slot.localeCompare(y.slot)).map((run) => <RunCard key={run.slot} run={run} />)}
      </div>
      <Charts />
    </>
  );
}

function requestOf(values: FormData): TrainRequest {
  const { recipe, ...texts } = Object.fromEntries(values) as Record<string, string>;
  const [backend, arithmetic] = texts.backend.split(" ") as [BackendName, Arithmetic?];
  const [seed, threads] = [Number(texts.seed), Number(texts.threads)];
  return { recipe, seed, model: parseModel(texts.model)!, backend, arithmetic, threads, certify: "certify" in texts };
}
