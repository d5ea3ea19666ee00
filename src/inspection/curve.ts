import { lossSvg } from "../logs/plot.ts";
import { parseLog } from "../logs/run_log.ts";

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
  return lossSvg(
    Object.entries(logs).map(([run, log]) =>
      parseLog(run, log, (line, reason) => {
        return new TypeError(`Cannot draw ${run} as line ${line} must be that of a run's log: ${reason}`);
      })
    ),
  );
}
