import { each } from "./vectors.ts";

export type EntryPoint =
  | ("train" | "prepare" | "addTiles" | "sumTiles" | "update")
  | ("logits" | "prepareDecoding" | "decode");

/** Fills the tables of slots that the first step of `addTiles`, and answers, work with. */
const prepare = (name: string, radix: number) => /* wgsl */ `
@compute @workgroup_size(THREADS)
fn ${name}(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  begin(runs[group.x], group.x, local, 0u, THREADS);
  workgroupBarrier();
  slotsForward(${radix}u);
}`;

/** The entry points. Every workgroup works for one run, and all but those of `decode` have 192 invocations. Needs all other parts. */
export const ENTRIES = /* wgsl */ `
fn begin(run: Run, index: u32, local: u32, workspaceIndex: u32, threads: u32) {
  thread = local;
  work = WORKSPACE * workspaceIndex;
  table = TABLE * index;
  let at = 4u * VECTORS * run.model;
  gradient = at + 3u * VECTORS;
  for (var i = thread; i < VECTORS; i += threads) { weights[i] = states[at + i]; }
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

// The next step of a run, the same number for all invocations.
fn cursorOf(index: u32) -> u32 {
  if (thread == 0u) { control = cursors[index]; }
  return workgroupUniformLoad(&control);
}

// Takes the step whose gradient is summed.
fn takeStep(run: Run, cursor: u32) {
  let step = schedule[run.firstStep + cursor];
  let loss = finishGradient(step.batch);
  let norm = gradientNorm();
  if (thread == 0u) { reports[run.firstStep + cursor] = vec2f(loss, norm); }
  if (step.updates == 1u) { adamW(norm, step); }
  barrier();
}

// Many steps by one workgroup a model; weights and moments stay in workgroup memory from the first to the last.
@compute @workgroup_size(THREADS)
fn train(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let run = runs[group.x];
  begin(run, group.x, local, group.x, THREADS);
  loadMoments(run);
  let first = cursorOf(group.x);
  let end = min(run.steps, first + run.stride);
  for (var cursor = first; cursor < end; cursor++) {
    slotsForward(10u);
    clearSums();
    let step = schedule[run.firstStep + cursor];
    var sums = TwoBlocks();
    for (var example = 0u; example < step.batch; example += EXAMPLES) { sums = addTile(example, run, step, sums); }
    sumGroups(sums);
    barrier();
    takeStep(run, cursor);
  }
  storeState(run);
  if (thread == 0u) { cursors[group.x] = end; }
}

${prepare("prepare", 10)}

// A step of a large batch, first part: a workgroup a tile, a row of workgroups a model. A run that has no step left repeats its last one, to no effect.
// There is no loop and no return: in a loop software adapters load what all invocations share once for each (measured).
@compute @workgroup_size(THREADS)
fn addTiles(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let run = runs[group.y];
  begin(run, group.y, local, group.y * groups.x + group.x, THREADS);
  let step = schedule[run.firstStep + min(cursorOf(group.y), run.steps - 1u)];
  clearSums();
  sumGroups(addTile(EXAMPLES * group.x, run, step, TwoBlocks()));
}

// Second part: adds the other tiles' sums to those of the first, tile by tile.
@compute @workgroup_size(THREADS)
fn sumTiles(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let run = runs[group.y];
  let i = THREADS * group.x + local;
  if (i >= SUMS) { return; }
  let at = WORKSPACE * run.stride * group.y + i;
  var total = workspace[at];
  for (var tile = 1u; tile < run.stride; tile++) { total += workspace[at + WORKSPACE * tile]; }
  workspace[at] = total;
}

// Third part: a workgroup a model. Leaves the tables of the next step behind.
@compute @workgroup_size(THREADS)
fn update(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let run = runs[group.x];
  begin(run, group.x, local, group.x * run.stride, THREADS); // here stride is the number of tiles
  let cursor = cursorOf(group.x);
  if (cursor >= run.steps) { return; }
  loadMoments(run);
  workgroupBarrier();
  takeStep(run, cursor);
  slotsForward(10u);
  storeState(run);
  if (thread == 0u) { cursors[group.x] = cursor + 1u; }
}

// Logits (examples, 12, 4 vec4f) of given problems, the right sum in the sequence; to the workspace. A workgroup a tile.
@compute @workgroup_size(THREADS)
fn logits(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let run = runs[0];
  begin(run, 0u, local, 0u, THREADS);
  let step = schedule[run.firstStep];
  layOutTile(EXAMPLES * group.x, run, step);
  workgroupBarrier();
  let at = 4u * (thread % EXAMPLES);
  let query = 2u * (thread / EXAMPLES);
  ${each("01", (i) => `let query${i} = queryAt(querySlot(at, query + ${i}u, 10u), 10u);`)}
  let attended = attend(pair(query0.q, query1.q), at, PROMPT_DIGITS + query, 10u);
  let found = postAttention(pair(query0.x, query1.x), pair(attended.of0.output, attended.of1.output)).logits;
  let example = EXAMPLES * group.x + thread % EXAMPLES;
  if (example < step.batch) {
    let to = 4u * (QUERIES * example + query);
    ${each("01", (i) => `storeHidden(to + 4u * ${i}u, hidden${i}(found));`)}
  }
}

${prepare("prepareDecoding", 14)}
// The token with the largest logit, the first of several.
fn likeliest(logits: Hidden) -> f32 {
  var all = array<vec4f, 4>(logits.a, logits.b, logits.c, logits.d);
  var best = 0u;
  for (var token = 1u; token < 14u; token++) {
    if (all[token >> 2u][token & 3u] > all[best >> 2u][best & 3u]) { best = token; }
  }
  return f32(best);
}

// Twelve tokens of each problem, 3 vec4f, to the workspace; an invocation two problems. Must equal \`decodeGreedily\` of src/engine/reference.
@compute @workgroup_size(DECODERS)
fn decode(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let run = runs[0];
  begin(run, 0u, local, 0u, DECODERS);
  workgroupBarrier();
  let last = schedule[run.firstStep].batch - 1u;
  let problem0 = 2u * (DECODERS * group.x + thread);
  if (problem0 > last) { return; }
  let problem1 = min(problem0 + 1u, last); // the last one is done twice where their number is odd
  let at0 = 8u * thread;
  let at1 = at0 + 4u;
  ${each("01", (i) => `clearTokens(at${i});`)}
  ${each("01", (i) => `readOperands(at${i}, problems[problem${i}]);`)}
  for (var block = 0u; block < 3u; block++) {
    ${each("01", (i) => `var written${i} = vec4f();`)}
    for (var i = 0u; i < 4u; i++) {
      let query = 4u * block + i;
      ${each("01", (i) => `let query${i} = queryAt(querySlot(at${i}, query, 14u), 14u);`)}
      ${each("01", (i) => `let output${i} = attendAlone(query${i}.q, at${i}, PROMPT_DIGITS + query, 14u).output;`)}
      let found = postAttention(pair(query0.x, query1.x), pair(output0, output1)).logits;
      ${each("01", (i) => `written${i}[i] = likeliest(hidden${i}(found));`)}
      if (query < 11u) { ${each("01", (i) => `setToken(at${i}, PROMPT_DIGITS + query, u32(written${i}[i]));`)} }
    }
    ${each("01", (i) => `workspace[3u * problem${i} + block] = written${i};`)}
  }
}
`;
