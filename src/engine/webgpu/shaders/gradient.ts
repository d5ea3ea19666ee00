import { each } from "./vectors.ts";

/**
 * The gradient of a batch, by one workgroup, a tile of 32 examples at a time; then clipping and a step of AdamW. Needs QUERY.
 *
 * There are no atomic additions of floats, and they would not add in a fixed order. So every sum belongs to one invocation, which adds in the order of the
 * examples. What is summed is first written to `workspace`:
 *
 * 1. an invocation two queries: forward and backward down to the gradient of the attention's output (query.ts);
 * 2. an invocation three keys of an example: the gradients of k and v, and of the scores;
 * 3. an invocation two queries: the gradient of q. Then an invocation a part of the sums: the matrices' gradients;
 * 4. those of the slots' k, v, q and x.
 */
export const GRADIENT = /* wgsl */ `
fn recordOf(example: u32, query: u32) -> u32 { return work + SUMS + RECORD * (QUERIES * example + query); }

// A key, the first query that sees it, and what it has gathered from the queries so far.
struct Key { k: Row, v: Row, first: u32, dK: Row, dV: Row, dScore: f32 }

fn keyOf(words: vec4u, key: u32) -> Key {
  let at = table + 4u * slotOfKey(words, key, 10u);
  let lastOfPrompt = PROMPT_DIGITS + 1u;
  return Key(tableRow(at), tableRow(at + 2u), max(key, lastOfPrompt) - lastOfPrompt, Row(), Row(), 0.0);
}

// In the forward pass this was: output = sum of e_j v_j / sum of e_j, e_j = 2^(q k_j - top).
fn withQuery(key: Key, query: u32, q: Row, top: f32, dOutput: Row, offset: f32) -> Key {
  let share = select(0.0, exp2Of(product(q, key.k) - top, LEAST_SHARE), query >= key.first);
  let dScore = share * (product(dOutput, key.v) - offset);
  return Key(key.k, key.v, key.first, plus(key.dK, scaled(q, dScore)), plus(key.dV, scaled(dOutput, share)), dScore);
}

fn clearSums() {
  for (var i = thread; i < SUMS; i += THREADS) { workspace[work + i] = vec4f(); }
}

// 2. Must equal \`attentionBackward\` of src/engine/reference for keys and values, but for a factor of ln 2 that the gradient of k is short of.
fn keysBackward() {
  for (var item = thread; item < EXAMPLES * KEYS / 3u; item += THREADS) {
    let example = item % EXAMPLES;
    let first = 3u * (item / EXAMPLES);
    let words = wordsAt(4u * example);
    ${each("012", (i) => `var key${i} = keyOf(words, first + ${i}u);`)}
    for (var block = key0.first / 4u; block < 3u; block++) {
      ${each("012", (i) => `var scores${i} = vec4f();`)}
      for (var i = 0u; i < 4u; i++) {
        let query = 4u * block + i;
        let record = recordOf(example, query);
        let q = workspaceRow(record + RECORD_Q);
        let top = workspace[record + RECORD_Q + 1u].w;
        let dOutput = workspaceRow(record + RECORD_OUTPUT);
        let offset = workspace[record + RECORD_OUTPUT + 1u].w;
        ${each("012", (i) => `key${i} = withQuery(key${i}, query, q, top, dOutput, offset);`)}
        ${each("012", (i) => `scores${i}[i] = key${i}.dScore;`)}
      }
      let to = work + SCORES + 3u * (KEYS * example + first) + block;
      ${each("012", (i) => `workspace[to + 3u * ${i}u] = scores${i};`)}
    }
    let to = work + KEY_RECORDS + 4u * (KEYS * example + first);
    ${each("012", (i) => `storeRow(to + 4u * ${i}u, key${i}.dK, 0.0);`)}
    ${each("012", (i) => `storeRow(to + 4u * ${i}u + 2u, key${i}.dV, 0.0);`)}
  }
}

// 3. The same for queries \`query\` and \`query\` + 1, but for the factor 1 / sqrt W.
fn queriesBackward(example: u32, query: u32) {
  ${each("01", (i) => `var dQ${i} = Row();`)}
  let words = wordsAt(4u * example);
  for (var key = 0u; key < 3u + PROMPT_DIGITS + query; key++) {
    let scores = workspace[work + SCORES + 3u * (KEYS * example + key) + (query >> 2u)];
    let ours = select(scores.xy, scores.zw, (query & 2u) == 2u);
    let k = tableRow(table + 4u * slotOfKey(words, key, 10u));
    dQ0 = plus(dQ0, scaled(k, ours.x)); // 0 where the key is behind the query
    dQ1 = plus(dQ1, scaled(k, ours.y));
  }
  ${each("01", (i) => `storeRow(recordOf(example, query + ${i}u) + RECORD_DQ, dQ${i}, 0.0);`)}
}

struct TwoBlocks { first: Block, second: Block }

// Sums of outer products over \`count\` records, \`size\` long, which begin with the rows A of the products. Two blocks are a task for an invocation of each
// group. First come \`matrices\` blocks of matrices, which go to \`to\` of the packed gradient. Of the others, one for each four numbers of a LayerNorm, only
// the first columns count, the sums of A: they go to \`norms\`. The groups' sums are left at \`scratch\`.
struct Sums { size: u32, count: u32, tasks: u32, groups: u32, matrices: u32, to: u32, norms: u32, scratch: u32 }

const QUERY_TASKS = 7u + NORM_TASKS / 2u; // 4 blocks each of W1, W2 and the tied output, 2 of the projection
const OVER_QUERIES = Sums(RECORD, EXAMPLES * QUERIES, QUERY_TASKS, THREADS / QUERY_TASKS, 14u, W1, LN2, SUMS);

// 3. Adds a group's share of the outer products of two blocks. \`b\` is where records have the row B of these.
fn sumRecords(sums: TwoBlocks, over: Sums, b: u32) -> TwoBlocks {
  let task = thread % over.tasks;
  let group = thread / over.tasks;
  var total = sums;
  if (group >= over.groups) { return total; }
  for (var i = over.count * group / over.groups; i < over.count * (group + 1u) / over.groups; i++) {
    let record = work + SUMS + over.size * i;
    var row = Row(vec4f(1.0, 0.0, 0.0, 0.0), vec3f());
    if (2u * task < over.matrices) { row = workspaceRow(record + b); }
    total.first = withOuterProduct(total.first, workspace[record + 2u * task], row);
    total.second = withOuterProduct(total.second, workspace[record + 2u * task + 1u], row);
  }
  return total;
}

// 4. Adds the tile's gradients of k, v, q and x to those of the slots: an invocation four numbers of a key or of a query.
fn sumSlots() {
  let column = thread >> 2u;
  let part = thread & 3u;
  if (column >= KEYS + QUERIES) { return; }
  for (var example = 0u; example < EXAMPLES; example++) {
    var slot = slotOfToken(tokenAt(4u * example, column - min(column, 2u)), column, 10u);
    var source = work + KEY_RECORDS + 4u * (KEYS * example + column);
    if (column >= KEYS) {
      slot = slotCount(10u) + querySlot(4u * example, column - KEYS, 10u);
      source = recordOf(example, column - KEYS) + select(RECORD_X1 - 2u, RECORD_DQ, part < 2u);
    }
    workspace[work + 4u * slot + part] += workspace[source + part];
  }
}

// Steps 1 to 4 for one tile; adds to the sums over queries of this invocation, and to those of the slots.
fn addTile(first: u32, run: Run, cursor: u32, sums: TwoBlocks) -> TwoBlocks {
  // neighbours do the same queries of different examples, and see as many keys
  let example = thread % EXAMPLES;
  let query = 2u * (thread / EXAMPLES);
  if (query == 0u) {
    let number = min(first + example, run.batch - 1u); // behind the end of the batch the last example is repeated
    clearTokens(4u * example);
    if (run.given == 1u) { readOperands(4u * example, problems[run.firstProblem + number]); }
    else { drawOperands(4u * example, number, run.firstSample + cursor, run); }
    writeSum(4u * example);
  }
  barrier();
  trainQueries(recordOf(example, query), 4u * example, query, select(0.0, 1.0, first + example < run.batch));
  barrier();
  keysBackward();
  barrier();
  queriesBackward(example, query);
  let total = sumRecords(sums, OVER_QUERIES, RECORD_B + 2u * min(thread % QUERY_TASKS / 2u, 3u));
  barrier();
  sumSlots();
  barrier();
  return total;
}

// Adds up the groups' sums, one after the other.
fn sumGroups(sums: TwoBlocks, over: Sums) {
  let size = 14u * over.tasks;
  let group = thread / over.tasks;
  if (group < over.groups) {
    let at = work + over.scratch + size * group + 14u * (thread % over.tasks);
    storeBlock(at, sums.first);
    storeBlock(at + 7u, sums.second);
  }
  barrier();
  if (thread < size) {
    var total = vec4f();
    for (var i = 0u; i < over.groups; i++) { total += workspace[work + over.scratch + size * i + thread]; }
    let block = thread / 7u;
    if (block < over.matrices) { workspace[work + TOTALS + over.to + thread] = total; }
    else if (thread % 7u == 0u) { workspace[work + TOTALS + over.norms + block - over.matrices] = total; }
  }
}

const SLOT_RECORD = 14u; // rows A of the outer products,
const SLOT_Y = 10u; // row B,
const SLOT_DX = 12u; // the gradient of x
const SLOTS = 10u * DIGITS + 2u;
// 2 blocks each of the matrices of q, k and v, one for each four numbers of LayerNorm 1; 19 groups, of 16 or 17 slots each
const OVER_SLOTS = Sums(SLOT_RECORD, SLOTS, 5u, THREADS / 10u, 6u, QUERY, LN1, SUMS + SLOT_RECORD * SLOTS);

// Backward of \`slotsForward\`, the part of one slot. Must equal the second loop of \`backward\` of src/engine/reference/model.ts.
fn slotBackward(number: u32) {
  let record = work + SUMS + SLOT_RECORD * number;
  let sums = work + 4u * number;
  let normed = layerNorm(embed(number, 10u), LN1);
  let dK = scaled(workspaceRow(sums), LN_2); // k met a query that was scaled by log2(e) / sqrt W
  let dV = workspaceRow(sums + 2u);
  var dQ = Row();
  var dX = Row();
  let query = querySlotOf(number, 10u);
  if (query < querySlotCount(10u)) {
    let at = work + 4u * (slotCount(10u) + query);
    dQ = scaled(workspaceRow(at), SCORE_SCALE);
    dX = workspaceRow(at + 2u);
  }
  let dY = plus(linearBack(QUERY, dQ), plus(linearBack(KEY, dK), linearBack(VALUE, dV)));
  storeRow(record, dQ, 0.0);
  storeRow(record + 2u, dK, 0.0);
  storeRow(record + 4u, dV, 0.0);
  storeRow(record + 6u, times(dY, normed.normalized), 0.0);
  storeRow(record + 8u, dY, 0.0);
  storeRow(record + SLOT_Y, normed.y, 0.0);
  storeRow(record + SLOT_DX, plus(dX, layerNormBack(dY, normed, LN1)), 0.0);
}

// The sum of the gradients of x of \`count\` slots.
fn sumOfDX(first: u32, stride: u32, count: u32, part: u32) -> vec4f {
  var total = vec4f();
  for (var i = 0u; i < count; i++) { total += workspace[work + SUMS + SLOT_RECORD * (first + stride * i) + SLOT_DX + part]; }
  return total;
}

// In the forward pass this was: x = token embedding + position embedding. One \`vec4f\` of the gradient of the position embeddings.
fn positionBackward(index: u32) -> vec4f {
  let position = index >> 1u;
  let part = index & 1u;
  if (position == 10u || position == 21u) { return sumOfDX(10u * DIGITS + u32(position == 21u), 0u, 1u, part); }
  let digit = position - u32(position > 10u) - u32(position > 21u);
  return sumOfDX(10u * digit, 1u, select(0u, 10u, position < KEYS), part);
}

// One number of the gradient of the token embeddings, but for what the tied output adds.
fn tokenBackward(token: u32, column: u32) -> f32 {
  let first = select(10u * DIGITS + token - 10u, token, token < 10u);
  return sumOfDX(first, 10u, select(1u, DIGITS, token < 10u), column >> 2u)[column & 3u];
}

const LOSS = LN2 + 3u; // its last number is none of the bias of LayerNorm 2: there losses are summed

// One \`vec4f\` of the gradient of the sum over the batch.
fn sumOf(index: u32) -> vec4f {
  if (index >= POSITION) { return positionBackward(index - POSITION); }
  var total = workspace[work + TOTALS + index];
  if (index == LOSS) { total.w = 0.0; }
  if (index >= TOK && index < TOK + 21u) { // the first twelve tokens are those that are read
    let token = 4u * ((index - TOK) / 7u);
    let column = (index - TOK) % 7u;
    ${each("0123", (i) => `total[${i}] += tokenBackward(token + ${i}u, column);`)}
  }
  return total;
}

// From the sums over the batch to \`gradient\`; returns the mean loss.
fn finishGradient(batch: u32) -> f32 {
  let scale = 1.0 / f32(QUERIES * batch);
  let loss = workspace[work + TOTALS + LOSS].w * scale;
  for (var number = thread; number < SLOTS; number += THREADS) { slotBackward(number); }
  barrier();
  sumGroups(sumRecords(TwoBlocks(), OVER_SLOTS, SLOT_Y), OVER_SLOTS);
  barrier();
  for (var i = thread; i < VECTORS; i += THREADS) { states[gradient + i] = sumOf(i) * scale; }
  barrier();
  return loss;
}

// 0 for numbers smaller than \`least\`: what decays step by step must not end among the denormal numbers, which some processors are slow at.
fn flushDenormals(x: vec4f, least: f32) -> vec4f {
  return select(x, vec4f(), abs(x) < vec4f(least));
}

// The Euclidean norm of the gradient; elements too small to count, with squares below 2^-112, are set to 0.
fn gradientNorm() -> f32 {
  var squares = 0.0;
  for (var i = thread; i < VECTORS; i += THREADS) {
    let g = flushDenormals(states[gradient + i], 1.3877788e-17);
    states[gradient + i] = g;
    squares += dot(g, g);
  }
  partialSums[thread] = squares;
  workgroupBarrier();
  // 192 = 3 x 64
  for (var half = 96u; half >= 3u; half /= 2u) {
    if (thread < half) { partialSums[thread] += partialSums[thread + half]; }
    workgroupBarrier();
  }
  return sqrt(partialSums[0] + partialSums[1] + partialSums[2]);
}

// Clips the gradient and takes one step. Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2, in PyTorch's order: the decay is applied first.
// Must equal \`clipGradientNorm\` and \`adamW\` of src/engine/reference.
fn adamW(norm: f32, run: Run, step: Step) {
  var clip = 1.0;
  if (run.clipNorm > 0.0) { clip = min(1.0, run.clipNorm / (norm + 1e-6)); }
  for (var i = thread; i < VECTORS; i += THREADS) {
    let g = states[gradient + i] * clip;
    let m = flushDenormals(run.beta1 * firstMoment[i] + run.rest1 * g, 7.888609e-31); // 2^-100
    let v = flushDenormals(run.beta2 * secondMoment[i] + run.rest2 * g * g, 7.5231638e-37); // 2^-120
    firstMoment[i] = m;
    secondMoment[i] = v;
    weights[i] = weights[i] * step.keep - step.stepSize * m / (sqrt(v) * step.inverseRoot + run.epsilon);
  }
}
`;
