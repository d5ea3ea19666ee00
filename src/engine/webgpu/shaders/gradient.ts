/**
 * WGSL: the gradient of a slice of a batch, by one workgroup, a tile of 16 examples at a time.
 *
 * There are no atomic additions of floats, and they would not add in a fixed order. So every sum belongs to one invocation, which adds in the order of the
 * examples: the same bytes every time. What is summed is laid down in \`workspace\` by those who compute it:
 *
 * 1. an invocation a query: forward and backward down to the gradient of the attention's output (query.ts);
 * 2. an invocation an example and key: the gradients of k and v, and of the scores;
 * 3. an invocation a query: the gradient of q. Then an invocation a part of the sums: the matrices' gradients, those of the slots' k and v;
 * 4. those of the slots' q and x.
 *
 * @module
 */

/** Needs QUERY. */
export const GRADIENT = /* wgsl */ `
const EXAMPLES = 16u; // of a tile
const QUERIES = 12u;
const KEYS = 33u; // of an example: the places, + and =

// Sums over queries: 4 blocks each of W1, W2 and the tied output, 2 of the projection, one for each four numbers of a LayerNorm.
const TASKS = 14u + NORM_TASKS;
const GROUPS = THREADS / TASKS;

// The parts of a workgroup's workspace, in vec4f. First the sums of the slice:
const SLOT_SUMS = 0u; // (slots, 4): k, v; then (query slots, 4): q, x
const TASK_SUMS = 4u * (10u * PLACES + 2u + 10u * 11u + 1u); // (tasks, 7)
const SUMS = TASK_SUMS + 7u * TASKS;
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
  if (key >= PLACES) { return 10u * PLACES + key - PLACES; }
  return 10u * key + tokenAt(4u * example, key);
}

fn clearSums() {
  for (var i = thread; i < SUMS; i += THREADS) { workspace[work + i] = vec4f(); }
}

// 2. In the forward pass this was: output = sum of e_j v_j / sum of e_j, e_j = 2^(q k_j - top).
// Must equal \`attentionBackward\` of src/engine/reference for keys and values, but for a factor of ln 2 that the gradient of k is short of.
fn keysBackward() {
  for (var item = thread; item < EXAMPLES * KEYS; item += THREADS) {
    let example = item / KEYS;
    let key = item % KEYS;
    let at = table + 4u * slotOfKey(example, key);
    let k = tableRow(at);
    let v = tableRow(at + 2u);
    var first = 0u; // the first query that sees this key
    if (key > WRITTEN - 1u && key < PLACES) { first = key - WRITTEN + 1u; }
    var dK = Row();
    var dV = Row();
    for (var block = 0u; block < 3u; block++) {
      var scores = vec4f();
      for (var i = 0u; i < 4u; i++) {
        let query = 4u * block + i;
        if (query < first) { continue; }
        let record = recordOf(example, query);
        let q = workspaceRow(record + RECORD_Q);
        let dOutput = workspaceRow(record + RECORD_OUTPUT);
        let share = exp2Of(product(q, k) - workspace[record + RECORD_Q + 1u].w, LEAST_SHARE);
        let dScore = share * (product(dOutput, v) - workspace[record + RECORD_OUTPUT + 1u].w);
        scores[i] = dScore;
        dK = plus(dK, scaled(q, dScore));
        dV = plus(dV, scaled(dOutput, share));
      }
      workspace[work + SCORES + 3u * item + block] = scores;
    }
    storeRow(work + KEY_RECORDS + 4u * item, dK, 0.0);
    storeRow(work + KEY_RECORDS + 4u * item + 2u, dV, 0.0);
  }
}

// 3. The same for the query, but for the factor 1 / sqrt 7.
fn queryBackward(example: u32, query: u32) {
  var dQ = Row();
  for (var i = 0u; i < 2u + WRITTEN + query; i++) {
    let key = select(i - 2u, PLACES + i, i < 2u);
    let dScore = workspace[work + SCORES + 3u * (KEYS * example + key) + (query >> 2u)][query & 3u];
    dQ = plus(dQ, scaled(tableRow(table + 4u * slotOfKey(example, key)), dScore));
  }
  storeRow(recordOf(example, query) + RECORD_DQ, dQ, 0.0);
}

// 3. Adds a share of the tile's outer products to a block of a matrix; for a LayerNorm the first column is the sum of its rows.
fn sumRecords(sums: Block, task: u32, group: u32) -> Block {
  var total = sums;
  var unit = task >= 14u;
  let b = RECORD_B + 2u * min(task / 4u, 3u);
  let count = EXAMPLES * QUERIES;
  for (var i = count * group / GROUPS; i < count * (group + 1u) / GROUPS; i++) {
    let record = work + RECORDS + RECORD * i;
    var row = Row(vec4f(1.0, 0.0, 0.0, 0.0), vec3f());
    if (!unit) { row = workspaceRow(record + b); }
    total = withOuterProduct(total, workspace[record + task], row);
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
    let slot = askedSlot(4u * example, query, 10u);
    let to = work + SLOT_SUMS + 4u * (slotCount(10u) + slot) + part;
    workspace[to] += workspace[recordOf(example, query) + source];
  }
}

// Lays out the tokens of a tile of 16 examples; those behind the end of the batch repeat the last one.
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

// Sums losses and gradients, not yet divided by the number of targets, of the tiles from \`first\` to before \`end\`.
fn accumulate(first: u32, end: u32, run: Run, step: Step) {
  let example = thread / QUERIES;
  let query = thread % QUERIES;
  let task = thread % TASKS;
  let group = thread / TASKS;
  var sums = Block();
  clearSums();
  for (var tile = first; tile < end; tile++) {
    layOutTile(EXAMPLES * tile, run, step);
    barrier();
    let share = select(0.0, 1.0, EXAMPLES * tile + example < step.batch);
    trainQuery(recordOf(example, query), 4u * example, query, share);
    barrier();
    keysBackward();
    barrier();
    queryBackward(example, query);
    if (group < GROUPS) { sums = sumRecords(sums, task, group); }
    sumKeys();
    barrier();
    sumQueries();
    barrier();
  }
  sumGroups(sums, task, group);
}

// The groups' sums, one after the other.
fn sumGroups(sums: Block, task: u32, group: u32) {
  let at = work + RECORDS;
  if (group < GROUPS) {
    let to = at + 7u * (TASKS * group + task);
    for (var column = 0u; column < 4u; column++) { workspace[to + column] = sums.left[column]; }
    for (var column = 0u; column < 3u; column++) { workspace[to + 4u + column] = sums.right[column]; }
  }
  barrier();
  if (thread < 7u * TASKS) {
    var total = vec4f();
    for (var i = 0u; i < GROUPS; i++) { total += workspace[at + 7u * TASKS * i + thread]; }
    workspace[work + TASK_SUMS + thread] = total;
  }
}
`;
