/**
 * Slot tables: x = token embedding + position embedding takes few values, so LayerNorm 1 and q, k, v are computed once per (token, position) slot and
 * step, not once per example. Needs `tables`, `table` and ROWS.
 *
 * A slot of a digit has the number radix * digit + token. Training meets ten tokens at each digit (radix 10), decoding whatever the weights write (radix
 * 14). The slots of `+` and `=` follow. Of the slots that are queries, those of written tokens have the numbers radix * (digit - 20) + token, and that of
 * `=` follows. A table has four `vec4f` a slot, k and v, then as many for each query, q and x.
 */
export const SLOTS = /* wgsl */ `
// Queries are scaled once: softmax(q k / sqrt W) is computed as 2^(q' k).
const QUERY_SCALE = LOG2_E * SCORE_SCALE;

fn slotCount(radix: u32) -> u32 { return radix * DIGITS + 2u; }
fn querySlotCount(radix: u32) -> u32 { return radix * 11u + 1u; }

struct Slot { token: u32, position: u32 }

fn slotOf(number: u32, radix: u32) -> Slot {
  if (number == radix * DIGITS) { return Slot(10u, 10u); } // +
  if (number > radix * DIGITS) { return Slot(11u, 21u); } // =
  let digit = number / radix;
  return Slot(number % radix, digit + select(0u, 1u, digit >= 10u) + select(0u, 1u, digit >= PROMPT_DIGITS));
}

// The number of a slot among the queries, or one too large.
fn querySlotOf(number: u32, radix: u32) -> u32 {
  if (number > radix * DIGITS) { return radix * 11u; }
  if (number == radix * DIGITS || number < radix * PROMPT_DIGITS) { return 0xffffu; }
  return number - radix * PROMPT_DIGITS;
}

// The query slot of query i of the sequence at \`at\`: the token before the one that it predicts.
fn querySlot(at: u32, query: u32, radix: u32) -> u32 {
  if (query == 0u) { return radix * 11u; }
  return radix * (query - 1u) + tokenAt(at, PROMPT_DIGITS + query - 1u);
}

fn embed(slot: Slot) -> Row {
  let at = TOK + 7u * (slot.token >> 2u);
  let row = slot.token & 3u;
  let token = Row(
    vec4f(weights[at][row], weights[at + 1u][row], weights[at + 2u][row], weights[at + 3u][row]),
    vec3f(weights[at + 4u][row], weights[at + 5u][row], weights[at + 6u][row]),
  );
  return plus(token, vectorAt(POSITION + 2u * slot.position));
}

fn tableRow(at: u32) -> Row { return Row(tables[at], tables[at + 1u].xyz); }

fn storeTableRow(at: u32, row: Row) {
  tables[at] = row.a;
  tables[at + 1u] = vec4f(row.b, 0.0);
}

fn queryTable(radix: u32) -> u32 { return table + 4u * slotCount(radix); }

// y = W x, W (7, 7), of a single row
fn linear(at: u32, x: Row) -> Row {
  let low = blockAt(at);
  let high = blockAt(at + 7u);
  return Row(low.left * x.a + low.right * x.b, (high.left * x.a + high.right * x.b).xyz);
}

fn linearBack(at: u32, dy: Row) -> Row {
  let low = blockAt(at);
  let high = blockAt(at + 7u);
  let rest = vec4f(dy.b, 0.0);
  return Row(dy.a * low.left + rest * high.left, dy.a * low.right + rest * high.right);
}

// Fills the tables. Must equal \`layerNorm\` and the qkv projection of src/engine/reference.
fn slotsForward(radix: u32) {
  for (var number = thread; number < slotCount(radix); number += THREADS) {
    let x = embed(slotOf(number, radix));
    let y = layerNorm(x, LN1).y;
    storeTableRow(table + 4u * number, linear(KEY, y));
    storeTableRow(table + 4u * number + 2u, linear(VALUE, y));
    let query = querySlotOf(number, radix);
    if (query < querySlotCount(radix)) {
      storeTableRow(queryTable(radix) + 4u * query, scaled(linear(QUERY, y), QUERY_SCALE));
      storeTableRow(queryTable(radix) + 4u * query + 2u, x);
    }
  }
}
`;
