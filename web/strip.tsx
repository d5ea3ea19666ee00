import { formatInteger } from "../src/common/format_value.ts";
import { percent } from "./format.ts";
import { Changes, useChanges } from "./hooks.ts";
import type { Models } from "./models.ts";
import type { Runs } from "./runs.ts";

const UPDATE_MS = 120;

/** A problem that no section reports itself, such as a wrong file or link. */
export class Notice extends Changes {
  text = "";

  show(text: string): void {
    this.text = text;
    this.changed();
  }
}

/** The strip that stays in sight: the button that trains, what the page shows, and problems of the whole page. */
export function Strip({ runs, models, notice }: { runs: Runs; models: Models; notice: Notice }) {
  useChanges(UPDATE_MS, runs, models);
  useChanges(0, notice);
  const isFull = runs.freeSlot === undefined;
  return (
    <>
      <button id="learn" class="primary" type="submit" form="train-form" disabled={isFull}>Watch it learn</button>
      <p id="now">{stateOf(runs, models)}</p>
      <p id="alert" class="problem" role="alert">{notice.text}</p>
    </>
  );
}

/** The model on the page, and how good it is, as far as is known. */
function stateOf(runs: Runs, { current }: Models): string {
  const run = runs.all.find(({ slot }) => slot === current.id);
  if (run === undefined) return current.label;
  const step = runs.rewound ?? Math.max(run.weights!.step, run.latest?.step ?? 0);
  const right = run.exactMatch.at(step);
  const of = run.totalSteps > 0 ? ` of ${formatInteger(Math.max(run.totalSteps, step))}` : "";
  return `step ${formatInteger(step)}${of}${right === undefined ? "" : `: ${percent(right)} of sums right`}`;
}
