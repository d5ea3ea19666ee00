import { formatInteger } from "../src/common/format_integer.ts";
import { type StepInspection, type SumInspection, TOKEN_NAMES } from "../src/inspection/sum.ts";
import { EOS, FIRST_QUERY, QUERIES as STEPS } from "../src/model/vocabulary.ts";
import { byId, element } from "./dom.ts";
import { percent } from "./format.ts";
import { positionName, STEP_NAMES } from "./names.ts";

/** Milliseconds between two digits. */
const PACE = 280;

interface Cell {
  readonly element: HTMLElement;
  readonly position: number;
}

/** The section `Add`: a sum laid out as on paper, digit by digit, with the attention of each step. */
export class SumView {
  readonly #grid = byId("sum-grid", HTMLDivElement);
  readonly #slider = byId("sum-step", HTMLInputElement);
  readonly #caption = byId("sum-caption", HTMLParagraphElement);
  readonly #verdict = byId("sum-verdict", HTMLParagraphElement);
  readonly #bars: HTMLLIElement[];
  /** The cells of operands and signs. */
  readonly #prompt: Cell[];
  /** The twelve tokens of the answer. */
  readonly #answer: HTMLButtonElement[];
  #trace: SumInspection | undefined;
  #step = 0;
  /** The number of answer tokens that are shown. */
  #shown = STEPS;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    this.#answer = Array.from({ length: STEPS }, (_, step) => {
      const button = element("button", { type: "button", className: "cell answer" });
      button.onclick = () => this.#select(step);
      return button;
    });
    this.#prompt = promptCells();
    // first row: a; second row: + and b; third row: =, the end, and the sum from its highest digit
    const at = (position: number) => this.#prompt.find((cell) => cell.position === position)!.element;
    const blank = () => element("span", { className: "blank" });
    const row = (...cells: Node[]) => this.#grid.append(...cells);
    row(blank(), blank(), blank(), ...range(0, 10).map(at));
    row(at(10), blank(), blank(), ...range(11, 21).map(at));
    row(at(21), this.#answer[11], ...range(0, 11).reverse().map((step) => this.#answer[step]));
    this.#bars = TOKEN_NAMES.map((name) =>
      element("li", {}, element("span", { className: "bar" }), element("b", {}, name), element("small"))
    );
    byId("sum-probabilities", HTMLOListElement).append(...this.#bars);
    this.#slider.oninput = () => this.#select(Number(this.#slider.value) - 1);
  }

  /** Shows a sum digit by digit, ones first. */
  play(trace: SumInspection): void {
    clearInterval(this.#timer);
    this.#trace = trace;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.#shown = STEPS;
      this.#step = 0;
      return this.#show();
    }
    this.#shown = 1;
    this.#step = 0;
    this.#show();
    this.#timer = setInterval(() => {
      this.#step = this.#shown++;
      if (this.#shown === STEPS) clearInterval(this.#timer);
      this.#show();
    }, PACE);
  }

  /** Shows another model's answer to the same sum and keeps the chosen step. */
  update(trace: SumInspection): void {
    this.#trace = trace;
    this.#show();
  }

  #select(step: number): void {
    clearInterval(this.#timer);
    this.#shown = STEPS;
    this.#step = step;
    this.#show();
  }

  #show(): void {
    const trace = this.#trace!;
    const step = trace.steps[this.#step];
    for (const { element, position } of this.#prompt) {
      element.textContent = TOKEN_NAMES[trace.tokens[position]];
      setShare(element, step.attention[position]);
    }
    this.#answer.forEach((button, i) => this.#showAnswer(button, i, step));
    this.#bars.forEach((bar, token) => showBar(bar, step, token));
    this.#slider.value = String(this.#step + 1);
    this.#slider.setAttribute("aria-valuetext", `${this.#step + 1}: ${STEP_NAMES[this.#step]}`);
    this.#caption.textContent = captionOf(trace, this.#step);
    this.#showVerdict(trace);
  }

  #showAnswer(button: HTMLButtonElement, i: number, current: StepInspection): void {
    const { token } = this.#trace!.steps[i];
    const isShown = i < this.#shown;
    button.textContent = isShown ? i === STEPS - 1 && token === EOS ? "⏎" : TOKEN_NAMES[token] : "·";
    // a step cannot see later tokens
    setShare(button, i < this.#step ? current.attention[FIRST_QUERY + 1 + i] : 0);
    button.setAttribute("aria-pressed", String(i === this.#step));
    button.setAttribute("aria-label", `${STEP_NAMES[i]}: ${isShown ? TOKEN_NAMES[token] : "not written yet"}`);
  }

  #showVerdict({ a, b, sum }: SumInspection): void {
    const right = a + b;
    const isDone = this.#shown === STEPS;
    this.#verdict.dataset.right = isDone ? String(sum === right) : "";
    const said = sum === null ? "no number" : formatInteger(sum);
    const text = !isDone
      ? "…"
      : `${formatInteger(a)} + ${formatInteger(b)} = ${said} ${
        sum === right ? "✓" : `✗, correct is ${formatInteger(right)}`
      }`;
    if (this.#verdict.textContent !== text) this.#verdict.textContent = text;
  }
}

function promptCells(): Cell[] {
  return range(0, 22).map((position) => ({ position, element: element("span", { className: "cell" }) }));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** Colors a cell by the square root of a share in [0, 1], so that small shares show. */
function setShare(target: HTMLElement, share: number): void {
  target.style.setProperty("--share", Math.sqrt(share).toFixed(3));
}

function showBar(bar: HTMLLIElement, { probabilities, token }: StepInspection, of: number): void {
  const share = probabilities[of];
  (bar.firstElementChild as HTMLElement).style.setProperty("--share", share.toFixed(4));
  bar.classList.toggle("chosen", token === of);
  bar.lastElementChild!.textContent = share >= 0.005 ? `${Math.round(100 * share)}%` : "";
}

function captionOf({ steps }: SumInspection, at: number): string {
  const { token, probabilities, attention } = steps[at];
  const most = [...attention.entries()].sort(([, x], [, y]) => y - x).slice(0, 3);
  const looks = most.map(([position, share]) => `${positionName(position)} (${percent(Number(share.toFixed(3)))})`);
  return `Step ${at + 1}, ${STEP_NAMES[at]}: writes ${TOKEN_NAMES[token]} with probability ${
    percent(probabilities[token])
  }. ` +
    `Most attention: ${looks.join(", ")}.`;
}
