import { Chart, type ChartSpec } from "./chart.ts";
import { onColorScheme } from "./dom.ts";
import { percent, powerOfTen, short, tickOfDecade } from "./format.ts";
import type { LabRun } from "./lab_run.ts";
import { paintPlaces } from "./place_strip.ts";

const STEPS_BEFORE_ANY_RUN = 10_000;

const SPECS: readonly ChartSpec[] = [
  {
    title: "Loss: how wrong the predictions are",
    height: 200,
    curve: ({ loss }) => loss,
    y: { empty: [0.001, 10] },
    tick: tickOfDecade,
    read: short,
  },
  {
    title: "Correct sums",
    height: 150,
    curve: ({ exactMatch }) => exactMatch,
    y: { range: [0, 1.03], ticks: [0, 0.25, 0.5, 0.75, 1] },
    tick: (share) => `${100 * share}%`,
    read: percent,
  },
  {
    title: "Correct digits, by position in the sum",
    height: 190,
    curve: ({ digits }) => digits[0],
    y: { range: [-0.5, 10.5], ticks: [0, 2, 4, 6, 8, 10] },
    tick: (place) => place === 0 ? "ones" : powerOfTen(place),
    read: percent,
    paint: paintPlaces,
  },
  {
    title: "Learning rate: how far a step moves the weights",
    height: 110,
    curve: ({ learningRate }) => learningRate,
    y: { empty: [0.001, 0.1] },
    tick: tickOfDecade,
    read: short,
  },
];

/** The charts of up to two runs. */
export class Charts {
  readonly #charts: readonly Chart[];

  constructor(root: HTMLElement, runs: () => readonly LabRun[]) {
    const lastStep = () => Math.max(...runs().map(({ totalSteps }) => totalSteps), 0) || STEPS_BEFORE_ANY_RUN;
    this.#charts = SPECS.map((spec) => new Chart(spec, { runs, lastStep }));
    root.append(...this.#charts.map(({ root }) => root));
    onColorScheme(() => this.#charts.forEach((chart) => chart.build()));
  }

  draw(): void {
    for (const chart of this.#charts) chart.draw();
  }
}
