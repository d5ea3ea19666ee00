// The products of attention: scores, sums over keys and sums over queries. A register tile is two rows by all six columns, which
// for `fast` is 1.02 times faster than two tiles of three columns (measured), and for `exact`, where one value is spilled, as fast.
import { KEYS, N, PROMPT, QUERIES, ROW14, ROW6 } from "./dimensions";
import { Tile } from "./layout";
import { madd } from "./simd";

/** The first query that may see key j or j + 1; j is even, and so is the query. */
function firstQueryOf(j: i32): i32 { // inline
  return max(0, j - PROMPT);
}

/** Hoists the bounds checks (see sums.ts) of twelve rows of six vectors, ROW14 apart. */
function hoistBoundsChecks(rows: usize): void { // inline
  for (let i = 0; i < 12; ++i) { // unroll
    for (let c = 0; c < N; ++c) { // unroll
      v128.load(rows, i * ROW14 + 16 * c);
    }
  }
}

/** Replaces the weights e by score gradients ln 2 e (do . key - do . o). */
export function scoresBackward(w: usize): void {
  for (let i = 0; i < 12; ++i) { // unroll
    v128.load(w, Tile.DO_DOT_O + 16 * i);
  }
  dotTiles(w, w + Tile.DO_LN2, true);
}

// Dot products of six elements, in tiles of 4 rows a by 2 keys, of all keys and the queries that see them; a: (12, 6, lanes), rows ROW14 apart.
// Forward, of queries: the scores out[i][j] = a[i] . key[j].
// Backward (`gradient`), of gradients of outputs: weights become score gradients, out[i][j] *= a[i] . key[j] - dot[i].
export function dotTiles(w: usize, a: usize, gradient: bool): void { // inline
  hoistBoundsChecks(a);
  for (let j = 0; j < KEYS; j += 2) {
    const keys = w + Tile.KV + j * ROW6;
    const out = w + Tile.WEIGHTS + j * 16;
    for (let r = 0; r < 3; ++r) { // unroll
      if (firstQueryOf(j) < 4 + 4 * r) {
        const b = v128.load(keys);
        const e = v128.load(keys, ROW6);
        for (let i = 4 * r; i < 4 + 4 * r; ++i) { // unroll
          const a$i = v128.load(a, i * ROW14);
          let s$i = f32x4.mul(a$i, b);
          let t$i = f32x4.mul(a$i, e);
        }
        for (let c = 1; c < N; ++c) { // unroll
          const b$c = v128.load(keys, 16 * c);
          const e$c = v128.load(keys, ROW6 + 16 * c);
          for (let i = 4 * r; i < 4 + 4 * r; ++i) { // unroll
            const a$c$i = v128.load(a, i * ROW14 + 16 * c);
            s$i = madd(a$c$i, b$c, s$i);
            t$i = madd(a$c$i, e$c, t$i);
          }
        }
        for (let i = 4 * r; i < 4 + 4 * r; ++i) { // unroll
          if (gradient) {
            const dot = v128.load(w, Tile.DO_DOT_O + 16 * i);
            s$i = f32x4.mul(v128.load(out, i * Tile.WEIGHTS_ROW), f32x4.sub(s$i, dot));
            t$i = f32x4.mul(v128.load(out, i * Tile.WEIGHTS_ROW + 16), f32x4.sub(t$i, dot));
          }
          v128.store(out, s$i, i * Tile.WEIGHTS_ROW);
          v128.store(out, t$i, i * Tile.WEIGHTS_ROW + 16);
        }
      }
    }
  }
}

// For every key j the sum over the queries of weight[i][j] * x[i]; `fresh`: in place of what `out` holds, else added to it.
// x: (12, 6, lanes), rows ROW14 apart; out: (34, 6, lanes).
export function sumsOverQueries(w: usize, x: usize, out: usize, fresh: bool): void { // inline
  hoistBoundsChecks(x);
  for (let j = 0; j < KEYS; j += 2) {
    const column = w + Tile.WEIGHTS + j * 16;
    const first = firstQueryOf(j);
    const acc = out + j * ROW6;
    for (let c = 0; c < N; ++c) { // unroll
      let a$c = fresh ? f32x4.splat(0) : v128.load(acc, 16 * c);
      let b$c = fresh ? f32x4.splat(0) : v128.load(acc, ROW6 + 16 * c);
    }
    for (let k = 0; k < 6; ++k) { // unroll
      if (first <= 2 * k) {
        for (let u = 0; u < 2; ++u) { // unroll
          const p$k$u = v128.load(column, (2 * k + u) * Tile.WEIGHTS_ROW);
          const q$k$u = v128.load(column, (2 * k + u) * Tile.WEIGHTS_ROW + 16);
          for (let c = 0; c < N; ++c) { // unroll
            const x$k$u$c = v128.load(x, (2 * k + u) * ROW14 + 16 * c);
            a$c = madd(p$k$u, x$k$u$c, a$c);
            b$c = madd(q$k$u, x$k$u$c, b$c);
          }
        }
      }
    }
    for (let c = 0; c < N; ++c) { // unroll
      v128.store(acc, a$c, 16 * c);
      v128.store(acc, b$c, ROW6 + 16 * c);
    }
  }
}

// For every query i factor[i] times the sum of weight[i][j] * key[j] over the keys that it sees; out: (12, 6, lanes), rows outRow
// apart; factor: (12, lanes), factorRow bytes apart.
export function sumsOverKeys(w: usize, out: usize, outRow: usize, factor: usize, factorRow: usize): void {
  const x = w + Tile.KV;
  for (let j = 0; j < 22; ++j) { // unroll
    for (let c = 0; c < N; ++c) { // unroll
      v128.load(x, j * ROW6 + 16 * c);
    }
  }
  for (let i = 0; i < QUERIES; i += 2) {
    const d = w + Tile.WEIGHTS + i * Tile.WEIGHTS_ROW;
    const acc = out + <usize> i * outRow;
    const p = v128.load(d);
    const q = v128.load(d, Tile.WEIGHTS_ROW);
    for (let c = 0; c < N; ++c) { // unroll
      const x$c = v128.load(x, 16 * c);
      let a$c = f32x4.mul(p, x$c);
      let b$c = f32x4.mul(q, x$c);
    }
    for (let k = 1; k < 22; ++k) { // unroll
      const p$k = v128.load(d, 16 * k);
      const q$k = v128.load(d, Tile.WEIGHTS_ROW + 16 * k);
      for (let c = 0; c < N; ++c) { // unroll
        const x$k$c = v128.load(x, k * ROW6 + 16 * c);
        a$c = madd(p$k, x$k$c, a$c);
        b$c = madd(q$k, x$k$c, b$c);
      }
    }
    let after = d + 22 * 16;
    let keys = x + 22 * ROW6;
    for (let k = 0; k < i / 2 + 1; ++k) {
      for (let u = 0; u < 2; ++u) { // unroll
        const r$u = v128.load(after, u * 16);
        const s$u = v128.load(after, Tile.WEIGHTS_ROW + u * 16);
        for (let c = 0; c < N; ++c) { // unroll
          const y$u$c = v128.load(keys, u * ROW6 + 16 * c);
          a$c = madd(r$u, y$u$c, a$c);
          b$c = madd(s$u, y$u$c, b$c);
        }
      }
      after += 32;
      keys += 2 * ROW6;
    }
    const f = v128.load(factor + <usize> i * factorRow);
    const g = v128.load(factor + <usize> (i + 1) * factorRow);
    for (let c = 0; c < N; ++c) { // unroll
      v128.store(acc, f32x4.mul(a$c, f), 16 * c);
      v128.store(acc + outRow, f32x4.mul(b$c, g), 16 * c);
    }
  }
}
