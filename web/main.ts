import { eventLoopTurn } from "../src/common/event_loop.ts";
import { shippedCheckpoint } from "../src/weights/mod.ts";
import { coresHere, showCapabilities } from "./capabilities.ts";
import { byId } from "./dom.ts";
import { throttled } from "./frames.ts";
import { InsideView } from "./inside_view.ts";
import { ModelView } from "./model_view.ts";
import { Models } from "./models.ts";
import { ProofView } from "./proof_view.ts";
import { SumForm } from "./sum_form.ts";

/** Least milliseconds between two updates of a section while the model is training. */
const INSIDE_MS = 600;
const SUM_MS = 200;

const shipped = shippedCheckpoint();
const models = new Models({
  id: "shipped",
  label: "shipped weights",
  note: `trained with recipe ${shipped.metadata.recipe}, seed ${shipped.metadata.seed}`,
  ...shipped,
});
const proofView = new ProofView(() => models.inHand, coresHere());
new ModelView(models);

// each section in its own turn of the event loop: all at once would block the page noticeably
const { modelOfRun, TrainView } = await import("./train_view.ts");
new TrainView({
  onStart: (slot) => models.follow(slot),
  onWeights: (run) => models.put(modelOfRun(run)),
  onEnd(run) {
    const model = modelOfRun(run);
    models.put(model);
    if (run.result?.certificate && models.inHand === model) proofView.showCertificate(model, run.result.certificate);
  },
});
await eventLoopTurn();
const sumForm = new SumForm();
sumForm.show(models.inHand);
await eventLoopTurn();
const insideView = new InsideView();
const lookInside = throttled(() => insideView.show(models.inHand), INSIDE_MS);
const lookAtSum = throttled(() => sumForm.show(models.inHand), SUM_MS);
lookInside();
models.onChange(() => {
  lookAtSum();
  lookInside();
  proofView.compare();
});
showCapabilities(byId("capabilities", HTMLUListElement));
navigator.serviceWorker?.register(new URL("./sw.js", import.meta.url));
