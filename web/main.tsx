import { render } from "preact";
import { eventLoopTurn } from "../src/common/event_loop.ts";
import { initialParameters } from "../src/model/initialization.ts";
import { variantOf } from "../src/model/variant.ts";
import { trainRecipe } from "../src/training/recipes.ts";
import { SHIPPED_MODELS, shippedCheckpoint } from "../src/weights/mod.ts";
import { planeFor } from "./look_inside.ts";
import { Capabilities, threadsHere } from "./capabilities.tsx";
import { InsideSection } from "./inside_section.tsx";
import { readLink } from "./link.ts";
import { MechanismFigure } from "./mechanism_figure.tsx";
import { ModelSection } from "./model_section.tsx";
import { models } from "./models.ts";
import { proof } from "./proof.ts";
import { ProofSection } from "./proof_section.tsx";
import { runs } from "./runs.ts";
import { showProblem, Strip } from "./strip.tsx";
import { sum } from "./sum.ts";
import { SumSection } from "./sum_section.tsx";
import { TrainSection } from "./train_section.tsx";

for (const name of SHIPPED_MODELS) {
  await eventLoopTurn(); // here and below: all at once would block the page noticeably
  const checkpoint = shippedCheckpoint(name);
  const { model, parameters, metadata: { recipe, seed, recipe_json } } = checkpoint;
  const isFirst = models.current === undefined;
  // whether today's recipe of that name, with the same seed, gives these weights again
  const isReplayable = recipe_json === JSON.stringify(trainRecipe(recipe, { model }));
  if (isFirst) { // the page begins where its first run does
    models.show({
      ...{ id: "untrained", label: "random weights", note: "not trained yet" },
      ...{ model, parameters: initialParameters(variantOf(model), Number(seed)) },
      plane: isReplayable ? planeFor(checkpoint) : undefined,
      metadata: { kind: "train", recipe, seed, step: "0" },
    });
    await eventLoopTurn();
  }
  const [id, label] = isFirst ? ["shipped", "shipped weights"] : [String(name), `shipped weights of ${name}`];
  models.put({ ...checkpoint, id, label, note: `trained with recipe ${recipe}, seed ${seed}` });
  if (isReplayable) runs.knowEnd({ recipe, seed: Number(seed), model }, parameters);
}
models.restore();
const sections = {
  ...{ capabilities: Capabilities, strip: Strip, sum: SumSection, train: TrainSection, proof: ProofSection },
  ...{ how: MechanismFigure, tables: InsideSection, model: ModelSection },
};

/** Replays the run and the sum that the address names. A sum alone is added by trained weights. */
function followLink(): void {
  try {
    const link = readLink(location.hash.slice(1));
    showProblem("");
    if (link.sum) sum.play(...link.sum);
    if (link.run) runs.start({ ...link.run, backend: "wasm", threads: threadsHere() }, link.step);
    else if (link.sum && models.current.id === "untrained") models.select("shipped");
  } catch (error) {
    showProblem((error as RangeError).message);
  }
}

for (const [id, Section] of Object.entries(sections)) {
  const parent = document.getElementById(id); // the embedded page has fewer sections
  if (parent !== null) render(<Section />, parent);
  await eventLoopTurn();
}
document.documentElement.dataset.ready = "true";
addEventListener("hashchange", followLink);
followLink();
addEventListener("beforeunload", (event) => {
  if (runs.all.some(({ isOpen }) => isOpen) || proof.isHardening) event.preventDefault();
});
