/** Causal attention of one query, over the digits that it may see and the symbols `+` and `=`. Needs SLOTS and PROBLEMS. */
export const ATTENTION = /* wgsl */ `
// The weighted mean of the values; e_j = 2^(score_j - top), and inverse = 1 / sum of e.
struct Attended { output: Row, top: f32, inverse: f32 }

// Milakov and Gimelshein 2018, arXiv:1805.02867, algorithm 3: the largest score so far is the reference, and what was summed before is scaled when it grows.
fn withKey(before: Attended, q: Row, k: Row, v: Row) -> Attended {
  let score = product(q, k);
  let top = max(before.top, score);
  let e = exp2Of(-abs(score - before.top), LEAST_SHARE); // one of the two factors, the other is 1
  let kept = select(1.0, e, score > before.top);
  let share = select(e, 1.0, score > before.top);
  let output = plus(scaled(before.output, kept), scaled(v, share));
  return Attended(output, top, before.inverse * kept + share); // the sum, until all keys are met
}

fn finished(met: Attended) -> Attended {
  let inverse = 1.0 / met.inverse;
  return Attended(scaled(met.output, inverse), met.top, inverse);
}

struct AttendedPair { first: Attended, second: Attended }

// Must equal \`attention\` of src/engine/reference. \`at\`: the words of the sequence; \`digits\`: how many digits are seen.
fn attendAlone(q: Row, at: u32, digits: u32, radix: u32) -> Attended {
  var met = Attended(Row(), -1e30, 0.0);
  let words = wordsAt(at);
  for (var i = 0u; i < 2u + digits; i++) {
    let slot = table + 4u * slotOfStep(words, i, radix);
    met = withKey(met, q, tableRow(slot), tableRow(slot + 2u));
  }
  return finished(met);
}

// The slots that a sequence meets: those of + and = first, then digit by digit.
fn slotOfStep(words: vec4u, i: u32, radix: u32) -> u32 {
  let digit = i - min(i, 2u);
  let token = (words[digit >> 3u] >> (4u * (digit & 7u))) & 15u;
  return select(radix * digit + token, radix * DIGITS + i, i < 2u);
}

fn wordsAt(at: u32) -> vec4u { return vec4u(tokens[at], tokens[at + 1u], tokens[at + 2u], tokens[at + 3u]); }

// The same for two queries of a sequence: the first sees \`digits\` digits, the second one more.
fn attend(q: Pair, at: u32, digits: u32, radix: u32) -> AttendedPair {
  let none = Attended(Row(), -1e30, 0.0);
  var met = AttendedPair(none, none);
  let words = wordsAt(at);
  for (var i = 0u; i < 2u + digits; i++) {
    let slot = table + 4u * slotOfStep(words, i, radix);
    let k = tableRow(slot);
    let v = tableRow(slot + 2u);
    met = AttendedPair(withKey(met.first, row0(q), k, v), withKey(met.second, row1(q), k, v));
  }
  let slot = table + 4u * slotOfStep(words, 2u + digits, radix);
  met.second = withKey(met.second, row1(q), tableRow(slot), tableRow(slot + 2u));
  return AttendedPair(finished(met.first), finished(met.second));
}
`;
