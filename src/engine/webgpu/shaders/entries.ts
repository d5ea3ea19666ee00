import { each } from "./vectors.ts";

export type EntryPoint = "train" | "prepare" | "addTiles" | "update" | "decode";

/** The entry points. Every workgroup works for one run, and all but those of `decode` have 192 invocations. Needs all other parts. */
export const ENTRIES = /* wgsl */ `
fn begin(index: u32, local: u32, workspaceIndex: u32, threads: u32) {
  thread = local;
  work = WORKSPACE * workspaceIndex;
  table = TABLE * index;
  let at = 4u * VECTORS * index;
  gradient = at + 3u * VECTORS;
  for (var i = thread; i < VECTORS; i += threads) { weights[i] = states[at + i]; }
}

fn loadMoments() {
  for (var i = thread; i < VECTORS; i += THREADS) {
    firstMoment[i] = states[gradient - 2u * VECTORS + i];
    secondMoment[i] = states[gradient - VECTORS + i];
  }
}

fn storeState() {
  for (var i = thread; i < VECTORS; i += THREADS) {
    states[gradient - 3u * VECTORS + i] = weights[i];
    states[gradient - 2u * VECTORS + i] = firstMoment[i];
    states[gradient - VECTORS + i] = secondMoment[i];
  }
}

// The next step of a run, the same number for all invocations.
fn cursorOf(index: u32) -> u32 {
  if (thread == 0u) { control = cursors[index]; }
  return workgroupUniformLoad(&control);
}

// Takes the step whose gradient is summed.
fn takeStep(run: Run, cursor: u32) {
  let step = schedule[run.firstStep + cursor];
  let loss = finishGradient(run.batch);
  let norm = gradientNorm();
  if (thread == 0u) { reports[run.firstStep + cursor] = vec2f(loss, norm); }
  if (run.updates == 1u) { adamW(norm, run, step); }
  barrier();
}

// Many steps by one workgroup a model; weights and moments stay in workgroup memory from the first to the last.
@compute @workgroup_size(THREADS)
fn train(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let run = runs[group.x];
  begin(group.x, local, group.x, THREADS);
  loadMoments();
  let first = cursorOf(group.x);
  let end = min(run.steps, first + run.stride);
  for (var cursor = first; cursor < end; cursor++) {
    slotsForward(10u);
    clearSums();
    var sums = TwoBlocks();
    for (var example = 0u; example < run.batch; example += EXAMPLES) { sums = addTile(example, run, cursor, sums); }
    sumGroups(sums, OVER_QUERIES);
    barrier();
    takeStep(run, cursor);
  }
  storeState();
  if (thread == 0u) { cursors[group.x] = end; }
}

// Fills the tables of slots that the first step of \`addTiles\`, and \`decode\`, work with.
@compute @workgroup_size(THREADS)
fn prepare(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  begin(group.x, local, 0u, THREADS);
  workgroupBarrier();
  slotsForward(runs[group.x].radix);
}

// A step of a large batch, first part: a workgroup a tile, a row of workgroups a model. A run that has no step left repeats its last one, to no effect.
// There is no loop and no return: in a loop software adapters load what all invocations share once for each (measured).
@compute @workgroup_size(THREADS)
fn addTiles(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let run = runs[group.y];
  begin(group.y, local, group.y * groups.x + group.x, THREADS);
  let cursor = min(cursorOf(group.y), run.steps - 1u);
  clearSums();
  sumGroups(addTile(EXAMPLES * group.x, run, cursor, TwoBlocks()), OVER_QUERIES);
}

// Second part: a workgroup a model adds the other tiles' sums to those of the first, tile by tile, and takes the step. Leaves the tables of the next step behind.
@compute @workgroup_size(THREADS)
fn update(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let run = runs[group.x];
  begin(group.x, local, group.x * run.stride, THREADS); // here stride is the number of tiles
  let cursor = cursorOf(group.x);
  if (cursor >= run.steps) { return; }
  loadMoments();
  for (var i = thread; i < SUMS; i += THREADS) {
    var total = workspace[work + i];
    for (var tile = 1u; tile < run.stride; tile++) { total += workspace[work + i + WORKSPACE * tile]; }
    workspace[work + i] = total;
  }
  barrier();
  takeStep(run, cursor);
  slotsForward(10u);
  storeState();
  if (thread == 0u) { cursors[group.x] = cursor + 1u; }
}

// The token with the largest logit, the first of several.
fn likeliest(logits: Hidden) -> u32 {
  var all = logits;
  var best = 0u;
  for (var token = 1u; token < 14u; token++) {
    if (all[token >> 2u][token & 3u] > all[best >> 2u][best & 3u]) { best = token; }
  }
  return best;
}

// Into the sequence, where nobody reads the last one, and into the workspace.
fn writeToken(at: u32, problem: u32, query: u32, token: u32) {
  setToken(at, PROMPT_DIGITS + query, token);
  workspace[3u * problem + (query >> 2u)][query & 3u] = f32(token);
}

// Twelve tokens of each problem, 3 vec4f, to the workspace, or their logits, 12 x 4 vec4f; an invocation two problems. Must equal \`decodeGreedily\` and
// \`teacherForcedLogits\` of src/engine/reference.
@compute @workgroup_size(DECODERS)
fn decode(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let run = runs[0];
  begin(0u, local, 0u, DECODERS);
  workgroupBarrier();
  let last = run.batch - 1u;
  let problem0 = 2u * (DECODERS * group.x + thread);
  if (problem0 > last) { return; }
  let problem1 = min(problem0 + 1u, last); // the last one is done twice where their number is odd
  let taught = run.taught == 1u;
  let at0 = 8u * thread;
  let at1 = at0 + 4u;
  ${each("01", (i) => `clearTokens(at${i});`)}
  ${each("01", (i) => `readOperands(at${i}, problems[problem${i}]);`)}
  if (taught) { ${each("01", (i) => `writeSum(at${i});`)} }
  for (var query = 0u; query < QUERIES; query++) {
    ${each("01", (i) => `let query${i} = queryAt(querySlot(at${i}, query, 14u), 14u);`)}
    ${
  each("01", (i) => `let output${i} = attend(pair(query${i}.q, Row()), at${i}, PROMPT_DIGITS + query, 14u).of0.output;`)
}
    let found = postAttention(pair(query0.x, query1.x), pair(output0, output1)).logits;
    if (taught) { ${each("01", (i) => `storeHidden(4u * (QUERIES * problem${i} + query), hidden${i}(found));`)} }
    else { ${each("01", (i) => `writeToken(at${i}, problem${i}, query, likeliest(hidden${i}(found)));`)} }
  }
}
`;
