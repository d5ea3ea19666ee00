import { eventLoopTurn } from "../src/common/event_loop.ts";
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
/** Pixels. */
const LABELS = 66;
/** Tokens that the model reads: the digits and the two signs. */
const TOKENS_READ = 12;
const FIRST_STEP = 4;

/** The section `Look inside`: attention and embeddings as heat maps. */
export class InsideView {
  readonly #stepChoice = element(
    "select",
    { ariaLabel: "Step" },
    ...STEP_NAMES.map((name, step) => element("option", { value: String(step) }, `step ${step + 1}: ${name}`)),
  );
  readonly #tokenChoice = element("select", { ariaLabel: "Token written last" });
  readonly #mean = new HeatMap({
    title: "Where each step looks",
    note: "Attention, averaged over 48 random sums. Rows are the tokens of the answer, columns the positions read.",
    scale: "share",
    labels: LABELS,
    groups: POSITION_GROUPS,
    read: (row, column, value) => `${row} looks at ${column}: ${percent(Number(value.toFixed(4)))}`,
  });
  readonly #scores = new HeatMap(
    {
      title: "Attention table",
      note:
        "The score q·k/√7 that the chosen step gives each token at each position; softmax turns scores into shares. " +
        "The model has one layer, so a score depends on nothing else: these tables are all of its attention.",
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
    note: "The model represents each position by seven numbers, its embedding: one column here.",
    scale: "signed",
    labels: LABELS,
    groups: POSITION_GROUPS,
    read: (row, column, value) => `feature ${row} of ${column}: ${signed(value)}`,
  });
  readonly #tokens = new HeatMap({
    title: "Token embeddings",
    note: "Each token has seven numbers, too; they also turn the result of the last layer into logits. " +
      "“pad” fills unused positions, “end” ends the answer.",
    scale: "signed",
    labels: LABELS,
    cell: 40,
    read: (row, column, value) => `${row}, feature ${column}: ${signed(value)}`,
  });
  #glass: Glass | undefined;
  #model: LabModel | undefined;
  /** Counts the models shown, so that a mean that is ready too late is not shown for another model. */
  #shown = 0;

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

  /** Shows a model, one map in each frame. */
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

  /** Offers the tokens that can come before the chosen step. */
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
