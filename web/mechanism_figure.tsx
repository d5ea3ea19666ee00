import { TOKEN_NAMES } from "../src/inspection/names.ts";
import { referenceModel } from "../src/inspection/reference_model.ts";
import { inspectSum } from "../src/inspection/sum.ts";
import { useMemo } from "preact/hooks";
import { planeFor } from "./arc.ts";
import { ArcFigure } from "./arc_figure.tsx";
import { percent } from "./format.ts";
import { useChanges } from "./hooks.ts";
import { carrySentence, measureStep } from "./mechanism.ts";
import type { LabModel } from "./models.ts";
import { POSITION_NAMES, STEP_NAMES } from "./names.ts";
import { leastCertain, type Sum } from "./sum.ts";

/** The number of digits that are listed: those that matter are four. */
const LISTED = 5;

/** What the step at hand of the sum at hand does, measured. */
export function MechanismFigure({ model, sum }: { model: LabModel; sum: Sum }) {
  useChanges(0, sum);
  const { a, b } = sum;
  const trace = useMemo(() => inspectSum(model, a, b), [model, a, b]);
  const step = sum.step ?? leastCertain(trace);
  const plane = planeFor(model);
  const { reads, total, afterEach, pointer, inPlane } = useMemo(
    () => measureStep(referenceModel(model), trace, step, plane),
    [trace, step, plane],
  );
  const { token } = trace.steps[step];
  const last = step === 0 ? undefined : trace.steps[step - 1].token;
  const terms = reads.slice(0, LISTED).map(({ digit, strength }) => `${strength.toFixed(2)} × ${digit}`);
  return (
    <div id="mechanism" class="mechanism">
      <ol>
        <li>
          <h3>It reads digits</h3>
          <p>At step {step + 1}, which writes the {STEP_NAMES[step]}, these digits get most attention:</p>
          <table>
            <tbody>
              {reads.slice(0, LISTED).map(({ position, digit, share }) => (
                <tr key={position}>
                  <td>
                    <b>{digit}</b>
                  </td>
                  <th scope="row">{POSITION_NAMES[position]}</th>
                  <td>
                    <span class="bar" style={{ "--share": share.toFixed(4) }} />
                  </td>
                  <td>{percent(Number(share.toFixed(4)))}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </li>
        <li>
          <h3>They make one number</h3>
          <p>
            With half of the strongest column’s attention as 1, all digits read add up to <b>{total.toFixed(2)}</b>:
            {" "}
            {terms.join(" + ")} + …
          </p>
        </li>
        <li>
          <h3>The digit before it gives the carry</h3>
          <p>{carrySentence(trace, step)}</p>
          {afterEach.length > 0 && (
            <table>
              <tbody>
                <tr>
                  <th scope="row">If the last digit were</th>
                  {afterEach.map((_, digit) => <td key={digit} data-chosen={digit === last}>{digit}</td>)}
                </tr>
                <tr>
                  <th scope="row">it would write</th>
                  {afterEach.map((token, digit) => (
                    <td key={digit} data-chosen={digit === last}>{TOKEN_NAMES[token]}</td>
                  ))}
                </tr>
              </tbody>
            </table>
          )}
        </li>
        <li>
          <h3>The direction of the result chooses a digit</h3>
          <p>
            The arrow is the model’s result; {percent(Number(inPlane.toFixed(3)))}{" "}
            of its squared length is in the plane of the digits. The digit that lies farthest in its direction has the
            largest logit, but for what the other dimensions add: the model writes <b>{TOKEN_NAMES[token]}</b>.
          </p>
        </li>
      </ol>
      <ArcFigure model={model} pointer={pointer} token={token} />
    </div>
  );
}
