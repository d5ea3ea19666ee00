// The entry for tests/certify/engine_margins.ts: the logits that decoding computes on its way, in both ways, with the right digits
// written before. The core need not export them.
import { EQUALS, FIRST_QUERY, PLUS, ROW6, ROW7, T } from "./dimensions";
import { Tile, WORKSPACES } from "./layout";
import { attentionForward, gatherKeys, gatherQueries } from "./attention";
import { keyRow, queryRow } from "./decode";
import { attend, storeOperandOffsets, storeWrittenOffset } from "./decode_tables";
import { inferLogits } from "./feed_forward";
import { layOutExample, readTile } from "./tile";

export { configure, parametersAt, prepareDecoding, problemsBase } from "./entry";

/** Logits (count, 14) of one step. */
export function decodeLogits(problems: usize, count: i32, step: i32, byTables: bool, out: usize): void {
  const w: usize = WORKSPACES;
  for (let first = 0; first < count; first += 4) {
    readTile(w, problems, first, count);
    layOutExample(w);
    v128.store(w + Tile.TOKENS + 10 * 16, i32x4.splat(PLUS));
    v128.store(w + Tile.TOKENS + FIRST_QUERY * 16, i32x4.splat(EQUALS));
    const queryTokens = w + Tile.TOKENS + (FIRST_QUERY + step) * 16;
    if (byTables) {
      const offsets = w + Tile.DECODE_KV;
      storeOperandOffsets(w, offsets);
      for (let i = 0; i < step; ++i) {
        storeWrittenOffset(i, v128.load(w + Tile.TOKENS + (FIRST_QUERY + 1 + i) * 16), offsets);
      }
      attend(w, step, queryTokens, offsets, w + Tile.O, w + Tile.QX + ROW7);
    } else {
      const keys = w + Tile.DECODE_KV;
      for (let p = 0; p <= FIRST_QUERY + step; ++p) gatherKeys(keyRow(p, 0), w + Tile.TOKENS + p * 16, keys + p * ROW6);
      gatherQueries(queryRow(step, 0), queryTokens, w + Tile.QX);
      const weights = w + Tile.WEIGHTS;
      attentionForward(w + Tile.QX, keys, FIRST_QUERY + step + 1, weights, w + Tile.INVERSE_SUM, w + Tile.O);
    }
    inferLogits(w, 1); // rows are done in pairs; the second one is left from before
    for (let lane = 0; lane < 4 && first + lane < count; ++lane) {
      for (let t = 0; t < T; ++t) {
        store<f32>(out + ((first + lane) * T + t) * 4, load<f32>(w + Tile.LOGITS + t * 16 + lane * 4));
      }
    }
  }
}
