import { formatInteger } from "../src/common/format_integer.ts";
import { inspectSum, type SumInspection, TOKEN_NAMES } from "../src/inspection/sum.ts";
import { EOS, FIRST_QUERY, PLUS, QUERIES as STEPS, targetTokens } from "../src/model/vocabulary.ts";
import { useMemo } from "preact/hooks";
import { percent } from "./format.ts";
import { useChanges } from "./hooks.ts";
import type { Models } from "./models.ts";
import { POSITION_NAMES, STEP_NAMES } from "./names.ts";
import type { Sum } from "./sum.ts";

/** Least milliseconds between two updates while the model is training. */
const UPDATE_MS = 200;

interface TraceProps {
  readonly sum: Sum;
  readonly trace: SumInspection;
}

/** The section `Add`: a sum laid out as on paper, digit by digit, with the attention of each step. */
export function SumSection({ sum, models }: { sum: Sum; models: Models }) {
  useChanges(UPDATE_MS, models);
  useChanges(0, sum);
  const { current } = models;
  const { a, b, step } = sum;
  const trace = useMemo(() => inspectSum(current, a, b), [current, a, b]);
  return (
    <>
      <h2 id="sum-title">Add</h2>
      <p class="note">
        The model writes the sum one token at a time, ones first; a token is a digit or a sign. At each step it shares
        its attention out over the tokens before: the darker a cell, the larger its share. The bars are the
        probabilities of the next token.
      </p>
      <SumForm sum={sum} />
      <SumGrid sum={sum} trace={trace} />
      <Verdict sum={sum} trace={trace} />
      <label class="row">
        Step
        <input
          id="sum-step"
          type="range"
          min={1}
          max={STEPS}
          value={step + 1}
          aria-valuetext={`${step + 1}: ${STEP_NAMES[step]}`}
          onInput={({ currentTarget }) => sum.select(Number(currentTarget.value) - 1)}
        />
      </label>
      <p id="sum-caption" class="caption">{captionOf(trace, step)}</p>
      <ol id="sum-probabilities" class="probabilities" aria-label="Probability of each token">
        {trace.steps[step].probabilities.map((share, token) => (
          <li key={token} class={token === trace.steps[step].token ? "chosen" : ""}>
            <span class="bar" style={{ "--share": share.toFixed(4) }} />
            <b>{TOKEN_NAMES[token]}</b>
            <small>{share >= 0.005 && `${Math.round(100 * share)}%`}</small>
          </li>
        ))}
      </ol>
    </>
  );
}

function SumForm({ sum }: { sum: Sum }) {
  const play = (event: SubmitEvent) => {
    event.preventDefault();
    const values = new FormData(event.currentTarget as HTMLFormElement);
    sum.play(Number(values.get("a")), Number(values.get("b")));
  };
  return (
    <form id="sum-form" class="controls" onSubmit={play}>
      {(["a", "b"] as const).map((name) => (
        <label key={name} class="grow">
          {name === "a" ? "First number" : "Second number"}
          <input
            {...{
              name,
              type: "text",
              inputMode: "numeric",
              pattern: "[0-9]{1,10}",
              maxLength: 10,
              autocomplete: "off",
            }}
            defaultValue={String(sum[name])}
            required
          />
        </label>
      ))}
      <button class="primary" type="submit">Add</button>
    </form>
  );
}

/** First row: a; second row: + and b; third row: =, the end, and the sum from its highest digit. */
function SumGrid({ sum, trace: { a, b, steps, tokens } }: TraceProps) {
  const { attention } = steps[sum.step];
  const targets = targetTokens(a, b);
  const prompt = (position: number) => (
    <span key={position} class="cell" style={shareStyle(attention[position])}>{TOKEN_NAMES[tokens[position]]}</span>
  );
  const answer = (step: number) => {
    const { token } = steps[step];
    const isShown = step < sum.shown;
    const isWrong = isShown && token !== targets[step];
    const name = isShown
      ? TOKEN_NAMES[token] + (isWrong ? `, correct is ${TOKEN_NAMES[targets[step]]}` : "")
      : "not written yet";
    return (
      <button
        key={`step ${step}`}
        type="button"
        class="cell answer"
        data-wrong={isWrong}
        // a step cannot see later tokens
        style={shareStyle(step < sum.step ? attention[FIRST_QUERY + 1 + step] : 0)}
        aria-pressed={step === sum.step}
        aria-label={`${STEP_NAMES[step]}: ${name}`}
        onClick={() => sum.select(step)}
      >
        {!isShown ? "·" : step === STEPS - 1 && token === EOS ? "⏎" : TOKEN_NAMES[token]}
      </button>
    );
  };
  const positions = Array.from({ length: FIRST_QUERY }, (_, position) => position);
  return (
    <div id="sum-grid" class="sum-grid" role="group" aria-label="The sum, digit by digit">
      {positions.slice(0, PLUS).map(prompt)}
      {positions.slice(PLUS).map(prompt)}
      {prompt(FIRST_QUERY)}
      {steps.map((_, step) => answer(STEPS - 1 - step))}
    </div>
  );
}

/** The square root of a share in [0, 1], so that small shares show. */
function shareStyle(share: number): Record<string, string> {
  return { "--share": Math.sqrt(share).toFixed(3) };
}

function Verdict({ sum: { shown }, trace: { a, b, sum } }: TraceProps) {
  const right = a + b;
  const result = sum === right ? "✓" : `✗, correct is ${formatInteger(right)}`;
  const written = sum === null ? "no number" : formatInteger(sum);
  return (
    <p id="sum-verdict" class="verdict" role="status" data-right={shown < STEPS ? "" : sum === right}>
      {shown < STEPS ? "…" : `${formatInteger(a)} + ${formatInteger(b)} = ${written} ${result}`}
    </p>
  );
}

function captionOf({ steps }: SumInspection, at: number): string {
  const { token, probability, attention } = steps[at];
  const most = [...attention.entries()].sort(([, x], [, y]) => y - x).slice(0, 3);
  const looks = most.map(([position, share]) => `${POSITION_NAMES[position]} (${percent(Number(share.toFixed(3)))})`);
  return `Step ${at + 1}, ${STEP_NAMES[at]}: writes ${TOKEN_NAMES[token]} with probability ${percent(probability)}. ` +
    `Most attention: ${looks.join(", ")}.`;
}
