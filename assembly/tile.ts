// Fills a tile: four examples as digits, from the sampler or from the host's operands, then their tokens and targets.
import { EOS, QUERIES } from "./dimensions";
import { Job, Run, run, Tile } from "./layout";
import { philox4 } from "./philox";

/** Domains of the generator's key, as in src/model/sampler.ts. */
export const DOMAIN_TRAINING = 0;
export const DOMAIN_INITIALIZATION = 1;

// Draws the digits of four examples, by seed, attempt and range of digits of the host's run: three from each of seven random words, and the
// length from the eighth. Must equal `drawOperands` of src/model/sampler.ts.
export function drawTile(w: usize, example: i32, sample: u32, domain: u32): void {
  const seed = <u32> run(Run.seed);
  const attempt = <u32> run(Run.attempt);
  const minDigits = <i32> run(Run.minDigits);
  const maxDigits = <i32> run(Run.maxDigits);
  const lanes = i32x4.add(i32x4.splat(example), i32x4(0, 1, 2, 3));
  const words = w + Tile.SCRATCH;
  philox4(lanes, sample, attempt, 0, seed, domain, words);
  philox4(lanes, sample, attempt, 1, seed, domain, words + 64);
  const low28 = i32x4.splat(0x0fffffff);
  const ten = i32x4.splat(10);
  const range = i32x4.mul(i32x4.shr_u(v128.load(words + 112), 4), i32x4.splat(maxDigits - minDigits + 1));
  const length = i32x4.add(i32x4.shr_u(range, 28), i32x4.splat(minDigits));
  let rest = low28;
  for (let k = 0; k < 20; ++k) {
    if (k % 3 == 0) rest = i32x4.shr_u(v128.load(words + (k / 3) * 16), 4);
    const scaled = i32x4.mul(rest, ten);
    rest = v128.and(scaled, low28);
    const within = i32x4.gt_s(length, i32x4.splat(k % 10));
    v128.store(w + Tile.A_DIGITS + k * 16, v128.and(i32x4.shr_u(scaled, 28), within)); // B_DIGITS follow A_DIGITS
  }
  v128.store(w + Tile.MASK, f32x4.splat(1));
}

/** Reads four of the host's problems, pairs of doubles. Lanes past the last problem repeat it and do not count. */
export function readTile(w: usize, problems: usize, first: i32, count: i32): void {
  for (let lane = 0; lane < 4; ++lane) {
    const index = min(first + lane, count - 1);
    let a = <i64> load<f64>(problems + index * 16);
    let b = <i64> load<f64>(problems + index * 16 + 8);
    for (let k = 0; k < 10; ++k) {
      store<i32>(w + Tile.A_DIGITS + k * 16 + lane * 4, <i32> (a % 10));
      store<i32>(w + Tile.B_DIGITS + k * 16 + lane * 4, <i32> (b % 10));
      a /= 10;
      b /= 10;
    }
    store<f32>(w + Tile.MASK + lane * 4, first + lane < count ? 1 : 0);
  }
}

/** Fills a tile with the job's problems from `first` on that are below `end`, as {@linkcode readTile} or {@linkcode drawTile} does. */
export function fillTile(w: usize, first: i32, end: i32): void {
  const problems: usize = load<u32>(Job.PROBLEMS);
  if (problems != 0) readTile(w, problems, first, end);
  else drawTile(w, load<i32>(Job.FIRST) + first, load<u32>(Job.SAMPLE), load<u32>(Job.DOMAIN));
}

/** Writes vectors as rows of floats, one for each of the four problems from `first` on that are below `count`. */
export function storeLanes(vectors: usize, columns: i32, first: i32, count: i32, out: usize): void {
  for (let lane = 0; lane < 4 && first + lane < count; ++lane) {
    const row = out + (first + lane) * columns * 4;
    for (let i = 0; i < columns; ++i) store<f32>(row + i * 4, load<f32>(vectors + i * 16 + lane * 4));
  }
}

/** Writes the tokens of the operands, all that decoding starts from. The two symbols have slot 0, the only one at their positions. */
export function layOutPrompt(w: usize): void {
  for (let k = 0; k < 10; ++k) {
    v128.store(w + Tile.TOKENS + (9 - k) * 16, v128.load(w + Tile.A_DIGITS + k * 16));
    v128.store(w + Tile.TOKENS + (20 - k) * 16, v128.load(w + Tile.B_DIGITS + k * 16));
  }
  v128.store(w + Tile.TOKENS + 10 * 16, i32x4.splat(0));
  v128.store(w + Tile.TOKENS + 21 * 16, i32x4.splat(0));
}

/** Writes training data: the prompt, the digits of the sum at 22 … 32, and the targets. */
export function layOutExample(w: usize): void {
  layOutPrompt(w);
  const mask = f32x4.gt(v128.load(w + Tile.MASK), f32x4.splat(0));
  let carry = i32x4.splat(0);
  for (let k = 0; k < 10; ++k) {
    const digits = i32x4.add(v128.load(w + Tile.A_DIGITS + k * 16), v128.load(w + Tile.B_DIGITS + k * 16));
    const sum = i32x4.add(digits, carry);
    const over = i32x4.gt_s(sum, i32x4.splat(9));
    const digit = i32x4.sub(sum, v128.and(over, i32x4.splat(10)));
    carry = v128.and(over, i32x4.splat(1));
    v128.store(w + Tile.TOKENS + (22 + k) * 16, digit);
    v128.store(w + Tile.TARGETS + k * 16, v128.or(digit, v128.not(mask)));
  }
  v128.store(w + Tile.TOKENS + 32 * 16, carry);
  v128.store(w + Tile.TARGETS + 10 * 16, v128.or(carry, v128.not(mask)));
  v128.store(w + Tile.TARGETS + (QUERIES - 1) * 16, v128.or(i32x4.splat(EOS), v128.not(mask)));
}
