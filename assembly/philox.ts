// Philox 4x32-10 for four counters at once. Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011).

function low32(even: v128, odd: v128): v128 { // inline
  return v128.shuffle<i32>(even, odd, 0, 2, 4, 6);
}

function high32(even: v128, odd: v128): v128 { // inline
  return v128.shuffle<i32>(even, odd, 1, 3, 5, 7);
}

// One block for each of four counters that differ in their first word; out: (4 words, lanes). Must equal `philox4x32` of
// src/model/philox.ts, lane by lane.
export function philox4(first: v128, second: u32, third: u32, fourth: u32, key0: u32, key1: u32, out: usize): void {
  let c0 = first;
  let c1 = i32x4.splat(second);
  let c2 = i32x4.splat(third);
  let c3 = i32x4.splat(fourth);
  const m0 = i32x4.splat(0xd2511f53);
  const m1 = i32x4.splat(0xcd9e8d57);
  for (let round = 0; round < 10; ++round) {
    const low0 = i64x2.extmul_low_i32x4_u(c0, m0);
    const high0 = i64x2.extmul_high_i32x4_u(c0, m0);
    const low1 = i64x2.extmul_low_i32x4_u(c2, m1);
    const high1 = i64x2.extmul_high_i32x4_u(c2, m1);
    c0 = v128.xor(v128.xor(high32(low1, high1), c1), i32x4.splat(key0));
    c2 = v128.xor(v128.xor(high32(low0, high0), c3), i32x4.splat(key1));
    c1 = low32(low1, high1);
    c3 = low32(low0, high0);
    key0 += 0x9e3779b9;
    key1 += 0xbb67ae85;
  }
  v128.store(out, c0);
  v128.store(out, c1, 16);
  v128.store(out, c2, 32);
  v128.store(out, c3, 48);
}
