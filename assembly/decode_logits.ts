// The entry for tests/certify/engine_margins.ts: the logits that decoding computes on its way, in both ways, with the right digits
// written before. The core need not export them.
import { EQUALS, FIRST_QUERY, T } from "./dimensions";
import { Tile, WORKSPACES } from "./layout";
import { attendByKeys, gatherPrompt } from "./decode_keys";
import { attendByTables, storeOperandOffsets, storeWrittenOffset } from "./decode_tables";
import { inferLogits } from "./feed_forward";
import { layOutExample, readTile, storeLanes } from "./tile";

export { configure, parametersAt, prepareDecoding, problemsBase } from "./entry";

/** Logits (count, 14) of one step. */
export function decodeLogits(problems: usize, count: i32, step: i32, byTables: bool, out: usize): void {
  const w: usize = WORKSPACES;
  for (let first = 0; first < count; first += 4) {
    readTile(w, problems, first, count);
    layOutExample(w);
    if (byTables) storeOperandOffsets(w, 0);
    else gatherPrompt(w, 0);
    v128.store(w + Tile.TOKENS + FIRST_QUERY * 16, i32x4.splat(EQUALS));
    for (let i = 0; i <= step; ++i) {
      const tokens = v128.load(w + Tile.TOKENS + (FIRST_QUERY + i) * 16);
      v128.store(w + Tile.TARGETS, tokens);
      if (byTables && i > 0) storeWrittenOffset(w, i - 1, 0, tokens);
      if (!byTables) attendByKeys(w, i, 0);
    }
    if (byTables) attendByTables(w, step, 0);
    inferLogits(w, 1); // rows are done in pairs; the second one is left from before
    storeLanes(w + Tile.LOGITS, T, first, count, out);
  }
}
