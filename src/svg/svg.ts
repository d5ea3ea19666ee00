/** Okabe and Ito's colours, which colour-blind people can tell apart. */
export const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"] as const;

/** Text as the content of an element or of an attribute in double quotes. */
export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

export function text(x: number, y: number, content: string, attributes = ""): string {
  return `<text x="${x}" y="${y}"${attributes && ` ${attributes}`}>${escapeXml(content)}</text>`;
}

/** Rectangles, drawn as one path for each paint: a page is several times as fast with these as with an element for each (measured). */
export class Rectangles {
  readonly #paths = new Map<string, string>();

  /** @param opacity 0 … 1, drawn in steps of 4% */
  add(x: number, y: number, width: number, height: number, opacity: number, paint = ""): void {
    const key = `${paint} fill-opacity="${Math.round(25 * opacity) / 25}"`;
    this.#paths.set(key, `${this.#paths.get(key) ?? ""}M${x} ${y}h${width}v${height}h${-width}z`);
  }

  draw(): string[] {
    return [...this.#paths].map(([paint, path]) => `<path d="${path}"${paint}/>`);
  }
}

type Page = Readonly<{ title: string } & Record<"width" | "height" | "left", number>>;

/** An SVG file on a white ground. `left` is where its title begins. */
export function svgFile({ title, width, height, left }: Page, drawings: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(left, 24, title, 'font-size="15"'),
    ...drawings,
    "</svg>",
    "",
  ].join("\n");
}
