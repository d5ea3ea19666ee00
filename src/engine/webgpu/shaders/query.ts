import { each } from "./vectors.ts";

/**
 * One query: causal attention over the digits that it may see and the symbols `+` and `=`; what follows it, output projection, feed-forward layer, final
 * norm, tied output, loss; and the way back. Needs SLOTS and the constant `FINAL_NORM`.
 */
export const QUERY = /* wgsl */ `
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

struct AttendedPair { of0: Attended, of1: Attended }

// The slot of a key of a sequence. Keys are + and =, then digit by digit.
fn slotOfKey(words: vec4u, key: u32, radix: u32) -> u32 {
  let digit = key - min(key, 2u);
  return slotOfToken((words[digit >> 3u] >> (4u * (digit & 7u))) & 15u, key, radix);
}

fn slotOfToken(token: u32, key: u32, radix: u32) -> u32 {
  return select(radix * (key - min(key, 2u)) + token, radix * DIGITS + key, key < 2u);
}

fn wordsAt(at: u32) -> vec4u { return vec4u(tokens[at], tokens[at + 1u], tokens[at + 2u], tokens[at + 3u]); }

// Must equal \`attention\` of src/engine/reference, for two queries of a sequence: the first sees \`digits\` digits, the second one more.
// \`at\`: the words of the sequence.
fn attend(q: Pair, at: u32, digits: u32, radix: u32) -> AttendedPair {
  let none = Attended(Row(), -1e30, 0.0);
  var met = AttendedPair(none, none);
  let words = wordsAt(at);
  for (var key = 0u; key < 2u + digits; key++) {
    let slot = table + 4u * slotOfKey(words, key, radix);
    let k = tableRow(slot);
    let v = tableRow(slot + 2u);
    met = AttendedPair(withKey(met.of0, row0(q), k, v), withKey(met.of1, row1(q), k, v));
  }
  let slot = table + 4u * slotOfKey(words, 2u + digits, radix);
  met.of1 = withKey(met.of1, row1(q), tableRow(slot), tableRow(slot + 2u));
  return AttendedPair(finished(met.of0), finished(met.of1));
}

// What a query is: q, scaled, and x = token + position embedding.
struct Query { q: Row, x: Row }

fn queryAt(slot: u32, radix: u32) -> Query {
  let at = queryTable(radix) + 4u * slot;
  return Query(tableRow(at), tableRow(at + 2u));
}

// What one query keeps for its backward.
struct QueryState { normed2: Normed, gelu: Hidden, derivative: Hidden, finalNormed: Normed, z: Row }

fn queryState(x1: Row, u: Hidden, normed2: Normed) -> QueryState {
  ${each("0123", (i) => `let gelu${i} = gelu(u[${i}]);`)}
  let value = Hidden(gelu0.value, gelu1.value, gelu2.value, gelu3.value);
  let derivative = Hidden(gelu0.derivative, gelu1.derivative, gelu2.derivative, gelu3.derivative);
  return QueryState(normed2, value, derivative, Normed(), x1);
}

// The forward pass above the attention, of two queries.
struct PostAttention { of0: QueryState, of1: QueryState, logits: HiddenPair }

// Must equal what follows the attention in \`forward\` of src/engine/reference/model.ts.
fn postAttention(x: Pair, attended: Pair) -> PostAttention {
  let x1 = plus2(x, linear7(PROJECTION, attended));
  ${each("01", (i) => `let normed${i} = layerNorm(row${i}(x1), LN2);`)}
  let u = linear14(W1, pair(normed0.y, normed1.y));
  ${each("01", (i) => `var kept${i} = queryState(row${i}(x1), hidden${i}(u), normed${i});`)}
  var z = plus2(x1, linear14Back(W2, hiddenPair(kept0.gelu, kept1.gelu))); // W2 is kept transposed
  if (FINAL_NORM) {
    ${each("01", (i) => `kept${i}.finalNormed = layerNorm(row${i}(z), LNF);`)}
    z = pair(kept0.finalNormed.y, kept1.finalNormed.y);
  }
  ${each("01", (i) => `kept${i}.z = row${i}(z);`)}
  return PostAttention(kept0, kept1, linear14(TOK, z));
}

// 1 at the target, 0 at the other tokens from \`first\` on.
fn oneHot(targetToken: u32, first: u32) -> vec4f {
  return select(vec4f(), vec4f(1.0), vec4u(0u, 1u, 2u, 3u) + first == vec4u(targetToken));
}

struct Loss { value: f32, dLogits: Hidden }

// Must equal \`crossEntropy\` and \`crossEntropyBackward\` of src/engine/reference; \`share\` is 1, or 0 for an example that only fills a tile up.
fn crossEntropy(logits: Hidden, targetToken: u32, share: f32) -> Loss {
  let pairs = max(max(logits[0], logits[1]), max(logits[2], vec4f(logits[3].xy, logits[0].xy)));
  let top = max(max(pairs.x, pairs.y), max(pairs.z, pairs.w));
  ${each("012", (i) => `let e${i} = exp2Of4((logits[${i}] - top) * LOG2_E, LEAST_SHARE);`)}
  let e3 = vec4f(exp2Of4((vec4f(logits[3].xy, top, top) - top) * LOG2_E, LEAST_SHARE).xy, 0.0, 0.0);
  let total = dot(e0 + e1 + e2 + e3, vec4f(1.0));
  let hot = Hidden(oneHot(targetToken, 0u), oneHot(targetToken, 4u), oneHot(targetToken, 8u), oneHot(targetToken, 12u));
  let targetLogit = dot(hot[0], logits[0]) + dot(hot[1], logits[1]) + dot(hot[2], logits[2]) + dot(hot[3], logits[3]);
  let dLogits = Hidden(e0, e1, e2, e3) * (share / total) - hot * share;
  return Loss(share * (lnOf(total) - (targetLogit - top)), dLogits);
}

// What a query leaves behind for the sums over queries: the rows A and B of the outer products, in the order of the packed gradient, and what the keys need.
const RECORD_HIDDEN = 0u; // A of W1
const RECORD_GELU = 4u; // A of W2
const RECORD_LOGITS = 8u; // A of the tied output
const RECORD_X1 = 12u; // A of the projection; also the gradient of x
const RECORD_NORMS = 14u; // gradients of LayerNorms: of weight and bias of LayerNorm 2, then of the final one
const RECORD_B = RECORD_NORMS + NORM_TASKS; // B of the four matrices, two each
const RECORD_Q = RECORD_B + 8u; // q, and the largest score
const RECORD_OUTPUT = RECORD_B + 10u; // the gradient of the attention's output / sum of e, and its product with the output
const RECORD_DQ = RECORD_B + 12u; // the gradient of q

fn storeRow(at: u32, row: Row, last: f32) {
  workspace[at] = row.a;
  workspace[at + 1u] = vec4f(row.b, last);
}

fn storeBlock(at: u32, block: Block) {
  for (var column = 0u; column < 4u; column++) { workspace[at + column] = block.left[column]; }
  for (var column = 0u; column < 3u; column++) { workspace[at + 4u + column] = block.right[column]; }
}

fn storeHidden(at: u32, hidden: Hidden) {
  ${each("0123", (i) => `workspace[at + ${i}u] = hidden[${i}];`)}
}

fn workspaceRow(at: u32) -> Row { return Row(workspace[at], workspace[at + 1u].xyz); }

fn timesHidden(x: Hidden, y: Hidden) -> Hidden { return Hidden(x[0] * y[0], x[1] * y[1], x[2] * y[2], x[3] * y[3]); }

// The token that query \`query\` of the sequence at \`at\` is to answer: a digit, and at last 13, the end of the sequence.
fn targetOf(at: u32, query: u32) -> u32 { return select(13u, tokenAt(at, PROMPT_DIGITS + query), query < 11u); }

// Backward of the final norm, where there is one. Leaves the record of the output behind.
fn outputBack(record: u32, kept: QueryState, dLogits: Hidden, dZ: Row) -> Row {
  storeHidden(record + RECORD_LOGITS, dLogits);
  storeHidden(record + RECORD_GELU, kept.gelu);
  storeRow(record + RECORD_B + 4u, kept.z, 0.0);
  if (!FINAL_NORM) { return dZ; }
  storeRow(record + RECORD_NORMS + 4u, times(dZ, kept.finalNormed.normalized), 0.0);
  storeRow(record + RECORD_NORMS + 6u, dZ, 0.0);
  return layerNormBack(dZ, kept.finalNormed, LNF);
}

// Backward of LayerNorm 2. Leaves the record of the feed-forward layer behind; the eighth number of a bias is free: there losses are summed.
fn hiddenBack(record: u32, kept: QueryState, loss: f32, dX2: Row, dHidden: Hidden, dNormed2: Row) -> Row {
  storeRow(record + RECORD_B + 2u, dX2, 0.0);
  storeHidden(record + RECORD_HIDDEN, dHidden);
  storeRow(record + RECORD_B, kept.normed2.y, 0.0);
  storeRow(record + RECORD_NORMS, times(dNormed2, kept.normed2.normalized), 0.0);
  storeRow(record + RECORD_NORMS + 2u, dNormed2, loss);
  return plus(dX2, layerNormBack(dNormed2, kept.normed2, LN2));
}

// The record of the attention.
fn attentionBack(record: u32, q: Row, attended: Attended, dX1: Row, dOutput: Row) {
  storeRow(record + RECORD_X1, dX1, 0.0);
  storeRow(record + RECORD_B + 6u, attended.output, 0.0);
  storeRow(record + RECORD_Q, q, attended.top);
  let shares = scaled(dOutput, attended.inverse);
  storeRow(record + RECORD_OUTPUT, shares, product(shares, attended.output));
}

// Forward and backward, fused, of queries \`query\` and \`query\` + 1 of the sequence at \`at\`; their records go to \`record\` and the one after it.
// Must equal the first loop of \`backward\` of src/engine/reference/model.ts, down to the gradient of the attention's output.
fn trainQueries(record: u32, at: u32, query: u32, share: f32) {
  let record0 = record;
  let record1 = record + RECORD;
  ${each("01", (i) => `let query${i} = queryAt(querySlot(at, query + ${i}u, 10u), 10u);`)}
  let attended = attend(pair(query0.q, query1.q), at, PROMPT_DIGITS + query, 10u);
  let kept = postAttention(pair(query0.x, query1.x), pair(attended.of0.output, attended.of1.output));
  ${each("01", (i) => `let loss${i} = crossEntropy(hidden${i}(kept.logits), targetOf(at, query + ${i}u), share);`)}

  let dZ = linear14Back(TOK, hiddenPair(loss0.dLogits, loss1.dLogits));
  ${each("01", (i) => `let dX2Of${i} = outputBack(record${i}, kept.of${i}, loss${i}.dLogits, row${i}(dZ));`)}

  // in the forward pass this was: x2 = x1 + W2 gelu(W1 norm2(x1))
  let dGelu = linear14(W2, pair(dX2Of0, dX2Of1));
  ${each("01", (i) => `let dHidden${i} = timesHidden(hidden${i}(dGelu), kept.of${i}.derivative);`)}
  let dNormed2 = linear14Back(W1, hiddenPair(dHidden0, dHidden1));
  let dX1 = pair(
    hiddenBack(record0, kept.of0, loss0.value, dX2Of0, dHidden0, row0(dNormed2)),
    hiddenBack(record1, kept.of1, loss1.value, dX2Of1, dHidden1, row1(dNormed2)),
  );

  // in the forward pass this was: x1 = x + projection(output)
  let dOutput = linear7Back(PROJECTION, dX1);
  ${each("01", (i) => `attentionBack(record${i}, query${i}.q, attended.of${i}, row${i}(dX1), row${i}(dOutput));`)}
}
`;
