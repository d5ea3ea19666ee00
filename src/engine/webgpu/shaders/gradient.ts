import { each } from "./vectors.ts";

/**
 * The gradient of a tile of a batch, by one workgroup, a tile of 32 examples at a time. Needs QUERY.
 *
 * There are no atomic additions of floats, and they would not add in a fixed order. So every sum belongs to one invocation, which adds in the order of the
 * examples: the same bytes every time. What is summed is first written to `workspace`:
 *
 * 1. an invocation two queries: forward and backward down to the gradient of the attention's output (query.ts);
 * 2. an invocation three keys of an example: the gradients of k and v, and of the scores;
 * 3. an invocation two queries: the gradient of q. Then an invocation a part of the sums: the matrices' gradients, those of the slots' k and v;
 * 4. those of the slots' q and x.
 *
 * One workgroup turns the sums of a batch into the gradient of its mean loss, clips it and takes a step of AdamW.
 */
export const GRADIENT = /* wgsl */ `
const EXAMPLES = 32u; // of a tile
const QUERIES = 12u;
const KEYS = 33u; // of an example: +, = and the digits
const KEY_TRIPLES = 11u;

// Sums over queries: 4 blocks each of W1, W2 and the tied output, 2 of the projection, one for each four numbers of a LayerNorm. Two blocks are the task
// of an invocation, for a share of the queries.
const BLOCKS = 14u + NORM_TASKS;
const TASKS = BLOCKS / 2u;
const GROUPS = THREADS / TASKS;

// The parts of a workgroup's workspace, in vec4f. First the sums of the slice:
const SLOT_SUMS = 0u; // (slots, 4): k, v; then (query slots, 4): q, x
const BLOCK_SUMS = 4u * (10u * DIGITS + 2u + 10u * 11u + 1u); // (blocks, 7)
const SUMS = BLOCK_SUMS + 7u * BLOCKS;
// Then what one tile leaves behind:
const RECORDS = SUMS; // (queries, RECORD); later the groups' sums, and the records of slots
const KEY_RECORDS = RECORDS + EXAMPLES * QUERIES * RECORD; // (examples, keys, 4): k, v
const SCORES = KEY_RECORDS + 4u * EXAMPLES * KEYS; // (examples, keys, 12 queries): the gradients of the scores
const WORKSPACE = SCORES + 3u * EXAMPLES * KEYS;

fn recordOf(example: u32, query: u32) -> u32 {
  return work + RECORDS + RECORD * (QUERIES * example + query);
}

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
  for (var item = thread; item < EXAMPLES * KEY_TRIPLES; item += THREADS) {
    let example = item % EXAMPLES;
    let first = 3u * (item / EXAMPLES);
    let words = wordsAt(4u * example);
    ${each("012", (i) => `var key${i} = keyOf(words, first + ${i}u);`)}
    for (var block = key0.first / 4u; block < 3u; block++) {
      ${each("012", (i) => `var scores${i} = vec4f();`)}
      for (var i = 0u; i < 4u; i++) {
        let query = 4u * block + i;
        let record = recordOf(example, query);
        let high = workspace[record + RECORD_Q + 1u];
        let q = Row(workspace[record + RECORD_Q], high.xyz);
        let dHigh = workspace[record + RECORD_OUTPUT + 1u];
        let dOutput = Row(workspace[record + RECORD_OUTPUT], dHigh.xyz);
        ${each("012", (i) => `key${i} = withQuery(key${i}, query, q, high.w, dOutput, dHigh.w);`)}
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
  var dQ0 = Row();
  var dQ1 = Row();
  let words = wordsAt(4u * example);
  for (var key = 0u; key < 3u + PROMPT_DIGITS + query; key++) {
    let scores = workspace[work + SCORES + 3u * (KEYS * example + key) + (query >> 2u)];
    let ours = select(scores.xy, scores.zw, (query & 2u) == 2u);
    let k = tableRow(table + 4u * slotOfKey(words, key, 10u));
    dQ0 = plus(dQ0, scaled(k, ours.x)); // 0 where the key is behind the query
    dQ1 = plus(dQ1, scaled(k, ours.y));
  }
  storeRow(recordOf(example, query) + RECORD_DQ, dQ0, 0.0);
  storeRow(recordOf(example, query + 1u) + RECORD_DQ, dQ1, 0.0);
}

struct TwoBlocks { first: Block, second: Block }

// 3. Adds a share of the tile's outer products to a block of a matrix; for a LayerNorm the first column is the sum of its rows.
fn sumRecords(sums: TwoBlocks, task: u32, group: u32) -> TwoBlocks {
  var total = sums;
  let unit = task >= 7u;
  let b = RECORD_B + 2u * min(task / 2u, 3u);
  let count = EXAMPLES * QUERIES;
  for (var i = count * group / GROUPS; i < count * (group + 1u) / GROUPS; i++) {
    let record = work + RECORDS + RECORD * i;
    var row = Row(vec4f(1.0, 0.0, 0.0, 0.0), vec3f());
    if (!unit) { row = workspaceRow(record + b); }
    total.first = withOuterProduct(total.first, workspace[record + 2u * task], row);
    total.second = withOuterProduct(total.second, workspace[record + 2u * task + 1u], row);
  }
  return total;
}

// 3. Adds the tile's gradients of k and v to those of the slots.
fn sumKeys() {
  if (thread >= 4u * KEYS) { return; }
  let key = thread >> 2u;
  let part = thread & 3u;
  for (var example = 0u; example < EXAMPLES; example++) {
    let to = work + SLOT_SUMS + 4u * slotOfToken(tokenAt(4u * example, key - min(key, 2u)), key, 10u) + part;
    workspace[to] += workspace[work + KEY_RECORDS + 4u * (KEYS * example + key) + part];
  }
}

// 4. Adds the tile's gradients of q and x to those of the slots.
fn sumQueries() {
  if (thread >= 4u * QUERIES) { return; }
  let query = thread >> 2u;
  let part = thread & 3u;
  let source = select(RECORD_X1 - 2u, RECORD_DQ, part < 2u) + part;
  for (var example = 0u; example < EXAMPLES; example++) {
    let slot = querySlot(4u * example, query, 10u);
    let to = work + SLOT_SUMS + 4u * (slotCount(10u) + slot) + part;
    workspace[to] += workspace[recordOf(example, query) + source];
  }
}

// Lays out the tokens of a tile of 32 examples; those behind the end of the batch repeat the last one.
fn layOutTile(first: u32, run: Run, step: Step) {
  if (thread < EXAMPLES) {
    let at = 4u * thread;
    let example = min(first + thread, step.batch - 1u);
    clearTokens(at);
    if (run.given == 1u) { readOperands(at, problems[run.firstProblem + example]); }
    else { drawOperands(at, example, run.seed, run.attempt, step); }
    writeSum(at);
  }
}

// Steps 1 to 4 for one tile; adds to the sums over queries of this invocation, and to those of the slots.
fn addTile(first: u32, run: Run, step: Step, sums: TwoBlocks) -> TwoBlocks {
  // neighbours do the same queries of different examples, and see as many keys
  let example = thread % EXAMPLES;
  let query = 2u * (thread / EXAMPLES);
  layOutTile(first, run, step);
  barrier();
  trainQueries(recordOf(example, query), 4u * example, query, select(0.0, 1.0, first + example < step.batch));
  barrier();
  keysBackward();
  barrier();
  queriesBackward(example, query);
  var total = sums;
  if (thread < TASKS * GROUPS) { total = sumRecords(sums, thread % TASKS, thread / TASKS); }
  sumKeys();
  barrier();
  sumQueries();
  barrier();
  return total;
}

// The groups' sums, one after the other.
fn sumGroups(sums: TwoBlocks) {
  let task = thread % TASKS;
  let group = thread / TASKS;
  let at = work + RECORDS;
  if (group < GROUPS) {
    let to = at + 7u * (BLOCKS * group + 2u * task);
    storeBlock(to, sums.first);
    storeBlock(to + 7u, sums.second);
  }
  barrier();
  if (thread < 7u * BLOCKS) {
    var total = vec4f();
    for (var i = 0u; i < GROUPS; i++) { total += workspace[at + 7u * BLOCKS * i + thread]; }
    workspace[work + BLOCK_SUMS + thread] = total;
  }
}

// A slot's record: rows A of the outer products, row B, the gradient of x.
const SLOT_RECORD = 14u;
const SLOT_Y = 10u;
const SLOT_DX = 12u;
// Sums over slots: 2 blocks each of the matrices of q, k and v, one for each four numbers of LayerNorm 1.
const SLOT_TASKS = 10u;
const SLOT_GROUPS = THREADS / SLOT_TASKS;
const GROUP_SUMS = RECORDS + SLOT_RECORD * (10u * DIGITS + 2u); // (groups, tasks, 7)
const TOKEN_SUMS = GROUP_SUMS + 7u * SLOT_TASKS * SLOT_GROUPS; // (12 tokens, 2)

// Backward of \`slotsForward\`, the part of one slot. Must equal the second loop of \`backward\` of src/engine/reference/model.ts.
fn slotBackward(number: u32) {
  let record = work + RECORDS + SLOT_RECORD * number;
  let sums = work + SLOT_SUMS + 4u * number;
  let normed = layerNorm(embed(number, 10u), LN1);
  let dK = scaled(workspaceRow(sums), LN_2); // k met a query that was scaled by log2(e) / sqrt W
  let dV = workspaceRow(sums + 2u);
  var dQ = Row();
  var dX = Row();
  let query = querySlotOf(number, 10u);
  if (query < querySlotCount(10u)) {
    let at = work + SLOT_SUMS + 4u * (slotCount(10u) + query);
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

// As \`sumRecords\`, over slots.
fn sumSlotRecords(task: u32, group: u32) {
  var total = Block();
  let unit = task >= 6u;
  let count = slotCount(10u);
  for (var i = count * group / SLOT_GROUPS; i < count * (group + 1u) / SLOT_GROUPS; i++) {
    let record = work + RECORDS + SLOT_RECORD * i;
    var row = Row(vec4f(1.0, 0.0, 0.0, 0.0), vec3f());
    if (!unit) { row = workspaceRow(record + SLOT_Y); }
    total = withOuterProduct(total, workspace[record + task], row);
  }
  storeBlock(work + GROUP_SUMS + 7u * (SLOT_TASKS * group + task), total);
}

fn dXOf(slot: u32, part: u32) -> vec4f {
  return workspace[work + RECORDS + SLOT_RECORD * slot + SLOT_DX + part];
}

// In the forward pass this was: x = token embedding + position embedding. The gradients of positions are whole; those of tokens are to be added.
fn embeddingsBackward(scale: f32) {
  let part = thread & 1u;
  let index = thread >> 1u;
  if (index < 35u) {
    var total = vec4f();
    if (index == 10u || index == 21u) { total = dXOf(10u * DIGITS + select(0u, 1u, index == 21u), part); }
    else if (index < 33u) {
      let digit = index - select(0u, 1u, index > 10u) - select(0u, 1u, index > 21u);
      for (var token = 0u; token < 10u; token++) { total += dXOf(10u * digit + token, part); }
    }
    states[gradient + POSITION + thread] = total * scale;
  } else if (index < 47u) {
    let token = index - 35u;
    var total = vec4f();
    if (token >= 10u) { total = dXOf(10u * DIGITS + token - 10u, part); }
    else { for (var digit = 0u; digit < DIGITS; digit++) { total += dXOf(10u * digit + token, part); } }
    workspace[work + TOKEN_SUMS + 2u * token + part] = total;
  }
}

// Gradients of matrices and LayerNorms, scaled, in their positions.
fn finishMatrices(scale: f32) {
  if (thread < 98u) { // W1, W2, tied output, projection
    var total = workspace[work + BLOCK_SUMS + thread];
    if (thread >= TOK && thread < PROJECTION) {
      let token = 4u * ((thread - TOK) / 7u);
      let column = (thread - TOK) % 7u;
      let at = work + TOKEN_SUMS + 2u * token + (column >> 2u);
      if (token < 12u) {
        let i = column & 3u;
        total += vec4f(workspace[at][i], workspace[at + 2u][i], workspace[at + 4u][i], workspace[at + 6u][i]);
      }
    }
    states[gradient + thread] = total * scale;
  } else if (thread < 140u) { // q, k, v
    states[gradient + thread] = slotTaskSum(thread - 98u) * scale;
  } else if (thread < 140u + NORM_TASKS) {
    let i = thread - 140u;
    // the eighth number is none of the vector
    let keep = select(vec4f(1.0), vec4f(1.0, 1.0, 1.0, 0.0), (i & 1u) == 1u);
    states[gradient + LN2 + i] = workspace[work + BLOCK_SUMS + 7u * (14u + i)] * keep * scale;
  } else if (thread < 144u + NORM_TASKS) {
    let i = thread - 140u - NORM_TASKS;
    states[gradient + LN1 + i] = slotTaskSum(7u * (6u + i)) * scale;
  }
}

fn slotTaskSum(index: u32) -> vec4f {
  var total = vec4f();
  for (var group = 0u; group < SLOT_GROUPS; group++) {
    total += workspace[work + GROUP_SUMS + 7u * SLOT_TASKS * group + index];
  }
  return total;
}

// From the sums over the batch to \`gradient\`; returns the mean loss.
fn finishGradient(batch: u32) -> f32 {
  let scale = 1.0 / f32(QUERIES * batch);
  let loss = workspace[work + BLOCK_SUMS + 7u * 17u].w * scale; // the eighth number of LayerNorm 2's bias
  for (var number = thread; number < slotCount(10u); number += THREADS) { slotBackward(number); }
  barrier();
  if (thread < SLOT_TASKS * SLOT_GROUPS) { sumSlotRecords(thread % SLOT_TASKS, thread / SLOT_TASKS); }
  embeddingsBackward(scale);
  barrier();
  finishMatrices(scale);
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
fn adamW(norm: f32, step: Step) {
  var clip = 1.0;
  if (step.clipNorm > 0.0) { clip = min(1.0, step.clipNorm / (norm + 1e-6)); }
  for (var i = thread; i < VECTORS; i += THREADS) {
    let g = states[gradient + i] * clip;
    let m = flushDenormals(step.beta1 * firstMoment[i] + step.rest1 * g, 7.888609e-31); // 2^-100
    let v = flushDenormals(step.beta2 * secondMoment[i] + step.rest2 * g * g, 7.5231638e-37); // 2^-120
    firstMoment[i] = m;
    secondMoment[i] = v;
    weights[i] = weights[i] * step.keep - step.stepSize * m / (sqrt(v) * step.inverseRoot + step.epsilon);
  }
}
`;
