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
 */
export const GRADIENT = /* wgsl */ `
const EXAMPLES = 32u; // of a tile
const QUERIES = 12u;
const KEYS = 33u; // of an example: the digits, + and =
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

// The slot of a key of an example of the tile.
fn slotOfKey(example: u32, key: u32) -> u32 {
  if (key >= DIGITS) { return 10u * DIGITS + key - DIGITS; }
  return 10u * key + tokenAt(4u * example, key);
}

// The first query that sees a key.
fn firstQueryOf(key: u32) -> u32 {
  if (key < PROMPT_DIGITS || key >= DIGITS) { return 0u; }
  return key - PROMPT_DIGITS + 1u;
}

// A key, and what it has gathered from the queries so far.
struct Key { k: Row, v: Row, first: u32, dK: Row, dV: Row, dScore: f32 }

fn keyOf(example: u32, key: u32) -> Key {
  let at = table + 4u * slotOfKey(example, key);
  return Key(tableRow(at), tableRow(at + 2u), firstQueryOf(key), Row(), Row(), 0.0);
}

// In the forward pass this was: output = sum of e_j v_j / sum of e_j, e_j = 2^(q k_j - top).
fn withQuery(key: Key, query: u32, q: Row, top: f32, dOutput: Row, offset: f32) -> Key {
  let share = select(0.0, exp2Of(product(q, key.k) - top, LEAST_SHARE), query >= key.first);
  let dScore = share * (product(dOutput, key.v) - offset);
  return Key(
    key.k,
    key.v,
    key.first,
    plus(key.dK, scaled(q, dScore)),
    plus(key.dV, scaled(dOutput, share)),
    dScore,
  );
}

fn storeKey(at: u32, key: Key) {
  storeRow(at, key.dK, 0.0);
  storeRow(at + 2u, key.dV, 0.0);
}

fn clearSums() {
  for (var i = thread; i < SUMS; i += THREADS) { workspace[work + i] = vec4f(); }
}

// 2. Must equal \`attentionBackward\` of src/engine/reference for keys and values, but for a factor of ln 2 that the gradient of k is short of.
fn keysBackward() {
  for (var item = thread; item < EXAMPLES * KEY_TRIPLES; item += THREADS) {
    let example = item % EXAMPLES;
    let first = 3u * (item / EXAMPLES);
    var key0 = keyOf(example, first);
    var key1 = keyOf(example, first + 1u);
    var key2 = keyOf(example, first + 2u);
    let seen = min(min(key0.first, key1.first), key2.first);
    for (var block = seen / 4u; block < 3u; block++) {
      var scores0 = vec4f();
      var scores1 = vec4f();
      var scores2 = vec4f();
      for (var i = 0u; i < 4u; i++) {
        let query = 4u * block + i;
        let record = recordOf(example, query);
        let high = workspace[record + RECORD_Q + 1u];
        let q = Row(workspace[record + RECORD_Q], high.xyz);
        let dHigh = workspace[record + RECORD_OUTPUT + 1u];
        let dOutput = Row(workspace[record + RECORD_OUTPUT], dHigh.xyz);
        key0 = withQuery(key0, query, q, high.w, dOutput, dHigh.w);
        key1 = withQuery(key1, query, q, high.w, dOutput, dHigh.w);
        key2 = withQuery(key2, query, q, high.w, dOutput, dHigh.w);
        scores0[i] = key0.dScore;
        scores1[i] = key1.dScore;
        scores2[i] = key2.dScore;
      }
      let to = work + SCORES + 3u * (KEYS * example + first) + block;
      workspace[to] = scores0;
      workspace[to + 3u] = scores1;
      workspace[to + 6u] = scores2;
    }
    let to = work + KEY_RECORDS + 4u * (KEYS * example + first);
    storeKey(to, key0);
    storeKey(to + 4u, key1);
    storeKey(to + 8u, key2);
  }
}

// 3. The same for queries \`query\` and \`query\` + 1, but for the factor 1 / sqrt W.
fn queriesBackward(example: u32, query: u32) {
  var dQ0 = Row();
  var dQ1 = Row();
  let words = wordsAt(4u * example);
  for (var i = 0u; i < 3u + PROMPT_DIGITS + query; i++) {
    let key = select(i - 2u, DIGITS + i, i < 2u);
    let scores = workspace[work + SCORES + 3u * (KEYS * example + key) + (query >> 2u)];
    let ours = select(scores.xy, scores.zw, (query & 2u) == 2u);
    let k = tableRow(table + 4u * slotOfStep(words, i, 10u));
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
    let to = work + SLOT_SUMS + 4u * slotOfKey(example, key) + part;
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
`;
