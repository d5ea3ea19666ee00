// Greedy decoding: from the prompt alone, one token at a time, each fed back. There is no arithmetic on the operands: with other
// weights the same code gives another answer.
import { EQUALS, QUERIES, ROW14, T } from "./dimensions";
import { Job, Tile } from "./layout";
import { attendByKeys, gatherPrompt } from "./decode_keys";
import { attendByTables, storeOperandOffsets, storeWrittenOffset } from "./decode_tables";
import { inferLogits } from "./feed_forward";
import { fillTile, layOutExample } from "./tile";

/** Tokens that say the sum; the last one ends it. */
const SUM_DIGITS = QUERIES - 1;
const EXPECTED_ROW = QUERIES * 16;

/** The token with the largest logit, or the first of them if several are equal. logits: (14, lanes). */
function argmax(logits: usize): v128 { // inline
  let best = v128.load(logits);
  let token = i32x4.splat(0);
  for (let t = 1; t < T; ++t) {
    const logit = v128.load(logits + t * 16);
    const larger = f32x4.gt(logit, best);
    token = v128.bitselect(i32x4.splat(t), token, larger);
    best = f32x4.pmax(best, logit);
  }
  return token;
}

/** The right answers of tile t, and in place of their last token what differs. */
function expectedOf(w: usize, t: i32): usize { // inline
  return w + Tile.EXPECTED + t * EXPECTED_ROW;
}

// Decodes the job's problems from `begin` on that are below `end`, by the tables of decode_tables.ts or by keys: tokens (problems, 12), one byte
// each; returns how many sums are wrong, of problems that are drawn.
export function decodeRange(w: usize, begin: i32, end: i32, byTables: bool): i32 { // inline
  // tiles that are decoded together, as the steps of one wait for each other and those of several do not
  const most = byTables ? 12 : 4;
  const drawn = byTables && load<u32>(Job.PROBLEMS) == 0;
  let wrong = 0;
  for (let first = begin; first < end; first += 4 * most) {
    const tiles = min(most, (end - first + 3) / 4);
    for (let t = 0; t < tiles; ++t) {
      fillTile(w, first + 4 * t, end);
      if (drawn) {
        layOutExample(w);
        memory.copy(expectedOf(w, t), w + Tile.TARGETS, EXPECTED_ROW);
        v128.store(expectedOf(w, t) + SUM_DIGITS * 16, i32x4.splat(0));
      }
      if (byTables) storeOperandOffsets(w, t);
      else gatherPrompt(w, t);
    }
    for (let t = 0; t < tiles; ++t) v128.store(w + Tile.TARGETS + t * 16, i32x4.splat(EQUALS));
    for (let i = 0; i < QUERIES; ++i) {
      for (let t = 0; t < tiles; ++t) {
        if (byTables) attendByTables(w, i, t);
        else attendByKeys(w, i, t);
      }
      inferLogits(w, tiles);
      for (let t = 0; t < tiles; ++t) {
        const tokens = argmax(w + Tile.LOGITS + t * ROW14);
        v128.store(w + Tile.TARGETS + t * 16, tokens);
        const at = load<u32>(Job.OUT) + (first + 4 * t) * QUERIES + i;
        for (let lane = 0; lane < 4 && first + 4 * t + lane < end; ++lane) {
          store<u8>(at + lane * QUERIES, load<i32>(w + Tile.TARGETS + t * 16 + lane * 4));
        }
        if (i == SUM_DIGITS) continue; // the twelfth token is not fed back
        if (byTables) storeWrittenOffset(w, i, t, tokens);
        if (drawn) {
          const differs = expectedOf(w, t) + SUM_DIGITS * 16;
          v128.store(differs, v128.or(v128.load(differs), i32x4.ne(tokens, v128.load(expectedOf(w, t) + i * 16))));
        }
      }
    }
    for (let t = 0; t < tiles && drawn; ++t) {
      const counted = (1 << min(4, end - first - 4 * t)) - 1;
      wrong += popcnt(i32x4.bitmask(v128.load(expectedOf(w, t) + SUM_DIGITS * 16)) & counted);
    }
  }
  return wrong;
}
