import { finalNorm, hidden, T, width } from "./dimensions";
import { FLAT, PARAMETERS, Tensor, Tile, WORKSPACES } from "./layout";
import { philox4 } from "./philox";
import { DOMAIN_INITIALIZATION } from "./tile";

// Draws the weights by Box-Muller, two from one block, by their index. Must equal `initialParameters` of src/model/initialization.ts,
// except for the last bits of Math.cos and Math.log: JavaScript does not specify them, so this module has its own.
export function initialize(seed: u32, attempt: u32): void {
  const deviation: f64 = 1 / NativeMath.sqrt(<f64> width);
  memory.fill(PARAMETERS, 0, FLAT);
  drawMatrix(Tensor.TOK, T + 35, 7, width, 0.02, seed, attempt); // and POS
  fillNorm(Tensor.LN1_WEIGHT);
  for (let part = 0; part < 3; ++part) drawMatrix(Tensor.QKV + 49 * part, width, 7, width, deviation, seed, attempt);
  drawMatrix(Tensor.PROJECTION, width, 7, width, deviation, seed, attempt);
  fillNorm(Tensor.LN2_WEIGHT);
  drawMatrix(Tensor.W1, hidden, 7, width, deviation, seed, attempt);
  drawMatrix(Tensor.W2, width, 14, hidden, 1 / NativeMath.sqrt(<f64> hidden), seed, attempt);
  if (finalNorm) fillNorm(Tensor.LNF_WEIGHT);
}

/** Draws the first `columns` columns of a matrix with rows of `row` floats. */
function drawMatrix(at: i32, rows: i32, row: i32, columns: i32, deviation: f64, seed: u32, attempt: u32): void {
  for (let r = 0; r < rows; ++r) {
    for (let c = 0; c < columns; ++c) {
      const index = at + r * row + c;
      store<f32>(PARAMETERS + index * 4, <f32> (deviation * normal(index, seed, attempt)));
    }
  }
}

/** The normally distributed number of an index. */
function normal(index: i32, seed: u32, attempt: u32): f64 {
  const words = WORKSPACES + Tile.SCRATCH;
  philox4(i32x4.splat(index >> 1), 0, attempt, 0, seed, DOMAIN_INITIALIZATION, words);
  const radius = NativeMath.sqrt(-2 * NativeMath.log((<f64> load<u32>(words) + 1) / 4294967296.0));
  const angle = 2 * NativeMath.PI * (<f64> load<u32>(words + 16) / 4294967296.0);
  return radius * (index & 1 ? NativeMath.sin(angle) : NativeMath.cos(angle));
}

/** Weights 1 and biases 0 of a LayerNorm. */
function fillNorm(at: i32): void {
  for (let c = 0; c < width; ++c) store<f32>(PARAMETERS + (at + c) * 4, 1);
}
