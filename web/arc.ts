import { dot } from "../src/engine/reference/linear.ts";
import { digitPlane } from "../src/inspection/embeddings.ts";
import { combine, type Plane, principalPlane } from "../src/inspection/plane.ts";
import type { LabModel } from "./models.ts";

/** The plane of the two largest eigenvalues of second moments, and in it the axes that are nearest to those of an earlier plane, so that they do not jump. */
export function planeOf(moments: readonly Float64Array[], earlier: Plane): Plane {
  const [px, py] = earlier;
  const [x, y] = principalPlane(moments, earlier, 60); // few turns, as the earlier plane is near
  // the orthogonal 2 x 2 matrix nearest to [[a, b], [c, d]]: a rotation, or with the sign -1 a reflection
  const [a, b, c, d] = [dot(x, px), dot(x, py), dot(y, px), dot(y, py)];
  const sign = a * d - b * c < 0 ? -1 : 1;
  const angle = Math.atan2(c - sign * b, a + sign * d);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [combine([x, y], [cos, sin]), combine([x, y], [-sign * sin, sign * cos])];
}

const planes = new WeakMap<Float32Array, Plane>();

/** The plane in which a model's digits are drawn: that of its run, or the one that holds most of their embeddings. */
export function planeFor(lab: Pick<LabModel, "model" | "parameters" | "plane">): Plane {
  const plane = lab.plane ?? planes.get(lab.parameters) ?? digitPlane(lab).directions;
  planes.set(lab.parameters, plane);
  return plane;
}
