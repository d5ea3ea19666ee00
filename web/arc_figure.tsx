import { useMemo } from "preact/hooks";
import { digitEmbeddings } from "../src/inspection/embeddings.ts";
import { type Point, pointIn, shareIn } from "../src/inspection/plane.ts";
import { referenceModel } from "../src/inspection/reference_model.ts";
import type { SumInspection } from "../src/inspection/sum.ts";
import { percent } from "./format.ts";
import { planeFor, pointerOf } from "./look_inside.ts";
import type { LabModel } from "./models.ts";

/** Half of the drawing's side, the distance of the outermost dot from the middle, and the radius of a dot. */
const [HALF, RADIUS, DOT] = [150, 120, 13];

/** The ten digits' embeddings as numbered dots in a plane, and the direction of a step's final residual stream. */
export function ArcFigure({ model, trace, step }: { model: LabModel; trace: SumInspection; step: number }) {
  const plane = planeFor(model);
  const { token } = trace.steps[step];
  const { pointer } = useMemo(() => pointerOf(referenceModel(model), trace, step, plane), [trace, step, plane]);
  const embeddings = digitEmbeddings(model);
  const points = embeddings.map((embedding) => pointIn(plane, embedding));
  const largest = Math.max(...points.map(([x, y]) => Math.hypot(x, y))) || 1;
  const place = ([x, y]: readonly number[], scale = RADIUS / largest): Point => [scale * x, -scale * y];
  const dots = points.map((point) => place(point));
  const [x, y] = place(pointer, RADIUS / (Math.hypot(...pointer) || 1));
  const share = percent(shareIn(plane, embeddings));
  const label = `The embeddings of the ten digits in a plane that holds ${share} of their squared length. ` +
    `The arrow is the model's answer at this step.`;
  return (
    <figure class="arc">
      <svg role="img" aria-label={label} viewBox={`${-HALF} ${-HALF} ${2 * HALF} ${2 * HALF}`}>
        <path d={`M${-HALF} 0H${HALF}M0 ${-HALF}V${HALF}`} stroke="#ddd" />
        <text x={HALF - 2} y={HALF - 4} text-anchor="end">direction 1 →</text>
        <text x={2 - HALF} y={10 - HALF}>↑ direction 2</text>
        <path class="order" d={`M${dots.map((point) => point.join(" ")).join("L")}`} />
        <path class="pointer" d={`M0 0L${x} ${y}`} />
        {dots.map(([x, y], digit) => (
          <g key={digit} class="dot" data-chosen={digit === token} style={{ transform: `translate(${x}px, ${y}px)` }}>
            <circle r={DOT} />
            <text y={4} text-anchor="middle">{digit}</text>
          </g>
        ))}
      </svg>
      <figcaption>
        The ten digits as the model sees them, up to {largest.toFixed(2)}{" "}
        from the middle. The digit farthest in the arrow’s direction is the answer.
      </figcaption>
    </figure>
  );
}
