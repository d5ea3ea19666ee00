import { formatInteger } from "../src/common/format_value.ts";
import { TOKEN_NAMES } from "../src/inspection/names.ts";
import { referenceModel } from "../src/inspection/reference_model.ts";
import { inspectSum, type SumInspection } from "../src/inspection/sum.ts";
import { EOS, FIRST_QUERY, MAX_OPERAND, PLUS, QUERIES as STEPS, targetTokens } from "../src/model/vocabulary.ts";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { planeFor } from "./arc.ts";
import { ArcFigure } from "./arc_figure.tsx";
import { Heading } from "./explain.tsx";
import { percent } from "./format.ts";
import { useChanges } from "./hooks.ts";
import { pointerOf } from "./mechanism.ts";
import type { Models } from "./models.ts";
import { POSITION_NAMES, STEP_NAMES } from "./names.ts";
import { readOperand } from "./operand.ts";
import type { Proof } from "./proof.ts";
import { leastCertain, type Sum } from "./sum.ts";

/** Least milliseconds between two updates while the model is training. */
const UPDATE_MS = 200;

/** The section `Ask it`: a sum laid out as on paper, digit by digit, with the attention of each step, and the digits as dots. */
export function SumSection({ sum, models, proof }: { sum: Sum; models: Models; proof: Proof }) {
  useChanges(UPDATE_MS, models, proof);
  useChanges(0, sum);
  const { current } = models;
  const { a, b } = sum;
  const trace = useMemo(() => inspectSum(current, a, b), [current, a, b]);
  const step = sum.step ?? leastCertain(trace);
  const plane = planeFor(current);
  const pointer = useMemo(
    () => pointerOf(referenceModel(current), trace.tokens.slice(0, FIRST_QUERY + 1 + step), plane),
    [trace, step, plane],
  );
  return (
    <>
      <Heading
        of="sum"
        title="Ask it"
        text="Write two numbers, and the model writes their sum, one digit after another, ones first. No code adds them: with random weights the answer is nonsense."
      >
        The model writes one token at a time; a token is a digit or a sign. At each step it shares its attention out
        over the tokens before: the darker a cell, the larger the square root of its share. The bars are the
        probabilities of the next token. Wrong digits are underlined. The page shows the step that is wrong or least
        certain, until you choose one. The dots are the digits’ embeddings, the numbers that stand for each digit in the
        model, in the plane where they spread most; training brings them onto an arc.
      </Heading>
      <p id="stamp" class="stamp" hidden={!proof.hasProved(current)}>proved: all 10²⁰ sums</p>
      <SumGrid sum={sum} step={step} trace={trace} />
      <Verdict sum={sum} trace={trace} />
      <div class="stack beside">
        <ArcFigure model={current} pointer={pointer} token={trace.steps[step].token} />
        <div class="stack">
          <SumForm sum={sum} />
          <div class="flow">
            <Chip text="carry all the way" pair={() => [9999999999, 1]} sum={sum} />
            <Chip text="random" pair={randomPair} sum={sum} />
            <button type="button" class="pair" hidden={sum.step === undefined} onClick={() => sum.select(undefined)}>
              follow the least certain step
            </button>
            {proof.hardest(current) && (
              <Chip
                text="hardest for this model"
                pair={() => proof.hardest(current)!}
                sum={sum}
              />
            )}
          </div>
        </div>
      </div>
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
  const form = useRef<HTMLFormElement>(null);
  const [problem, setProblem] = useState<{ name: string; text: string }>();
  const field = (name: string) => form.current!.elements.namedItem(name) as HTMLInputElement;
  // with the sum that is shown, not after it: what is typed next must stay
  useLayoutEffect(() => {
    [field("a").value, field("b").value] = [String(sum.a), String(sum.b)];
    setProblem(undefined);
  }, [sum.plays]);
  const play = (event: SubmitEvent) => {
    event.preventDefault();
    const [a, b] = ["a", "b"].map((name) => readOperand(field(name).value));
    if (typeof a === "number" && typeof b === "number") return sum.play(a, b);
    const wrong = typeof a === "number" ? { name: "b", text: String(b) } : { name: "a", text: String(a) };
    setProblem(wrong);
    field(wrong.name).focus();
  };
  return (
    <form id="sum-form" ref={form} class="flow" onSubmit={play} noValidate>
      {["a", "b"].map((name) => (
        <label key={name} class="grow">
          {name === "a" ? "First number" : "Second number"}
          <input
            {...{ name, type: "text", inputMode: "numeric", autocomplete: "off" }}
            aria-invalid={problem?.name === name}
            aria-describedby="sum-problem"
          />
        </label>
      ))}
      <button class="primary" type="submit">Add</button>
      <p id="sum-problem" class="problem" role="alert">{problem?.text}</p>
    </form>
  );
}

function Chip({ text, pair, sum }: { text: string; pair: () => readonly [number, number]; sum: Sum }) {
  return <button type="button" class="pair" onClick={() => sum.play(...pair())}>{text}</button>;
}

function randomPair(): readonly [number, number] {
  const random = () => Math.floor(Math.random() * (MAX_OPERAND + 1));
  return [random(), random()];
}

/** First row: a; second row: + and b; third row: =, the end, and the sum from its highest digit. */
function SumGrid({ sum, step: current, trace }: { sum: Sum; step: number; trace: SumInspection }) {
  const { a, b, steps, tokens } = trace;
  const { attention } = steps[current];
  const targets = targetTokens(a, b);
  const prompt = (position: number) => (
    <span key={position} class="cell" style={shareStyle(attention[position])}>{TOKEN_NAMES[tokens[position]]}</span>
  );
  const answer = (step: number) => {
    const { token } = steps[step];
    const isWritten = step < sum.written;
    const isWrong = isWritten && token !== targets[step];
    const name = isWritten
      ? TOKEN_NAMES[token] + (isWrong ? `, correct is ${TOKEN_NAMES[targets[step]]}` : "")
      : "not written yet";
    return (
      <button
        key={`step ${step}`}
        type="button"
        class="cell answer"
        data-wrong={isWrong}
        // a step cannot see later tokens
        style={shareStyle(step < current ? attention[FIRST_QUERY + 1 + step] : 0)}
        aria-pressed={step === current}
        aria-label={`${STEP_NAMES[step]}: ${name}`}
        onClick={() => sum.select(step)}
      >
        {!isWritten ? "·" : step === STEPS - 1 && token === EOS ? "⏎" : TOKEN_NAMES[token]}
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

function Verdict({ sum: { written }, trace: { a, b, sum } }: { sum: Sum; trace: SumInspection }) {
  const right = a + b;
  const result = sum === right ? "✓" : `✗, correct is ${formatInteger(right)}`;
  const answer = sum === null ? "no number" : formatInteger(sum);
  return (
    <p id="sum-verdict" class="verdict" role="status" data-right={written < STEPS ? "" : sum === right}>
      {written < STEPS ? "…" : `${formatInteger(a)} + ${formatInteger(b)} = ${answer} ${result}`}
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
