import * as Plot from "@observablehq/plot";
import { DOMParser } from "linkedom";

/** Writes a plot by Observable Plot as an SVG file. */
export async function writePlot(path: string, options: Plot.PlotOptions): Promise<void> {
  const document = new DOMParser().parseFromString("<html></html>", "text/html");
  const style = { background: "white", color: "#333", fontFamily: "sans-serif" };
  const figure = Plot.plot({ className: "plot", ...options, style, document: document as never });
  figure.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  await Deno.writeTextFile(path, `${figure.outerHTML}\n`);
}
