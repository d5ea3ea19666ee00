import type uPlot from "uplot";
import { slotColor } from "./chart.ts";
import type { LabRun } from "./lab_run.ts";

/** A guessed digit is right one time in ten, so this share is drawn as 0. */
const GUESSED = 0.1;

/** The cell of the first evaluation, which has none before it, starts at its step divided by this. */
const FIRST_CELL = 1.12;

/** Draws one strip for each position of the sum (the y axis): the darker, the more digits there are correct. Runs share each row. */
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
