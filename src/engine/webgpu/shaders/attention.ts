/**
 * WGSL: causal attention of one query, over the digits that it may see and the symbols `+` and `=`.
 *
 * @module
 */

/** Needs SLOTS and PROBLEMS. */
export const ATTENTION = /* wgsl */ `
// The weighted mean of the values; e_j = 2^(score_j - top), and inverse = 1 / sum of e.
struct Attended { output: Row, top: f32, inverse: f32 }

// Milakov and Gimelshein 2018, arXiv:1805.02867, algorithm 3: the largest score so far is the reference, and what was summed before is scaled when it grows.
fn withKey(before: Attended, q: Row, slot: u32) -> Attended {
  let at = table + 4u * slot;
  let score = product(q, tableRow(at));
  let top = max(before.top, score);
  let kept = exp2Of(before.top - top, LEAST_SHARE);
  let share = exp2Of(score - top, LEAST_SHARE);
  let output = plus(scaled(before.output, kept), scaled(tableRow(at + 2u), share));
  return Attended(output, top, before.inverse * kept + share); // the sum, until all keys are met
}

// Must equal \`attention\` of src/engine/reference. \`at\`: the words of the sequence; \`digits\`: how many places are seen.
fn attend(q: Row, at: u32, digits: u32, radix: u32) -> Attended {
  var met = Attended(Row(), -1e30, 0.0);
  met = withKey(met, q, radix * PLACES);
  met = withKey(met, q, radix * PLACES + 1u);
  var word = 0u;
  for (var place = 0u; place < digits; place++) {
    if ((place & 7u) == 0u) { word = tokens[at + (place >> 3u)]; }
    met = withKey(met, q, radix * place + (word & 15u));
    word >>= 4u;
  }
  let inverse = 1.0 / met.inverse;
  return Attended(scaled(met.output, inverse), met.top, inverse);
}
`;
