import { useMemo, useState } from "preact/hooks";
import { eventLoopTurn } from "../src/common/event_loop.ts";
import { TOKEN_NAMES } from "../src/inspection/names.ts";
import { referenceModel } from "../src/inspection/reference_model.ts";
import { surveyMaps, surveyModel } from "../src/inspection/survey.ts";
import { EQUALS, POSITIONS_READ } from "../src/model/vocabulary.ts";
import { POSITION_GROUPS, POSITION_NAMES, STEP_NAMES } from "./format.ts";
import { HeatMapFigure } from "./heat_map.tsx";
import { useChanges, usePromise } from "./hooks.ts";
import { attentionScores } from "./look_inside.ts";
import { type LabModel, models } from "./models.ts";

const SUMS = 48;
const DIGITS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const BY_POSITION = { columnLabels: POSITION_NAMES, groups: POSITION_GROUPS };
const BY_STEP = { ...BY_POSITION, rowLabels: STEP_NAMES, remarks: [] };

/** The rest of the section `See how it does it`: attention and embeddings as heat maps. */
export function InsideSection() {
  useChanges(600, models);
  const { current } = models;
  const maps = usePromise(async () => surveyMaps(await surveyModel(current, SUMS, eventLoopTurn)), [current]);
  if (maps === undefined) return null;
  const positions = maps.positions.rows.map((row) => row.slice(0, POSITIONS_READ));
  return (
    <>
      <h3>All of its attention and embeddings</h3>
      <div class="stack maps" id="maps">
        <HeatMapFigure
          note={`Attention, averaged over ${SUMS} random sums. Rows are the tokens of the answer, columns the positions read.`}
          map={{ ...maps.attention, ...BY_STEP, title: "Where each step looks" }}
        />
        <ScoresFigure model={current} />
        <HeatMapFigure
          note="The model represents each position by seven numbers, its embedding: one column here, one row for each number."
          map={{ ...maps.positions, ...BY_POSITION, title: "Position embeddings", rows: positions }}
        />
        <HeatMapFigure
          note="Each token has such numbers, too, one row here; they also turn the result of the last layer into logits. “pad” fills unused positions, “end” ends the answer."
          map={{ ...maps.tokens, title: "Token embeddings" }}
          widest={40}
        />
      </div>
    </>
  );
}

function ScoresFigure({ model }: { model: LabModel }) {
  const [step, setStep] = useState(4);
  const [digit, setDigit] = useState(0);
  const last = step === 0 ? EQUALS : digit;
  const map = useMemo(() => {
    const rows = attentionScores(referenceModel(model), step, last);
    const full = Math.max(...rows.flatMap((row) => [...row].map((value) => Math.abs(value) || 0)));
    return { title: "Attention table", rows, rowLabels: TOKEN_NAMES, full, ...BY_POSITION };
  }, [model, step, last]);
  return (
    <HeatMapFigure
      note="The score q·k/√W, for width W, that the chosen step gives each token at each position; softmax turns scores into shares. Rows are tokens, columns positions. The model has one layer, so a score depends on nothing else: these tables are all of its attention."
      map={map}
    >
      <select aria-label="Step" onChange={({ currentTarget }) => setStep(currentTarget.selectedIndex)}>
        {STEP_NAMES.map((name, i) => <option key={name} selected={i === step}>step {i + 1}: {name}</option>)}
      </select>
      <select aria-label="Token written last" onChange={({ currentTarget }) => setDigit(currentTarget.selectedIndex)}>
        {(step === 0 ? [EQUALS] : DIGITS).map((token) => (
          <option key={token} selected={token === last}>after {TOKEN_NAMES[token]}</option>
        ))}
      </select>
    </HeatMapFigure>
  );
}
