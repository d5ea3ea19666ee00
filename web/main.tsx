import { render } from "preact";
import { eventLoopTurn } from "../src/common/event_loop.ts";
import { shippedCheckpoint } from "../src/weights/mod.ts";
import { Capabilities } from "./capabilities.tsx";
import { InsideSection } from "./inside_section.tsx";
import { ModelSection } from "./model_section.tsx";
import { Models } from "./models.ts";
import { Proof } from "./proof.ts";
import { ProofSection } from "./proof_section.tsx";
import { Runs } from "./runs.ts";
import { Sum } from "./sum.ts";
import { SumSection } from "./sum_section.tsx";
import { TrainSection } from "./train_section.tsx";

const shipped = shippedCheckpoint();
const { recipe, seed } = shipped.metadata;
const note = `trained with recipe ${recipe}, seed ${seed}`;
const models = new Models({ id: "shipped", label: "shipped weights", note, ...shipped });
const proof = new Proof();
const runs = new Runs(models, proof);
const sections = {
  capabilities: <Capabilities />,
  model: <ModelSection models={models} />,
  train: <TrainSection runs={runs} />,
  proof: <ProofSection proof={proof} models={models} />,
  inside: <InsideSection models={models} />,
  sum: <SumSection sum={new Sum()} models={models} />,
};
for (const [id, section] of Object.entries(sections)) {
  render(section, document.getElementById(id)!);
  await eventLoopTurn(); // all at once would block the page noticeably
}
navigator.serviceWorker?.register(new URL("./sw.js", import.meta.url));
