import { cssColor, element } from "./dom.ts";
import { short } from "./format.ts";
import { throttled } from "./frames.ts";

export interface HeatMapData {
  /** Row by row; NaN where there is no value. */
  readonly values: ArrayLike<number>;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
}

export interface HeatMapStyle {
  readonly title: string;
  /** Explains what is shown. */
  readonly note: string;
  /** `share`: 0 … 1 in one color, by its square root, so that small shares show. `signed`: one color above 0, another below. */
  readonly scale: "share" | "signed";
  /** Describes a cell. */
  readonly read: (row: string, column: string, value: number) => string;
  /** Labels of groups of columns, with the number of columns in each. */
  readonly groups?: readonly (readonly [label: string, columns: number])[];
  /** The largest width of a cell, in pixels. */
  readonly cell?: number;
  /** The width of the row labels, in pixels; equal widths make maps line up. */
  readonly labels: number;
}

const RESIZE_MS = 100;
const LABEL_HEIGHT = 18;
const LABEL_FONT = "11px system-ui, sans-serif";
const ROW_HEIGHT = 18;
/** The quantile of the sizes that gets the full color: a few larger values must not make all others pale. */
const FULL_COLOR = 0.97;

/** Numbers in rows and columns as colors, with the value under the pointer or the arrow keys in words. */
export class HeatMap {
  readonly root: HTMLElement;
  readonly #style: HeatMapStyle;
  readonly #canvas = element("canvas", { tabIndex: 0 });
  readonly #readout = element("output");
  #data: HeatMapData | undefined;
  #cursor: { row: number; column: number } | undefined;

  /** @param extra Elements beside the title, such as a choice */
  constructor(style: HeatMapStyle, ...extra: Node[]) {
    this.#style = style;
    this.#canvas.setAttribute("role", "img");
    this.#canvas.setAttribute("aria-label", `${style.title}. ${style.note} Arrow keys read it cell by cell.`);
    this.#readout.setAttribute("aria-live", "polite");
    const head = element("figcaption", {}, element("strong", {}, style.title), ...extra, this.#readout);
    this.root = element(
      "figure",
      { className: "map" },
      head,
      this.#canvas,
      element("p", { className: "note" }, style.note),
    );
    this.#canvas.onpointermove = (event) => this.#point(event);
    this.#canvas.onpointerleave = () => this.#moveTo(undefined);
    this.#canvas.onblur = () => this.#moveTo(undefined);
    this.#canvas.onkeydown = (event) => this.#key(event);
    new ResizeObserver(throttled(() => this.draw(), RESIZE_MS)).observe(this.root);
  }

  show(data: HeatMapData): void {
    this.#data = data;
    this.draw();
  }

  #layout({ columns }: HeatMapData): { left: number; cell: number } {
    const left = this.#style.labels;
    const most = this.#style.cell ?? 28;
    return { left, cell: Math.max(4, Math.min(most, Math.floor((this.root.clientWidth - left) / columns.length))) };
  }

  /** Draws it in the current colors and size. */
  draw(): void {
    const data = this.#data;
    if (data === undefined || this.root.clientWidth === 0) return;
    const { rows, columns, values } = data;
    const { left, cell } = this.#layout(data);
    const [width, height] = [left + cell * columns.length, LABEL_HEIGHT + ROW_HEIGHT * rows.length];
    const ratio = devicePixelRatio;
    Object.assign(this.#canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    Object.assign(this.#canvas.style, { width: `${width}px`, height: `${height}px` });
    const context = this.#canvas.getContext("2d")!;
    context.scale(ratio, ratio);
    this.#drawLabels(context, data, left, cell);
    const full = this.#style.scale === "share" ? 1 : fullColorAt(values);
    const [positive, negative] = [cssColor("--run-a"), cssColor("--run-b")];
    const empty = cssColor("--cell");
    for (let i = 0; i < rows.length * columns.length; i++) {
      const value = values[i];
      if (Number.isNaN(value)) continue;
      const [x, y] = [left + i % columns.length * cell, LABEL_HEIGHT + Math.floor(i / columns.length) * ROW_HEIGHT];
      const gap = cell > 8 ? 1 : 0;
      context.globalAlpha = 1;
      context.fillStyle = empty;
      context.fillRect(x, y, cell - gap, ROW_HEIGHT - 1);
      const depth = Math.min(1, Math.abs(value) / full);
      context.globalAlpha = this.#style.scale === "share" ? Math.sqrt(depth) : depth;
      context.fillStyle = value < 0 ? negative : positive;
      context.fillRect(x, y, cell - gap, ROW_HEIGHT - 1);
    }
    this.#drawCursor(context, left, cell);
  }

  #drawLabels(context: CanvasRenderingContext2D, { rows, columns }: HeatMapData, left: number, cell: number): void {
    context.fillStyle = cssColor("--muted");
    context.font = LABEL_FONT;
    context.textBaseline = "middle";
    context.textAlign = "right";
    rows.forEach((label, i) => context.fillText(label, left - 6, LABEL_HEIGHT + (i + 0.5) * ROW_HEIGHT));
    context.textAlign = "center";
    const groups = this.#style.groups ?? columns.map((label): [string, number] => [label, 1]);
    let at = 0;
    for (const [label, span] of groups) {
      if (context.measureText(label).width <= span * cell) {
        context.fillText(label, left + (at + span / 2) * cell, LABEL_HEIGHT / 2);
      }
      at += span;
    }
  }

  #drawCursor(context: CanvasRenderingContext2D, left: number, cell: number): void {
    if (this.#cursor === undefined) return;
    const { row, column } = this.#cursor;
    context.globalAlpha = 1;
    context.strokeStyle = cssColor("--text");
    context.lineWidth = 2;
    context.strokeRect(left + column * cell, LABEL_HEIGHT + row * ROW_HEIGHT, cell - 1, ROW_HEIGHT - 1);
  }

  #point({ offsetX, offsetY }: PointerEvent): void {
    if (this.#data === undefined) return;
    const { left, cell } = this.#layout(this.#data);
    this.#moveTo({
      row: Math.floor((offsetY - LABEL_HEIGHT) / ROW_HEIGHT),
      column: Math.floor((offsetX - left) / cell),
    });
  }

  #key(event: KeyboardEvent): void {
    const moves: Record<string, [number, number]> = {
      ...{ ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] },
    };
    const move = moves[event.key];
    if (move === undefined || this.#data === undefined) return;
    event.preventDefault();
    const { row, column } = this.#cursor ?? { row: -move[0], column: -move[1] };
    const limit = (value: number, length: number) => Math.max(0, Math.min(length - 1, value));
    this.#moveTo({
      row: limit(row + move[0], this.#data.rows.length),
      column: limit(column + move[1], this.#data.columns.length),
    });
  }

  #moveTo(cursor: { row: number; column: number } | undefined): void {
    const { rows = [], columns = [], values = [] } = this.#data ?? {};
    const isInside = cursor !== undefined && rows[cursor.row] !== undefined && columns[cursor.column] !== undefined;
    const next = isInside ? cursor : undefined;
    if (next?.row === this.#cursor?.row && next?.column === this.#cursor?.column) return;
    this.#cursor = next;
    const value = next === undefined ? NaN : values[next.row * columns.length + next.column];
    this.#readout.textContent = next === undefined || Number.isNaN(value)
      ? ""
      : this.#style.read(rows[next.row], columns[next.column], value);
    this.draw();
  }
}

function fullColorAt(values: ArrayLike<number>): number {
  const sizes = Array.from(values, Math.abs).filter((value) => !Number.isNaN(value)).sort((x, y) => x - y);
  return Math.max(1e-9, sizes[Math.floor(FULL_COLOR * (sizes.length - 1))]);
}

export function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${short(Math.abs(value))}`;
}
