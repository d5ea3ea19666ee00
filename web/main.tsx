import { render } from "preact";
import { eventLoopTurn } from "../src/common/event_loop.ts";
import { initialParameters } from "../src/model/initialization.ts";
import { variantOf } from "../src/model/variant.ts";
import { trainRecipe } from "../src/training/recipes.ts";
import { SHIPPED_MODELS, shippedCheckpoint } from "../src/weights/mod.ts";
import { planeFor } from "./arc.ts";
import { Capabilities, threadsHere } from "./capabilities.tsx";
import { Notice } from "./changes.ts";
import { lab } from "./hooks.ts";
import { InsideSection } from "./inside_section.tsx";
import { readLink } from "./link.ts";
import { MechanismFigure } from "./mechanism_figure.tsx";
import { ModelSection } from "./model_section.tsx";
import { Models } from "./models.ts";
import { Proof } from "./proof.ts";
import { ProofSection } from "./proof_section.tsx";
import { Runs } from "./runs.ts";
import { Strip } from "./strip.tsx";
import { Sum } from "./sum.ts";
import { SumSection } from "./sum_section.tsx";
import { TrainSection } from "./train_section.tsx";

const shipped = shippedCheckpoint();
const { model, metadata: { recipe, seed } } = shipped;
await eventLoopTurn(); // here and below: all at once would block the page noticeably
/** Whether today's recipe of that name, with the same seed, gives these weights again. */
const isReplayable = ({ model, metadata }: typeof shipped) =>
  metadata.recipe_json === JSON.stringify(trainRecipe(metadata.recipe, { model }));
// the page begins where its first run does
const models = new Models({
  ...{ id: "untrained", label: "random weights", note: "not trained yet" },
  ...{ model, parameters: initialParameters(variantOf(model), Number(seed)) },
  ...(isReplayable(shipped) && { plane: planeFor(shipped) }),
  metadata: { kind: "train", recipe, seed, step: "0" },
});
const notice = new Notice();
const proof = new Proof(models);
const runs = new Runs(models, proof);
const sum = new Sum();
Object.assign(lab, { models, notice, proof, runs, sum } satisfies typeof lab);
for (const name of SHIPPED_MODELS) {
  await eventLoopTurn();
  const checkpoint = shippedCheckpoint(name);
  const { model, parameters, metadata: { recipe, seed } } = checkpoint;
  const [id, label] = name === shipped.model
    ? ["shipped", "shipped weights"]
    : [String(name), `shipped weights of ${name}`];
  models.put({ ...checkpoint, id, label, note: `trained with recipe ${recipe}, seed ${seed}` });
  if (isReplayable(checkpoint)) runs.knowEnd({ recipe, seed: Number(seed), model }, parameters);
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
    notice.show("");
    if (link.sum) sum.play(...link.sum);
    if (link.run) runs.start({ ...link.run, backend: "wasm", threads: threadsHere() }, link.step);
    else if (link.sum && models.current.id === "untrained") models.select("shipped");
  } catch (error) {
    notice.show((error as RangeError).message);
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
