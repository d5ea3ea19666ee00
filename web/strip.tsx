import { formatInteger } from "../src/common/format_value.ts";
import { percent } from "./format.ts";
import { lab, useLab } from "./hooks.ts";

/** The strip that stays in sight: the button that trains, what the page shows, and problems of the whole page. */
export function Strip() {
  const { runs } = useLab(120, "runs", "models");
  const { notice } = useLab(0, "notice");
  return (
    <>
      <button id="learn" class="primary" type="submit" form="train-form" disabled={runs.freeSlot === undefined}>
        Watch it learn
      </button>
      <p id="now">{stateText()}</p>
      <p id="alert" class="problem" role="alert">{notice.text}</p>
    </>
  );
}

/** The model on the page, and how good it is, as far as is known. */
function stateText(): string {
  const { runs, models: { current } } = lab;
  const run = runs.all.find(({ slot }) => slot === current.id);
  if (run?.weights === undefined) return current.label;
  const step = runs.rewound ?? Math.max(run.weights.step, run.latest?.step ?? 0);
  const right = run.exactMatch.at(step);
  const of = run.totalSteps > 0 ? ` of ${formatInteger(Math.max(run.totalSteps, step))}` : "";
  return `step ${formatInteger(step)}${of}${right === undefined ? "" : `: ${percent(right)} of sums right`}`;
}
