/**
 * WGSL: the entry points. Every workgroup works for one run, and all of them have 192 invocations.
 *
 * @module
 */

/** The names of the entry points. */
export const ENTRY_POINTS = [
  "train",
  "prepare",
  "accumulateSlices",
  "update",
  "logits",
  "prepareDecoding",
  "decode",
] as const;

/** The name of an entry point. */
export type EntryPoint = (typeof ENTRY_POINTS)[number];

/** Needs all other parts. */
export const ENTRIES = /* wgsl */ `
fn begin(run: Run, index: u32, local: u32, workspaceIndex: u32) {
  thread = local;
  work = WORKSPACE * workspaceIndex;
  table = TABLE * index;
  gradient = VECTORS * (4u * run.model + 3u);
}

fn loadWeights(run: Run) {
  let at = 4u * VECTORS * run.model;
  for (var i = thread; i < VECTORS; i += THREADS) { weights[i] = states[at + i]; }
}

fn loadMoments(run: Run) {
  let at = 4u * VECTORS * run.model + VECTORS;
  for (var i = thread; i < VECTORS; i += THREADS) {
    firstMoment[i] = states[at + i];
    secondMoment[i] = states[at + VECTORS + i];
  }
}

fn storeState(run: Run) {
  let at = 4u * VECTORS * run.model;
  for (var i = thread; i < VECTORS; i += THREADS) {
    states[at + i] = weights[i];
    states[at + VECTORS + i] = firstMoment[i];
    states[at + 2u * VECTORS + i] = secondMoment[i];
  }
}

// The step that a run stands at, the same number for all invocations.
fn cursorOf(index: u32) -> u32 {
  if (thread == 0u) { control = cursors[index]; }
  return workgroupUniformLoad(&control);
}

fn tileCount(batch: u32) -> u32 { return (batch + EXAMPLES - 1u) / EXAMPLES; }
// Into how many slices a batch is cut depends on the batch alone, and so do the bytes that come out.
fn sliceCount(batch: u32) -> u32 { return min(MAX_SLICES, tileCount(batch)); }

// Takes the step whose gradient is summed.
fn takeStep(run: Run, cursor: u32, slices: u32) {
  let step = schedule[run.firstStep + cursor];
  let loss = finishGradient(slices, step.batch);
  let norm = gradientNorm();
  if (thread == 0u) { reports[run.firstStep + cursor] = vec2f(loss, norm); }
  if (step.updates == 1u) {
    adamW(norm, step);
    workgroupBarrier();
    slotsForward(10u);
  }
  barrier();
}

// Many steps by one workgroup a model; weights and moments stay in workgroup memory from the first to the last.
@compute @workgroup_size(THREADS)
fn train(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let run = runs[group.x];
  begin(run, group.x, local, group.x);
  loadWeights(run);
  loadMoments(run);
  let first = cursorOf(group.x);
  slotsForward(10u);
  barrier();
  let end = min(run.steps, first + run.stride);
  for (var cursor = first; cursor < end; cursor++) {
    let step = schedule[run.firstStep + cursor];
    accumulate(0u, tileCount(step.batch), run, step);
    barrier();
    takeStep(run, cursor, 1u);
  }
  storeState(run);
  if (thread == 0u) { cursors[group.x] = end; }
}

// The tables that the first step of \`accumulateSlices\`, and \`logits\`, work with.
@compute @workgroup_size(THREADS)
fn prepare(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let run = runs[group.x];
  begin(run, group.x, local, 0u);
  loadWeights(run);
  workgroupBarrier();
  slotsForward(10u);
}

// The first half of a step of a large batch: a workgroup a slice, a row of workgroups a model.
@compute @workgroup_size(THREADS)
fn accumulateSlices(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let run = runs[group.y];
  begin(run, group.y, local, group.y * groups.x + group.x);
  let cursor = cursorOf(group.y);
  if (cursor >= run.steps) { return; }
  let step = schedule[run.firstStep + cursor];
  let slices = sliceCount(step.batch);
  if (group.x >= slices) { return; }
  loadWeights(run);
  workgroupBarrier();
  let tiles = tileCount(step.batch);
  accumulate(tiles * group.x / slices, tiles * (group.x + 1u) / slices, run, step);
}

// Its second half: a workgroup a model. Leaves the tables of the next step behind.
@compute @workgroup_size(THREADS)
fn update(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let run = runs[group.x];
  begin(run, group.x, local, group.x * run.stride); // here the workspaces that a model has
  let cursor = cursorOf(group.x);
  if (cursor >= run.steps) { return; }
  loadWeights(run);
  loadMoments(run);
  workgroupBarrier();
  takeStep(run, cursor, sliceCount(schedule[run.firstStep + cursor].batch));
  storeState(run);
  if (thread == 0u) { cursors[group.x] = cursor + 1u; }
}

// Logits (examples, 12, 4 vec4f) of given problems, the right sum in the sequence; to the workspace. A workgroup a tile.
@compute @workgroup_size(THREADS)
fn logits(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let run = runs[0];
  begin(run, 0u, local, 0u);
  loadWeights(run);
  let step = schedule[run.firstStep];
  layOutTile(EXAMPLES * group.x, run, step);
  workgroupBarrier();
  let at = 4u * (thread / QUERIES);
  let query = thread % QUERIES;
  let asked = queryAt(askedSlot(at, query, 10u), 10u);
  let state = above(asked.x, attend(asked.q, at, WRITTEN + query, 10u).output);
  if (EXAMPLES * group.x + thread / QUERIES < step.batch) { storeHidden(4u * (THREADS * group.x + thread), state.logits); }
}

@compute @workgroup_size(THREADS)
fn prepareDecoding(@builtin(local_invocation_index) local: u32) {
  let run = runs[0];
  begin(run, 0u, local, 0u);
  loadWeights(run);
  workgroupBarrier();
  slotsForward(14u);
}

// The first of the largest of four numbers, if one is larger than the best so far: (logit, token).
fn better(best: vec2f, logits: vec4f, first: f32) -> vec2f {
  var found = best;
  if (logits.x > found.x) { found = vec2f(logits.x, first); }
  if (logits.y > found.x) { found = vec2f(logits.y, first + 1.0); }
  if (logits.z > found.x) { found = vec2f(logits.z, first + 2.0); }
  if (logits.w > found.x) { found = vec2f(logits.w, first + 3.0); }
  return found;
}

// Twelve tokens of each problem, 3 vec4f, to the workspace: each the likeliest after the prompt and the tokens written before it. An invocation a
// problem. Must equal \`decodeGreedily\` of src/engine/reference.
@compute @workgroup_size(THREADS)
fn decode(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let run = runs[0];
  begin(run, 0u, local, 0u);
  loadWeights(run);
  workgroupBarrier();
  let count = schedule[run.firstStep].batch;
  let problem = THREADS * group.x + thread;
  if (problem >= count) { return; }
  let at = 4u * thread;
  clearTokens(at);
  readOperands(at, problems[problem]);
  for (var block = 0u; block < 3u; block++) {
    var written = vec4f();
    for (var i = 0u; i < 4u; i++) {
      let query = 4u * block + i;
      let asked = queryAt(askedSlot(at, query, 14u), 14u);
      let found = above(asked.x, attend(asked.q, at, WRITTEN + query, 14u).output).logits;
      var best = better(vec2f(-3e38, 0.0), found.a, 0.0);
      best = better(best, found.b, 4.0);
      best = better(best, found.c, 8.0);
      best = better(best, vec4f(found.d.xy, -3.1e38, -3.1e38), 12.0);
      written[i] = best.y;
      if (query < 11u) { setToken(at, WRITTEN + query, u32(best.y)); }
    }
    workspace[3u * problem + block] = written;
  }
}
`;
