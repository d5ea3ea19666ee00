/** From the sums of a batch to the gradient of its mean loss, clipping and AdamW, by one workgroup. Needs GRADIENT. */
export const OPTIMIZER = /* wgsl */ `
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
  let normed = layerNorm(embed(slotOf(number, 10u)), LN1);
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
  let to = work + GROUP_SUMS + 7u * (SLOT_TASKS * group + task);
  storeBlock(to, total);
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
