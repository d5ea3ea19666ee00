// The entry for tests/certify/engine_margins.ts: the logits that decoding computes on its way, in both ways, with the right digits written before. The core
// need not export them.
import {
  A_DIGITS,
  DECODE_KV,
  EQUALS,
  FIRST_QUERY,
  INVERSE_SUM,
  LOGITS,
  O,
  PLUS,
  QX,
  ROW6,
  ROW7,
  T,
  TILE_TOKENS,
  WEIGHTS,
  WORKSPACES,
} from "./layout";
import { attentionForward, gatherKeys, gatherQueries } from "./attention";
import { keyRow, queryRow } from "./decode";
import { attend, OPERAND_KEYS, rowOffset, WRITTEN } from "./decode_tables";
import { geluInference, hiddenForward, logitsForward, projectionForward } from "./feed_forward";
import { layOutExample, readTile } from "./tile";

export { configure, parametersAt, prepareDecoding, problemsBase } from "./entry";

/** Logits (count, 14) of one step. */
export function decodeLogits(problems: usize, count: i32, step: i32, byTables: bool, out: usize): void {
  const w: usize = WORKSPACES;
  for (let first = 0; first < count; first += 4) {
    readTile(w, problems, first, count);
    layOutExample(w);
    v128.store(w + TILE_TOKENS + 10 * 16, i32x4.splat(PLUS));
    v128.store(w + TILE_TOKENS + FIRST_QUERY * 16, i32x4.splat(EQUALS));
    const asking = w + TILE_TOKENS + (FIRST_QUERY + step) * 16;
    if (byTables) {
      const offsets = w + DECODE_KV;
      for (let key = 0; key < OPERAND_KEYS; ++key) {
        v128.store(offsets + key * 16, rowOffset(1 + key * 10, v128.load(w + A_DIGITS + key * 16)));
      }
      for (let i = 0; i < step; ++i) {
        const written = v128.load(w + TILE_TOKENS + (FIRST_QUERY + 1 + i) * 16);
        v128.store(offsets + (OPERAND_KEYS + i) * 16, rowOffset(WRITTEN + i * T, written));
      }
      attend(w, step, asking, offsets, w + O, w + QX + ROW7);
    } else {
      const keys = w + DECODE_KV;
      for (let p = 0; p <= FIRST_QUERY + step; ++p) gatherKeys(keyRow(p, 0), w + TILE_TOKENS + p * 16, keys + p * ROW6);
      gatherQueries(queryRow(step, 0), asking, w + QX);
      attentionForward(w + QX, keys, FIRST_QUERY + step + 1, w + WEIGHTS, w + INVERSE_SUM, w + O);
    }
    // rows are done in pairs; the second one is left from before
    projectionForward(w, 1);
    hiddenForward(w, 1);
    geluInference(w, 1);
    logitsForward(w, 1);
    for (let lane = 0; lane < 4 && first + lane < count; ++lane) {
      for (let t = 0; t < T; ++t) {
        store<f32>(out + ((first + lane) * T + t) * 4, load<f32>(w + LOGITS + t * 16 + lane * 4));
      }
    }
  }
}
