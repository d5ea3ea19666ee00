import { FIRST_MOMENT, FLAT, GRADIENT, OPTIMIZER_STEPS, PARAMETERS, Run, run, SECOND_MOMENT } from "./layout";
import { sumLanes } from "./simd";

/** Must equal `learningRateAt` of src/schedule/learning_rate.ts, but for the last bits of Math.cos, which JavaScript does not specify. */
export function learningRate(step: f64): f64 {
  const peak = run(Run.learningRate);
  const warmup = run(Run.warmupSteps);
  const floor = run(Run.floor);
  if (step < warmup) return peak * (step / warmup);
  const progress = (step - warmup) / (run(Run.stageSteps) - warmup);
  return peak * (floor + (1 - floor) * (1 + NativeMath.cos(NativeMath.PI * progress)) / 2);
}

export function optimizerSteps(): i32 {
  return load<i32>(OPTIMIZER_STEPS);
}

export function setOptimizerSteps(value: i32): void {
  store<i32>(OPTIMIZER_STEPS, value);
}

/** Flushes numbers below `least` to 0, so that decaying moments never become denormals, which are slow. NaN stays NaN. */
function flushDenormals(x: v128, least: f32): v128 { // inline
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), f32x4.splat(least)));
}

/** The Euclidean norm of the gradient. Elements whose squares are below 2^-112 are set to 0. */
function gradientNorm(): f32 {
  let squares0 = f32x4.splat(0);
  let squares1 = f32x4.splat(0);
  for (let at = GRADIENT; at < GRADIENT + FLAT; at += 32) {
    for (let i = 0; i < 2; ++i) { // unroll
      const g$i = flushDenormals(v128.load(at, 16 * i), 2 ** -56);
      v128.store(at, g$i, 16 * i);
      squares$i = f32x4.add(squares$i, f32x4.mul(g$i, g$i));
    }
  }
  return NativeMathf.sqrt(sumLanes(f32x4.add(squares0, squares1)));
}

// Clips the gradient (`Run.clipNorm` 0: never) and takes one step of AdamW, the decay first, as in PyTorch; returns the norm before
// clipping. Must equal `clipGradientNorm` and `adamW` of src/engine/reference/adamw.ts.
export function optimizerStep(rate: f64): f32 {
  const clipNorm = run(Run.clipNorm);
  const beta1 = run(Run.beta1);
  const beta2 = run(Run.beta2);
  const norm = gradientNorm();
  const steps = optimizerSteps() + 1;
  setOptimizerSteps(steps);
  const stepSize = f32x4.splat(<f32> (rate / (1 - NativeMath.pow(beta1, steps))));
  const inverseRoot = f32x4.splat(<f32> (1 / NativeMath.sqrt(1 - NativeMath.pow(beta2, steps))));
  const keep = f32x4.splat(<f32> (1 - rate * run(Run.weightDecay)));
  const clipping = f32x4.splat(clipNorm > 0 ? min<f32>(1, <f32> clipNorm / (norm + 1e-6)) : 1);
  const b1 = f32x4.splat(<f32> beta1);
  const b2 = f32x4.splat(<f32> beta2);
  const c1 = f32x4.splat(<f32> (1 - beta1));
  const c2 = f32x4.splat(<f32> (1 - beta2));
  // above 0, because some gradients are always 0
  const eps = f32x4.splat(max<f32>(<f32> run(Run.epsilon), f32.MIN_NORMAL_VALUE));
  for (let i = 0; i < FLAT; i += 16) {
    const g = f32x4.mul(v128.load(GRADIENT + i), clipping);
    const m = flushDenormals(f32x4.add(f32x4.mul(b1, v128.load(FIRST_MOMENT + i)), f32x4.mul(c1, g)), 2 ** -100);
    const square = f32x4.mul(c2, f32x4.mul(g, g));
    const v = flushDenormals(f32x4.add(f32x4.mul(b2, v128.load(SECOND_MOMENT + i)), square), 2 ** -120);
    v128.store(FIRST_MOMENT + i, m);
    v128.store(SECOND_MOMENT + i, v);
    const denominator = f32x4.add(f32x4.mul(f32x4.sqrt(v), inverseRoot), eps);
    const update = f32x4.div(f32x4.mul(stepSize, m), denominator);
    v128.store(PARAMETERS + i, f32x4.sub(f32x4.mul(v128.load(PARAMETERS + i), keep), update));
  }
  return norm;
}
