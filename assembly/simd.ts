/** a * b + c. Only here and in {@linkcode nmadd} the `fast` module differs: it rounds once, not twice, if the processor can. */
export function madd(a: v128, b: v128, c: v128): v128 { // inline
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(c, f32x4.mul(a, b));
}

/** c - a * b. */
export function nmadd(a: v128, b: v128, c: v128): v128 { // inline
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_nmadd(a, b, c) : f32x4.sub(c, f32x4.mul(a, b));
}

/** Stores the transpose of four vectors, or its first two rows: lane i of a, b, c, d becomes the vector at to + i * stride. */
export function storeTransposed(a: v128, b: v128, c: v128, d: v128, to: usize, stride: usize, rows: i32 = 4): void { // inline
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  v128.store(to, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
  v128.store(to + stride, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
  if (rows == 4) {
    const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
    v128.store(to + 2 * stride, v128.shuffle<f32>(ab2, cd2, 0, 1, 4, 5));
    v128.store(to + 3 * stride, v128.shuffle<f32>(ab2, cd2, 2, 3, 6, 7));
  }
}

/** {@linkcode storeTransposed} of the four vectors at `from`, `fromStride` bytes apart. */
export function transpose(from: usize, fromStride: usize, to: usize, stride: usize): void { // inline
  for (let i = 0; i < 4; ++i) { // unroll
    const row$i = v128.load(from + i * fromStride);
  }
  storeTransposed(row0, row1, row2, row3, to, stride);
}

/** Adds the transpose of the `count` vectors at `from`, four or two: lane i to the vector at to_i, one after the other, as two may be the same. */
export function addTransposed(from: usize, count: i32, to0: usize, to1: usize, to2: usize, to3: usize): void { // inline
  const a = v128.load(from);
  const b = v128.load(from, 16);
  const c = count == 4 ? v128.load(from, 32) : f32x4.splat(0);
  const d = count == 4 ? v128.load(from, 48) : f32x4.splat(0);
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  addTo(to0, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
  addTo(to1, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
  addTo(to2, v128.shuffle<f32>(ab2, cd2, 0, 1, 4, 5));
  addTo(to3, v128.shuffle<f32>(ab2, cd2, 2, 3, 6, 7));
}

/** Adds a vector to the one in memory. */
export function addTo(address: usize, value: v128): void { // inline
  v128.store(address, f32x4.add(v128.load(address), value));
}

/** The sum of the four lanes, always in the same order. */
export function sumLanes(a: v128): f32 { // inline
  return (f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 1)) + (f32x4.extract_lane(a, 2) + f32x4.extract_lane(a, 3));
}
