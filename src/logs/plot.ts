import { formatInteger } from "../common/format_value.ts";
import { chartSvg } from "../svg/chart.ts";
import { type LogLine, parseLog, type RunLog } from "./run_log.ts";

/** The ends of the y axis, in powers of ten. */
const [LOWEST, HIGHEST] = [-6, 1];

/** Steps between two marks: 1, 2 or 5 times a power of ten, so that there are at most six. */
function stepsBetween(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
  return [0.2, 0.5, 1, 2].map((factor) => factor * power).find((each) => each >= 1 && most / each <= 5) ?? 2 * power;
}

/** Draws the loss of runs by step as SVG, on a logarithmic axis. Attempts of a run share its colour. */
export function lossSvg(logs: readonly RunLog[]): string {
  type Step = LogLine & Readonly<Record<"step" | "loss", number>>;
  const stepsOf = ({ lines }: RunLog) =>
    lines.filter((line): line is Step => line.event === "step" && typeof line.loss === "number");
  const most = logs.flatMap(stepsOf).reduce((most, { step }) => Math.max(most, step), 1); // a long log: no spread
  const each = stepsBetween(most);
  const height = (loss: number) =>
    Math.min(1, Math.max(0, (Math.log10(Math.max(loss, Number.MIN_VALUE)) - LOWEST) / (HIGHEST - LOWEST)));
  return chartSvg({
    title: "Training loss by step, in nats",
    xTicks: Array.from({ length: Math.floor(most / each) + 1 }, (_, i) => [i * each / most, formatInteger(i * each)]),
    yTicks: Array.from({ length: HIGHEST - LOWEST + 1 }, (_, i) => [i / (HIGHEST - LOWEST), `1e${LOWEST + i}`]),
    xLabel: "steps",
    curves: logs.map((log) => ({
      path: (x, y) =>
        stepsOf(log).map(({ step, loss, attempt }, i, all) =>
          `${i === 0 || all[i - 1].attempt !== attempt ? "M" : "L"}${x(step / most)} ${y(height(loss))}`
        ).join(""),
      label: log.run,
    })),
  });
}

/**
 * Draws the loss of runs by step as the text of an SVG file, from their logs.
 *
 * @example Usage
 * ```ts
 * import { curveSvg } from "@x/tiny-adder/inspect";
 *
 * const log = '{"event":"step","step":100,"loss":0.5}\n{"event":"step","step":200,"loss":0.1}\n'; // log.jsonl of a run
 * console.log(curveSvg({ run: log }).length);
 * ```
 *
 * @param logs The text of each run's `log.jsonl`, by the name of the run
 * @throws {TypeError} If a line is not one of a log
 */
export function curveSvg(logs: Readonly<Record<string, string>>): string {
  const fail = (run: string) => (reason: string) => new TypeError(`Cannot draw ${run} as ${reason}`);
  return lossSvg(Object.entries(logs).map(([run, log]) => parseLog(run, log, fail(run))));
}
