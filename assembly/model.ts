// The variant of the model. A narrow one is a 7x14 model whose other weights are 0 and stay 0, because their gradients are 0.
import { EPSILON, INVERSE_WIDTH } from "./layout";

/** The part of the residual stream that is in use, at most 7. */
export let width: i32 = 7;
/** The part of the feed-forward layer that is in use, at most 14. */
export let hidden: i32 = 14;
/** Whether there is a final LayerNorm before the output layer, and the tanh form of GELU, as in the 777 variant. */
export let finalNorm: bool = false;

export function configureModel(w: i32, h: i32, norm: bool): void {
  width = w;
  hidden = h;
  finalNorm = norm;
  v128.store(EPSILON, f32x4.splat(norm ? 1e-6 : 1e-5));
  v128.store(INVERSE_WIDTH, f32x4.splat(<f32> (1.0 / <f64> w)));
}
