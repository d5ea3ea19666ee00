import { useLayoutEffect, useState } from "preact/hooks";
import { formatInteger } from "../src/common/format_value.ts";
import { percent } from "./format.ts";
import { useChanges } from "./hooks.ts";
import { models } from "./models.ts";
import { runs } from "./runs.ts";

/** Shows a problem that no section reports itself, such as a wrong file or link; nothing if it is empty. */
export function showProblem(text: string): void {
  dispatchEvent(new CustomEvent("problem", { detail: text }));
}

/** The strip that stays in sight: the button that trains, what the page shows, and problems of the whole page. */
export function Strip() {
  useChanges(120, runs, models);
  const [problem, setProblem] = useState("");
  useLayoutEffect(() => addEventListener("problem", (event) => setProblem((event as CustomEvent<string>).detail)), []);
  return (
    <>
      <button id="learn" class="primary" type="submit" form="train-form" disabled={runs.freeSlot === undefined}>
        Watch it learn
      </button>
      <p id="now">{stateText()}</p>
      <p id="alert" class="problem" role="alert">{problem}</p>
    </>
  );
}

function stateText(): string {
  const run = runs.current;
  if (run?.weights === undefined) return models.current.label;
  const step = runs.rewound ?? Math.max(run.weights.step, run.latest?.step ?? 0);
  const right = run.exactMatch.at(step);
  const of = run.totalSteps > 0 ? ` of ${formatInteger(Math.max(run.totalSteps, step))}` : "";
  return `step ${formatInteger(step)}${of}${right === undefined ? "" : `: ${percent(right)} of sums right`}`;
}
