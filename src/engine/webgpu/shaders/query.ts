/**
 * WGSL: everything above the attention, for one query: output projection, feed-forward layer, final norm, tied output, loss; and the way back.
 *
 * @module
 */

/** Needs ROWS, ATTENTION and the constant `FINAL_NORM`. */
export const QUERY = /* wgsl */ `
// What a query is: q, scaled, and x = token + position embedding.
struct Query { q: Row, x: Row }

fn queryAt(slot: u32, radix: u32) -> Query {
  let at = queryTable(radix) + 4u * slot;
  return Query(tableRow(at), tableRow(at + 2u));
}

// The forward pass above the attention, and what its backward needs.
struct Above {
  normed2: Normed,
  gelu: Hidden,
  slope: Hidden,
  finalNormed: Normed,
  z: Row,
  logits: Hidden,
}

// Must equal what follows the attention in \`forward\` of src/engine/reference/model.ts.
fn above(x: Row, attended: Row) -> Above {
  var state = Above();
  let x1 = plus(x, linear7(PROJECTION, attended));
  state.normed2 = layerNorm(x1, LN2);
  let u = linear14(W1, state.normed2.y);
  let a = gelu(u.a);
  let b = gelu(u.b);
  let c = gelu(u.c);
  let d = gelu(u.d);
  state.gelu = Hidden(a.value, b.value, c.value, d.value);
  state.slope = Hidden(a.slope, b.slope, c.slope, d.slope);
  state.z = plus(x1, linear14Back(W2, state.gelu)); // W2 is kept transposed
  if (FINAL_NORM) {
    state.finalNormed = layerNorm(state.z, LNF);
    state.z = state.finalNormed.y;
  }
  state.logits = linear14(TOK, state.z);
  return state;
}

// 1 at the target, 0 at the other tokens from \`first\` on.
fn oneHot(wantedToken: u32, first: u32) -> vec4f {
  return select(vec4f(), vec4f(1.0), vec4u(0u, 1u, 2u, 3u) + first == vec4u(wantedToken));
}

struct Loss { value: f32, dLogits: Hidden }

// Must equal \`crossEntropy\` and \`crossEntropyBackward\` of src/engine/reference; \`share\` is 1, or 0 for an example that only fills a tile up.
fn crossEntropy(logits: Hidden, wantedToken: u32, share: f32) -> Loss {
  let pairs = max(max(logits.a, logits.b), max(logits.c, vec4f(logits.d.xy, logits.a.xy)));
  let top = max(max(pairs.x, pairs.y), max(pairs.z, pairs.w));
  let a = exp2Of4((logits.a - top) * LOG2_E, LEAST_SHARE);
  let b = exp2Of4((logits.b - top) * LOG2_E, LEAST_SHARE);
  let c = exp2Of4((logits.c - top) * LOG2_E, LEAST_SHARE);
  let d = vec4f(exp2Of4((vec4f(logits.d.xy, top, top) - top) * LOG2_E, LEAST_SHARE).xy, 0.0, 0.0);
  let total = dot(a + b + c + d, vec4f(1.0));
  let hot = Hidden(oneHot(wantedToken, 0u), oneHot(wantedToken, 4u), oneHot(wantedToken, 8u), oneHot(wantedToken, 12u));
  let wanted = dot(hot.a, logits.a) + dot(hot.b, logits.b) + dot(hot.c, logits.c) + dot(hot.d, logits.d);
  let scale = share / total;
  return Loss(
    share * (lnOf(total) - (wanted - top)),
    Hidden(a * scale - hot.a * share, b * scale - hot.b * share, c * scale - hot.c * share, d * scale - hot.d * share),
  );
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
const RECORD = RECORD_B + 14u;

fn storeRow(at: u32, row: Row, last: f32) {
  workspace[at] = row.a;
  workspace[at + 1u] = vec4f(row.b, last);
}

fn storeHidden(at: u32, hidden: Hidden) {
  workspace[at] = hidden.a;
  workspace[at + 1u] = hidden.b;
  workspace[at + 2u] = hidden.c;
  workspace[at + 3u] = hidden.d;
}

fn workspaceRow(at: u32) -> Row { return Row(workspace[at], workspace[at + 1u].xyz); }

// Forward and backward, fused, of query \`query\` of the sequence at \`at\`; the record goes to \`record\`.
// Must equal the first loop of \`backward\` of src/engine/reference/model.ts, down to the gradient of the attention's output.
fn trainQuery(record: u32, at: u32, query: u32, share: f32) {
  let asked = queryAt(askedSlot(at, query, 10u), 10u);
  let attended = attend(asked.q, at, WRITTEN + query, 10u);
  let state = above(asked.x, attended.output);
  var wantedToken = 13u; // the end of the sequence
  if (query < 11u) { wantedToken = tokenAt(at, WRITTEN + query); }
  let loss = crossEntropy(state.logits, wantedToken, share);

  storeHidden(record + RECORD_LOGITS, loss.dLogits);
  storeRow(record + RECORD_B + 4u, state.z, 0.0);
  var dX2 = linear14Back(TOK, loss.dLogits);
  if (FINAL_NORM) {
    storeRow(record + RECORD_NORMS + 4u, times(dX2, state.finalNormed.normalized), 0.0);
    storeRow(record + RECORD_NORMS + 6u, dX2, 0.0);
    dX2 = layerNormBack(dX2, state.finalNormed, LNF);
  }

  // in the forward pass this was: x2 = x1 + W2 gelu(W1 norm2(x1))
  storeRow(record + RECORD_B + 2u, dX2, 0.0);
  storeHidden(record + RECORD_GELU, state.gelu);
  let dGelu = linear14(W2, dX2);
  let dHidden = Hidden(
    dGelu.a * state.slope.a,
    dGelu.b * state.slope.b,
    dGelu.c * state.slope.c,
    dGelu.d * state.slope.d,
  );
  storeHidden(record + RECORD_HIDDEN, dHidden);
  storeRow(record + RECORD_B, state.normed2.y, 0.0);
  let dNormed2 = linear14Back(W1, dHidden);
  storeRow(record + RECORD_NORMS, times(dNormed2, state.normed2.normalized), 0.0);
  storeRow(record + RECORD_NORMS + 2u, dNormed2, loss.value); // the eighth number is free: here losses are summed
  let dX1 = plus(dX2, layerNormBack(dNormed2, state.normed2, LN2));

  // in the forward pass this was: x1 = x + projection(output)
  storeRow(record + RECORD_X1, dX1, 0.0);
  storeRow(record + RECORD_B + 6u, attended.output, 0.0);
  let dOutput = scaled(linear7Back(PROJECTION, dX1), attended.inverse);
  storeRow(record + RECORD_Q, asked.q, attended.top);
  storeRow(record + RECORD_OUTPUT, dOutput, product(dOutput, attended.output));
}
`;
