import { formatInteger } from "../src/common/format_value.ts";
import { percent } from "./format.ts";
import { useChanges } from "./hooks.ts";
import { models } from "./models.ts";
import { runs } from "./runs.ts";

/** Shows a problem that no section reports itself, such as a wrong file or link; nothing if it is empty. */
export function showProblem(text: string): void {
  document.getElementById("alert")!.textContent = text;
}

/** The strip that stays in sight: the button that trains, what the page shows, and problems of the whole page. */
export function Strip() {
  useChanges(120, runs, models);
  const run = runs.current;
  const weights = run?.snapshots.at(-1);
  const step = run?.rewound ?? Math.max(weights?.step ?? 0, run?.latest?.step ?? 0);
  const right = run?.curves.exactMatch.at(step);
  const state = run && weights && `step ${formatInteger(step)} of ${formatInteger(run.totalSteps)}` +
      (right === undefined ? "" : `: ${percent(right)} of sums right`);
  return (
    <>
      <button id="learn" class="primary" type="submit" form="train-form" disabled={runs.freeSlot === undefined}>
        Watch it learn
      </button>
      <p id="now">{state ?? models.current.label}</p>
      <p id="alert" class="problem" role="alert" />
    </>
  );
}
