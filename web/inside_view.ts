/**
 * The section `Look inside`: attention and embeddings as heat maps.
 *
 * @module
 */
import { eventLoopTurn } from "../src/event_loop.ts";
import { type Glass, glassOf } from "../src/inspection/glass.ts";
import { TOKEN_NAMES } from "../src/inspection/sum.ts";
import { tensorView, variantOf, WIDTH } from "../src/model/variant.ts";
import { EQUALS, POSITIONS_READ } from "../src/model/vocabulary.ts";
import { attentionScores, meanAttention } from "./attention_tables.ts";
import { byId, element, onColorScheme } from "./dom.ts";
import { percent } from "./format.ts";
import { inFrame } from "./frames.ts";
import { HeatMap, signed } from "./heat_map.ts";
import type { LabModel } from "./models.ts";
import { POSITION_GROUPS, POSITION_NAMES, STEP_NAMES } from "./names.ts";

const FEATURES = Array.from({ length: WIDTH }, (_, i) => String(i + 1));
/** Width of the labels of rows. */
const LABELS = 66;
/** Tokens that stand anywhere that is read: digits and the two signs. */
const TOKENS_READ = 12;
/** The step whose table is shown first. */
const FIRST_STEP = 4;

/** The section's heat maps. */
export class InsideView {
  /** The step of the table of scores, and the token that asks. */
  readonly #stepChoice = element(
    "select",
    { ariaLabel: "Step" },
    ...STEP_NAMES.map((name, step) => element("option", { value: String(step) }, `step ${step + 1}: ${name}`)),
  );
  readonly #tokenChoice = element("select", { ariaLabel: "Token written last" });
  readonly #mean = new HeatMap({
    title: "Where each step looks",
    note: "Mean attention over 48 sums of 10-digit numbers: one row for each token of the answer.",
    scale: "share",
    labels: LABELS,
    groups: POSITION_GROUPS,
    read: (row, column, value) => `${row} looks at ${column}: ${percent(Number(value.toFixed(4)))}`,
  });
  readonly #scores = new HeatMap(
    {
      title: "Attention table",
      note: "The score q·k/√7 that each token gets at each position. " +
        "With one layer it depends on nothing else: these tables are all of the model's attention.",
      scale: "signed",
      labels: LABELS,
      groups: POSITION_GROUPS,
      read: (row, column, value) => `${row} at ${column}: ${signed(value)}`,
    },
    this.#stepChoice,
    this.#tokenChoice,
  );
  readonly #positions = new HeatMap({
    title: "Position embeddings",
    note: "Seven numbers for each position of the sequence.",
    scale: "signed",
    labels: LABELS,
    groups: POSITION_GROUPS,
    read: (row, column, value) => `feature ${row} of ${column}: ${signed(value)}`,
  });
  readonly #tokens = new HeatMap({
    title: "Token embeddings",
    note: "Each token's seven numbers, which are the output weights as well.",
    scale: "signed",
    labels: LABELS,
    cell: 40,
    read: (row, column, value) => `${row}, feature ${column}: ${signed(value)}`,
  });
  #glass: Glass | undefined;
  #model: LabModel | undefined;
  /** Models shown so far: a mean that comes too late is of another one. */
  #shown = 0;

  /** Fills the section. */
  constructor() {
    const maps = [this.#mean, this.#scores, this.#positions, this.#tokens];
    byId("maps", HTMLDivElement).append(...maps.map(({ root }) => root));
    onColorScheme(() => maps.forEach((map) => map.draw()));
    this.#stepChoice.value = String(FIRST_STEP);
    this.#stepChoice.onchange = () => {
      this.#offerTokens();
      this.#showScores();
    };
    this.#tokenChoice.onchange = () => this.#showScores();
    this.#offerTokens();
  }

  /** Shows a model, a map a frame. */
  async show(model: LabModel): Promise<void> {
    const number = ++this.#shown;
    this.#model = model;
    this.#glass = glassOf(model);
    inFrame(() => this.#showPositions());
    inFrame(() => this.#showTokens());
    inFrame(() => this.#showScores());
    const values = await meanAttention(this.#glass, eventLoopTurn);
    if (number !== this.#shown) return;
    inFrame(() => this.#mean.show({ values, rows: STEP_NAMES, columns: POSITION_NAMES }));
  }

  #showTokens(): void {
    const { model, parameters } = this.#model!;
    const values = tensorView(parameters, variantOf(model), "tok_emb.weight");
    this.#tokens.show({ values, rows: TOKEN_NAMES, columns: FEATURES });
  }

  #showPositions(): void {
    const { model, parameters } = this.#model!;
    const tensor = tensorView(parameters, variantOf(model), "pos_emb.weight");
    const values = FEATURES.flatMap((_, feature) =>
      POSITION_NAMES.map((_, position) => tensor[position * WIDTH + feature])
    );
    this.#positions.show({ values, rows: FEATURES, columns: POSITION_NAMES });
  }

  /** The tokens that can ask at the step chosen. */
  #offerTokens(): void {
    const isFirst = this.#stepChoice.value === "0";
    const last = this.#tokenChoice.value;
    const tokens = isFirst ? [EQUALS] : [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    this.#tokenChoice.replaceChildren(
      ...tokens.map((token) => element("option", { value: String(token) }, `after ${TOKEN_NAMES[token]}`)),
    );
    if (tokens.includes(Number(last)) && last !== "") this.#tokenChoice.value = last;
  }

  #showScores(): void {
    if (this.#glass === undefined) return;
    const table = attentionScores(this.#glass, Number(this.#stepChoice.value), Number(this.#tokenChoice.value));
    const values = table.subarray(0, TOKENS_READ * POSITIONS_READ);
    this.#scores.show({ values, rows: TOKEN_NAMES.slice(0, TOKENS_READ), columns: POSITION_NAMES });
  }
}
