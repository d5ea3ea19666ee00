import { COLOURS, escapeXml, Rectangles, svgFile, text } from "./svg.ts";

/** A table of numbers to draw. */
export interface HeatMap {
  /** A line above it. */
  readonly title: string;
  /** Rows may differ in length; NaN where there is no value. */
  readonly rows: readonly (Float64Array | readonly number[])[];
  /** Names of the rows, to their left. */
  readonly rowLabels: readonly string[];
  /** Names of the columns, above them. */
  readonly columnLabels: readonly string[];
  /** Labels in place of those of the columns: each stands above this number of columns, where it fits. */
  readonly groups?: readonly (readonly [label: string, columns: number])[];
  /** Texts to the right of the rows. */
  readonly remarks?: readonly string[];
  /** The absolute value that gets the full colour. */
  readonly full: number;
}

/** The height of a cell, and its width in a file. */
export const CELL = 18;
/** The width of the row labels, and the height of the column labels. */
export const [LEFT, TOP] = [66, 20];
/** The width of a letter in the labels of groups, and of remarks; the heights of a title and of what is between two maps. */
const [LETTER, REMARKS, TITLE, GAP] = [6, 220, 26, 26];

export function describeCell({ rows, rowLabels, columnLabels }: HeatMap, row: number, column: number): string {
  return `${rowLabels[row]}, ${columnLabels[column]}: ${rows[row][column].toFixed(3)}`;
}

/** Draws labels and cells, in a file with titles that describe them. The opacity of a cell is the root of its share of the full value, so that small values show. */
export function drawHeatMap(map: HeatMap, { top = 0, cell = CELL, titles = true } = {}): string[] {
  const { rows, rowLabels, columnLabels, remarks = [], full } = map;
  const x = (column: number) => LEFT + cell * column;
  const y = (row: number) => top + TOP + CELL * row;
  let from = 0;
  const header = (map.groups ?? columnLabels.map((label) => [label, 1] as const)).flatMap(([label, span]) => {
    const middle = x(from + span / 2);
    from += span;
    if (span > 1 && LETTER * label.length > span * cell) return [];
    return [text(middle, top + TOP - 6, label, 'text-anchor="middle" font-size="10"')];
  });
  const merged = new Rectangles();
  const cells: string[] = [];
  rows.forEach((row, i) =>
    row.forEach((value, j) => {
      if (Number.isNaN(value)) return;
      const opacity = Math.sqrt(Math.min(1, Math.abs(value) / full));
      const fill = `fill="${COLOURS[value < 0 ? 1 : 0]}"`;
      if (!titles) return merged.add(x(j), y(i), cell, CELL, opacity, ` ${fill}`);
      const shape = `x="${x(j)}" y="${y(i)}" width="${cell}" height="${CELL}"`;
      const title = `<title>${escapeXml(describeCell(map, i, j))}</title>`;
      cells.push(`<rect ${shape} ${fill} fill-opacity="${opacity.toFixed(3)}" stroke="#eee">${title}</rect>`);
    })
  );
  return [
    ...header,
    ...rows.map((_, i) => text(LEFT - 6, y(i) + 13, rowLabels[i], 'text-anchor="end"')),
    ...remarks.map((remark, i) => text(x(columnLabels.length) + 10, y(i) + 13, remark)),
    ...cells,
    ...merged.draw(),
  ];
}

/**
 * Draws tables below each other as the text of an SVG file.
 *
 * @example Usage
 * ```ts
 * import { heatMapsSvg } from "@x/tiny-adder/inspect";
 *
 * const rows = [[0.2, -0.8]];
 * console.log(heatMapsSvg("Mine", [{ title: "A row", rows, rowLabels: ["r"], columnLabels: ["x", "y"], full: 1 }]));
 * ```
 */
export function heatMapsSvg(title: string, maps: readonly HeatMap[]): string {
  const right = ({ columnLabels, remarks }: HeatMap) => LEFT + CELL * columnLabels.length + (remarks ? REMARKS : GAP);
  const width = Math.max(420, ...maps.map(right));
  let height = 40;
  const drawings = maps.flatMap((map) => {
    const top = height + TITLE;
    height = top + TOP + CELL * map.rows.length + GAP;
    return [text(12, top - 10, map.title), ...drawHeatMap(map, { top })];
  });
  return svgFile({ title, width, height, left: 12 }, drawings);
}
