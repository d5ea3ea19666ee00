import { escapeXml } from "../common/xml.ts";

/** A table of numbers to draw. */
export interface HeatMap {
  readonly title: string;
  /** Rows may differ in length. */
  readonly rows: readonly (readonly number[])[];
  readonly rowLabels: readonly string[];
  readonly columnLabels: readonly string[];
  /** Texts to the right of the rows. */
  readonly remarks?: readonly string[];
  /** The absolute value that gets the full colour. */
  readonly full: number;
}

const CELL = 18;
const LEFT = 62;
const HEADER = 46;
const REMARKS = 220;
const GAP = 26;
/** Okabe and Ito's colours, which colour-blind people can tell apart. */
const COLOURS = { positive: "#0072b2", negative: "#d55e00" };

/** Draws tables below each other. */
export function heatMapsSvg(title: string, maps: readonly HeatMap[]): string {
  const width = Math.max(
    ...maps.map(({ columnLabels, remarks }) => LEFT + CELL * columnLabels.length + (remarks ? REMARKS : GAP)),
    420,
  );
  let y = 40;
  const drawings = maps.map((map) => {
    const drawing = heatMap(map, y);
    y += HEADER + CELL * map.rows.length + GAP;
    return drawing;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${y}" fill="#fff"/>`,
    text(12, 24, title, 'font-size="15"'),
    ...drawings,
    "</svg>",
    "",
  ].join("\n");
}

function heatMap({ title, rows, rowLabels, columnLabels, remarks, full }: HeatMap, top: number): string {
  const y = (row: number) => top + HEADER + CELL * row;
  const x = (column: number) => LEFT + CELL * column;
  const cells = rows.flatMap((row, i) =>
    row.map((value, j) => {
      const opacity = Math.min(1, Math.abs(value) / full).toFixed(3);
      const colour = value < 0 ? COLOURS.negative : COLOURS.positive;
      return `<rect x="${x(j)}" y="${
        y(i)
      }" width="${CELL}" height="${CELL}" fill="${colour}" fill-opacity="${opacity}" stroke="#eee">` +
        `<title>${escapeXml(`${rowLabels[i]}, ${columnLabels[j]}: ${value.toFixed(3)}`)}</title></rect>`;
    })
  );
  return [
    text(12, top + 16, title),
    ...columnLabels.map((label, j) =>
      text(x(j) + CELL / 2, top + HEADER - 6, label, 'text-anchor="middle" font-size="10"')
    ),
    ...rowLabels.map((label, i) => text(LEFT - 6, y(i) + 13, label, 'text-anchor="end"')),
    ...(remarks ?? []).map((remark, i) => text(x(columnLabels.length) + 10, y(i) + 13, remark)),
    ...cells,
  ].join("\n");
}

function text(x: number, y: number, content: string, attributes = ""): string {
  return `<text x="${x}" y="${y}"${attributes ? ` ${attributes}` : ""}>${escapeXml(content)}</text>`;
}
