/**
 * Right digits by place as a strip: the darker a cell, the more of the digits at that place are right. Two runs share each row.
 *
 * @module
 */
import type uPlot from "uplot";
import { slotColor } from "./chart.ts";
import type { LabRun } from "./lab_run.ts";

/** A digit that is guessed is right one time in ten: this much is drawn as nothing. */
const GUESSED = 0.1;

/** The first evaluation has none before it: its cell starts at its step divided by this. */
const FIRST_CELL = 1.12;

/** Paints the strips of all runs into a plot whose y axis is the place. */
export function paintPlaces(plot: uPlot, runs: readonly LabRun[]): void {
  const { ctx, bbox } = plot;
  const row = plot.valToPos(0, "y", true) - plot.valToPos(1, "y", true);
  const height = (row - 2) / Math.max(1, runs.length);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const [i, run] of runs.entries()) {
    ctx.fillStyle = slotColor(run.slot);
    for (const [place, { steps, values }] of run.digits.entries()) {
      const top = plot.valToPos(place, "y", true) - row / 2 + 1 + i * height;
      let left = plot.valToPos(steps[0] / FIRST_CELL, "x", true);
      for (const [j, step] of steps.entries()) {
        const right = plot.valToPos(step, "x", true);
        ctx.globalAlpha = Math.max(0, (values[j] - GUESSED) / (1 - GUESSED)) ** 2;
        ctx.fillRect(left, top, right - left, height - 1);
        left = right;
      }
    }
  }
  ctx.restore();
}
