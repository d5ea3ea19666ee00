import type { Engine } from "../engine/interface/types.ts";
import type { Operands } from "../model/problem.ts";
import { OPERAND_DIGITS } from "../model/vocabulary.ts";
import type { Stage } from "../schedule/stage.ts";
import type { RunOptions } from "./types.ts";

/** The last digit of a number, as often as the number has digits. */
const repeated = (value: number) => Number(String(value % 10).repeat(String(value).length));

/** Makes the examples of a stage's mix, from what the engine draws; undefined where there is none. */
export function problemsOf({ mix }: Stage, engine: Pick<Engine, "sample">): RunOptions["problems"] {
  if (mix === undefined) return undefined;
  return ({ seed, attempt, step, count, minDigits, maxDigits }) => {
    const request = { seed, stream: "training", attempt, sample: step } as const;
    const operands = new Float64Array(2 * count);
    let [share, first] = [0, 0];
    for (const { kind, digits: [least, most] = [minDigits, maxDigits], ...part } of mix) {
      share += part.share;
      const end = Math.round(share * count);
      if (end === first) continue;
      // a part takes its own examples of the step, so that no two parts share one
      const drawn = engine.sample({ ...request, count: end, minDigits: least, maxDigits: most }).subarray(2 * first);
      // examples beyond the batch say where carries begin and end
      if (kind === "carries") {
        addCarries(drawn, engine.sample({ ...request, count: count + end }).subarray(2 * (count + first)));
      }
      operands.set(kind === "repeated" ? drawn.map(repeated) : drawn, 2 * first);
      first = end;
    }
    return operands;
  };
}

/**
 * Changes each second operand so that a carry travels through the columns between two places: there the digits of both add up to 10^n, so that the
 * lowest that are not 0 make 10 and the others 9. `places` are pairs of numbers below 10^10: shares of the digits of the longer operand.
 */
function addCarries(operands: Operands, places: Operands): void {
  for (let i = 0; i < operands.length; i += 2) {
    const a = operands[i];
    const b = operands[i + 1];
    const { length } = String(Math.max(a, b));
    const x = 10 ** Math.floor(places[i] / 10 ** OPERAND_DIGITS * (length + 1));
    const y = 10 ** Math.floor(places[i + 1] / 10 ** OPERAND_DIGITS * (length + 1));
    const low = Math.min(x, y);
    const high = Math.max(x, y);
    const columns = high / low;
    const middle = Math.floor(a % high / low);
    operands[i + 1] = b - b % high + (columns - middle) % columns * low + b % low;
  }
}
