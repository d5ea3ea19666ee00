import * as Plot from "@observablehq/plot";
import { DOMParser } from "linkedom";

/** The text of an SVG file with a plot by Observable Plot. */
export function svg(options: Plot.PlotOptions): string {
  const document = new DOMParser().parseFromString("<html></html>", "text/html");
  const style = { background: "white", color: "#333", fontFamily: "sans-serif" };
  const figure = Plot.plot({ className: "plot", ...options, style, document: document as never });
  figure.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return figure.outerHTML;
}
