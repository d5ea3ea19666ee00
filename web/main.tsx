import { render } from "preact";
import { eventLoopTurn } from "../src/common/event_loop.ts";
import { shippedCheckpoint } from "../src/weights/mod.ts";
import { Capabilities, threadsHere } from "./capabilities.tsx";
import { InsideSection } from "./inside_section.tsx";
import { readLink } from "./link.ts";
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
models.restore();
const proof = new Proof(models);
const runs = new Runs(models, proof);
const sum = new Sum();
const sections = {
  capabilities: <Capabilities />,
  model: <ModelSection models={models} />,
  train: <TrainSection runs={runs} sum={sum} />,
  proof: <ProofSection proof={proof} models={models} sum={sum} />,
  inside: <InsideSection models={models} />,
  sum: <SumSection sum={sum} models={models} proof={proof} />,
};
/** Replays the run and the sum that the address names. */
function followLink(): void {
  try {
    const link = readLink(location.hash.slice(1));
    if (link.sum) sum.play(...link.sum);
    if (link.run) runs.start({ ...link.run, backend: "wasm", threads: threadsHere() });
  } catch (error) {
    runs.refuse((error as RangeError).message);
  }
}

for (const [id, section] of Object.entries(sections)) {
  render(section, document.getElementById(id)!);
  await eventLoopTurn(); // all at once would block the page noticeably
}
addEventListener("hashchange", followLink);
followLink();
addEventListener("beforeunload", (event) => {
  if (runs.all.some(({ isOpen }) => isOpen) || proof.isHardening) event.preventDefault();
});
navigator.serviceWorker?.register(new URL("./sw.js", import.meta.url));
