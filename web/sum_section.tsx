import { formatInteger } from "../src/common/format_value.ts";
import { TOKEN_NAMES } from "../src/inspection/names.ts";
import type { SumInspection } from "../src/inspection/sum.ts";
import { EOS, FIRST_QUERY, MAX_OPERAND, PROMPT_LENGTH, QUERIES, targetTokens } from "../src/model/vocabulary.ts";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { ArcFigure } from "./arc_figure.tsx";
import { Heading } from "./explain.tsx";
import { percent, POSITION_NAMES, STEP_NAMES } from "./format.ts";
import { useChanges } from "./hooks.ts";
import { models } from "./models.ts";
import { readOperand } from "./operand.ts";
import { proof } from "./proof.ts";
import { sum, useTrace } from "./sum.ts";

const randomOperand = () => Math.floor(Math.random() * (MAX_OPERAND + 1));

/** The section `Ask it`: a sum laid out as on paper, digit by digit, with the attention of each step, and the digits as dots. */
export function SumSection() {
  useChanges(200, models, proof);
  useChanges(0, sum);
  const { model, trace, step } = useTrace();
  const { token, probabilities } = trace.steps[step];
  const { a, b, sum: got } = trace;
  const isWritten = sum.written === QUERIES;
  const isRight = got === a + b;
  const answer = got === null ? "no number" : formatInteger(got);
  const proved = proof.resultOf(model);
  const hardest = proved?.counterexample ?? proved?.steps.toSorted((x, y) => x.margin - y.margin)[0]?.worst;
  const chips: Record<string, readonly [number, number] | undefined> = {
    "carry all the way": [9999999999, 1],
    random: [randomOperand(), randomOperand()],
    "hardest for this model": hardest && [hardest.a, hardest.b],
  };
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
      <p id="stamp" class="stamp" hidden={!proved?.certificate}>proved: all 10²⁰ sums</p>
      <SumGrid step={step} trace={trace} />
      <p id="sum-verdict" class="verdict" role="status" data-right={isWritten ? isRight : ""}>
        {isWritten ? `${pairText(a, b)} = ${answer} ${isRight ? "✓" : `✗, correct is ${formatInteger(a + b)}`}` : "…"}
      </p>
      <div class="stack beside">
        <ArcFigure {...{ model, trace, step }} />
        <div class="stack">
          <SumForm />
          <div class="flow">
            {Object.entries(chips).map(([text, pair]) =>
              pair && <button key={text} type="button" class="pair" onClick={() => sum.play(...pair)}>{text}</button>
            )}
            <button type="button" class="pair" hidden={sum.step === undefined} onClick={() => sum.show(undefined)}>
              follow the least certain step
            </button>
          </div>
        </div>
      </div>
      <label class="row">
        Step
        <input
          {...{ id: "sum-step", type: "range", min: 1, max: QUERIES, value: step + 1 }}
          aria-valuetext={`${step + 1}: ${STEP_NAMES[step]}`}
          onInput={({ currentTarget }) => sum.show(Number(currentTarget.value) - 1)}
        />
      </label>
      <p id="sum-caption" class="caption">{captionOf(trace, step)}</p>
      <ol id="sum-probabilities" class="probabilities" aria-label="Probability of each token">
        {probabilities.map((share, i) => (
          <li key={i} class={i === token ? "chosen" : ""}>
            <span class="bar" style={{ "--share": share.toFixed(4) }} />
            <span>{TOKEN_NAMES[i]}</span>
            <small>{share >= 0.005 && `${Math.round(100 * share)}%`}</small>
          </li>
        ))}
      </ol>
    </>
  );
}

function SumForm() {
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
    const name = typeof a === "number" ? "b" : "a";
    setProblem({ name, text: String(name === "b" ? b : a) });
    field(name).focus();
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

/** First row: a; second row: + and b; third row: =, the end, and the sum from its highest digit. */
function SumGrid({ step: current, trace }: { step: number; trace: SumInspection }) {
  const { steps, tokens } = trace;
  const { attention } = steps[current];
  const targets = targetTokens(trace.a, trace.b);
  const answer = steps.map(({ token }, step) => {
    const isWritten = step < sum.written;
    const isWrong = isWritten && token !== targets[step];
    const name = isWritten ? TOKEN_NAMES[token] : "not written yet";
    return (
      <button
        key={`step ${step}`}
        type="button"
        class="cell answer"
        data-wrong={isWrong}
        style={shareStyle(attention[FIRST_QUERY + 1 + step] ?? 0)} // a step cannot see later tokens
        aria-pressed={step === current}
        aria-label={`${STEP_NAMES[step]}: ${name}${isWrong ? `, correct is ${TOKEN_NAMES[targets[step]]}` : ""}`}
        onClick={() => sum.show(step)}
      >
        {!isWritten ? "·" : step === QUERIES - 1 && token === EOS ? "⏎" : TOKEN_NAMES[token]}
      </button>
    );
  });
  return (
    <div id="sum-grid" class="sum-grid" role="group" aria-label="The sum, digit by digit">
      {tokens.slice(0, PROMPT_LENGTH).map((token, position) => (
        <span key={position} class="cell" style={shareStyle(attention[position])}>{TOKEN_NAMES[token]}</span>
      ))}
      {answer.reverse()}
    </div>
  );
}

/** The square root of a share in [0, 1], so that small shares show. */
function shareStyle(share: number): Record<string, string> {
  return { "--share": Math.sqrt(share).toFixed(3) };
}

function pairText(a: number, b: number): string {
  return `${formatInteger(a)} + ${formatInteger(b)}`;
}

/** Two numbers, which a press adds in this section. */
export function Pair({ a, b }: { a: number; b: number }) {
  const text = pairText(a, b);
  const play = () => {
    sum.play(a, b);
    document.getElementById("sum-grid")!.scrollIntoView({ block: "nearest" });
  };
  return <button type="button" class="pair" aria-label={`Add ${text}`} onClick={play}>{text}</button>;
}

function captionOf({ steps }: SumInspection, at: number): string {
  const { token, probability, attention } = steps[at];
  const most = [...attention.entries()].sort(([, x], [, y]) => y - x).slice(0, 3);
  const looks = most.map(([position, share]) => `${POSITION_NAMES[position]} (${percent(Number(share.toFixed(3)))})`);
  return `Step ${at + 1}, ${STEP_NAMES[at]}: writes ${TOKEN_NAMES[token]} with probability ${percent(probability)}. ` +
    `Most attention: ${looks.join(", ")}.`;
}
