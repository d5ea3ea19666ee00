import { useMemo } from "preact/hooks";
import { TOKEN_NAMES } from "../src/inspection/names.ts";
import { referenceModel } from "../src/inspection/reference_model.ts";
import { ArcFigure } from "./arc_figure.tsx";
import { Heading } from "./explain.tsx";
import { percent, POSITION_NAMES, STEP_NAMES } from "./format.ts";
import { useChanges } from "./hooks.ts";
import { carrySentence, measureStep, planeFor } from "./look_inside.ts";
import { models } from "./models.ts";
import { sum, useTrace } from "./sum.ts";

/** The beginning of the section `See how it does it`: what the step at hand of the sum at hand does, measured. */
export function MechanismFigure() {
  useChanges(200, models, sum);
  const { model, trace, step } = useTrace();
  const plane = planeFor(model);
  const measure = () => measureStep(referenceModel(model), trace, step, plane);
  const { reads, total, afterEach, inPlane } = useMemo(measure, [trace, step, plane]);
  const last = step === 0 ? undefined : trace.steps[step - 1].token;
  const listed = reads.slice(0, 5); // four of them matter
  const terms = listed.map(({ digit, strength }) => `${strength.toFixed(2)} × ${digit}`);
  const row = (title: string, tokens: readonly number[]) => (
    <tr>
      <th scope="row">{title}</th>
      {tokens.map((token, digit) => <td key={digit} data-chosen={digit === last}>{TOKEN_NAMES[token]}</td>)}
    </tr>
  );
  return (
    <>
      <Heading
        of="inside"
        title="See how it does it"
        text="The model reads the digits of one column and a little of the column before, and turns them into a direction that points at a digit. Everything here is measured on the current weights, so untrained ones show no order at all."
      >
        Each step shares its attention out over the tokens that it reads: the two numbers, the signs, and the digits
        written so far. The strengths make one number of the digits read; in a trained model it is the column’s total,
        with a tenth of the column before. The digit written last tells whether that column carried, and the
        feed-forward layer turns the result into a direction. Each token has an embedding, seven numbers that stand for
        it; those of the digits lie on an arc, so a direction chooses one. In a heat map, blue is above 0 and orange is
        below.
      </Heading>
      <div id="mechanism" class="stack mechanism">
        <ol class="stack">
          <li>
            <h3>It reads digits</h3>
            <p>At step {step + 1}, which writes the {STEP_NAMES[step]}, these digits get most attention:</p>
            <table>
              <tbody>
                {listed.map(({ position, digit, share }) => (
                  <tr key={position}>
                    <td>
                      <b>{digit}</b>
                    </td>
                    <th scope="row">{POSITION_NAMES[position]}</th>
                    <td class="bar" style={{ "--share": share.toFixed(4) }} />
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
                  {row("If the last digit were", [...afterEach.keys()])}
                  {row("it would write", afterEach)}
                </tbody>
              </table>
            )}
          </li>
          <li>
            <h3>The direction of the result chooses a digit</h3>
            <p>
              The arrow is the model’s result; {percent(Number(inPlane.toFixed(3)))}{" "}
              of its squared length is in the plane of the digits. The digit that lies farthest in its direction has the
              largest logit, but for what the other dimensions add: the model writes{" "}
              <b>{TOKEN_NAMES[trace.steps[step].token]}</b>.
            </p>
          </li>
        </ol>
        <ArcFigure {...{ model, trace, step }} />
      </div>
    </>
  );
}
