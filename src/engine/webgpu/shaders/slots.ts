/**
 * The digits of problems, which are drawn from the same stream as everywhere else, or given. Needs `tokens` and `Run`. A sequence has 31 digits: 0 … 9 are
 * those of a, 10 … 19 those of b, both most significant first, 20 … 30 those of the sum, ones first; `+` and `=` are constants. A digit takes four bits, a
 * sequence four words of `tokens`.
 *
 * Slot tables: x = token embedding + position embedding takes few values, so LayerNorm 1 and q, k, v are computed once per (token, position) slot and
 * step, not once per example. Needs `tables`, `table` and VECTORS. A slot of a digit has the number radix * digit + token. Training meets ten tokens at
 * each digit (radix 10), decoding whatever the weights write (radix 14). The slots of `+` and `=` follow. Of the slots that are queries, those of written
 * tokens have the numbers radix * (digit - 20) + token, and that of `=` follows. A table has four `vec4f` a slot, k and v, then four a query, q and x.
 */
export const SLOTS = /* wgsl */ `
const DIGITS = 31u;
const PROMPT_DIGITS = 20u; // the first digit after the prompt

fn high32(x: u32, y: u32) -> u32 {
  let low = (x & 0xffffu) * (y & 0xffffu);
  let middle1 = (x >> 16u) * (y & 0xffffu) + (low >> 16u); // at most 2^32 - 1
  let middle2 = (x & 0xffffu) * (y >> 16u) + (middle1 & 0xffffu);
  return (x >> 16u) * (y >> 16u) + (middle1 >> 16u) + (middle2 >> 16u);
}

// Philox 4x32-10, Salmon et al. 2011. Must equal \`philox4x32\` of src/model/philox.ts.
fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    c = vec4u(
      high32(0xcd9e8d57u, c.z) ^ c.y ^ k.x,
      0xcd9e8d57u * c.z,
      high32(0xd2511f53u, c.x) ^ c.w ^ k.y,
      0xd2511f53u * c.x,
    );
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

fn clearTokens(at: u32) { for (var word = 0u; word < 4u; word++) { tokens[at + word] = 0u; } }
// The digit must have been cleared.
fn setToken(at: u32, digit: u32, token: u32) { tokens[at + (digit >> 3u)] |= token << (4u * (digit & 7u)); }
fn tokenAt(at: u32, digit: u32) -> u32 { return (tokens[at + (digit >> 3u)] >> (4u * (digit & 7u))) & 15u; }

// Must equal \`drawOperands\` of src/model/sampler.ts, stream "training": the words of two blocks are read as 28-bit fractions, whose first three decimals
// are digits, ten of a and ten of b from the ones up; the last word gives the length.
fn drawOperands(at: u32, example: u32, sample: u32, run: Run) {
  let key = vec2u(run.seed, 0u);
  let low = philox(vec4u(example, sample, run.attempt, 0u), key);
  let high = philox(vec4u(example, sample, run.attempt, 1u), key);
  let length = run.minDigits + (((high.w >> 4u) * (run.maxDigits - run.minDigits + 1u)) >> 28u);
  var digit = 0u;
  for (var word = 0u; word < 7u; word++) {
    var fraction = select(low, high, word >= 4u)[word & 3u] >> 4u;
    for (var i = 0u; i < 3u && digit < 20u; i++) {
      fraction *= 10u;
      let power = digit % 10u;
      if (power < length) { setToken(at, select(9u, 19u, digit >= 10u) - power, fraction >> 28u); }
      fraction &= 0x0fffffffu;
      digit++;
    }
  }
}

// halves: a / 10^5, a mod 10^5, b / 10^5, b mod 10^5
fn readOperands(at: u32, halves: vec4u) {
  var rest = halves;
  for (var power = 0u; power < 5u; power++) {
    for (var half = 0u; half < 4u; half++) { setToken(at, 5u * half + 4u - power, rest[half] % 10u); }
    rest /= vec4u(10u);
  }
}

// The right answer, for training.
fn writeSum(at: u32) {
  var carry = 0u;
  for (var power = 0u; power < 10u; power++) {
    let sum = tokenAt(at, 9u - power) + tokenAt(at, 19u - power) + carry;
    carry = select(0u, 1u, sum >= 10u);
    setToken(at, PROMPT_DIGITS + power, sum - 10u * carry);
  }
  setToken(at, PROMPT_DIGITS + 10u, carry);
}

// Queries are scaled once: softmax(q k / sqrt W) is computed as 2^(q' k).
const QUERY_SCALE = LOG2_E * SCORE_SCALE;

fn slotCount(radix: u32) -> u32 { return radix * DIGITS + 2u; }
fn querySlotCount(radix: u32) -> u32 { return radix * 11u + 1u; }

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

// Token embedding + position embedding of a slot.
fn embed(number: u32, radix: u32) -> Row {
  let digit = number / radix;
  let symbol = number - min(number, radix * DIGITS); // + is 0, = is 1
  let isDigit = digit < DIGITS;
  let token = select(10u + symbol, number % radix, isDigit);
  let position = select(10u + 11u * symbol, digit + u32(digit >= 10u) + u32(digit >= PROMPT_DIGITS), isDigit);
  let at = TOK + 7u * (token >> 2u);
  let row = token & 3u;
  let embedding = Row(
    vec4f(weights[at][row], weights[at + 1u][row], weights[at + 2u][row], weights[at + 3u][row]),
    vec3f(weights[at + 4u][row], weights[at + 5u][row], weights[at + 6u][row]),
  );
  return plus(embedding, vectorAt(POSITION + 2u * position));
}

fn tableRow(at: u32) -> Row { return Row(tables[at], tables[at + 1u].xyz); }

fn storeTableRow(at: u32, row: Row) {
  tables[at] = row.a;
  tables[at + 1u] = vec4f(row.b, 0.0);
}

fn queryTable(radix: u32) -> u32 { return table + 4u * slotCount(radix); }

// Of a single row: what a function computes for the other one of a pair is not used, and compilers leave it out.
fn linear(at: u32, x: Row) -> Row { return row0(linear7(at, pair(x, Row()))); }
fn linearBack(at: u32, dy: Row) -> Row { return row0(linear7Back(at, pair(dy, Row()))); }

// Fills the tables. Must equal \`layerNorm\` and the qkv projection of src/engine/reference.
fn slotsForward(radix: u32) {
  for (var number = thread; number < slotCount(radix); number += THREADS) {
    let x = embed(number, radix);
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
