/**
 * The training step in jax-js, in the most careful form we know: exactly our model, embeddings as one-hot products (a gather has no
 * fast gradient there), queries, attention, feed-forward and logits for the 12 rows that the loss reads and no others, the whole step
 * in one `jit`.
 *
 *   node jaxjs_careful.mjs train BATCH STEPS REPEATS [DEVICE]    prints { perCpuSecond, perSecond: steps per second of CPU time and of time, loss }
 *   node jaxjs_careful.mjs loss GOLDEN.json [DEVICE]             prints { loss } of the golden weights on the first golden batch
 *
 * DEVICE is wasm, or webgpu where the runtime has it (Deno).
 *
 * Runs in the workshop, where the pinned packages are installed.
 */
import { readFileSync } from "node:fs";
import process from "node:process";

// not written as a literal, so that tools which read this project do not ask it for the package
const PACKAGE = "@jax-js/jax";
const jax = await import(PACKAGE);
const { defaultDevice, init, jit, nn, numpy: np, tree, valueAndGrad } = jax;

const WIDTH = 7, TOKENS = 14, POSITIONS = 33, QUERIES = 12, FIRST_QUERY = 21, EOS = 13;
const SHAPES = {
  "tok_emb.weight": [14, 7],
  "pos_emb.weight": [35, 7],
  "blocks.0.ln1.weight": [7],
  "blocks.0.ln1.bias": [7],
  "blocks.0.attn.qkv.weight": [21, 7],
  "blocks.0.attn.proj.weight": [7, 7],
  "blocks.0.ln2.weight": [7],
  "blocks.0.ln2.bias": [7],
  "blocks.0.ffn.w1.weight": [14, 7],
  "blocks.0.ffn.w2.weight": [7, 14],
};

const [task, ...args] = process.argv.slice(2);
const device = (task === "loss" ? args[1] : args[3]) ?? "wasm";
await init(device);
defaultDevice(device);

const golden = task === "loss" ? JSON.parse(readFileSync(args[0], "utf8")) : undefined;

function initialTensor(name, shape) {
  const size = shape.reduce((product, extent) => product * extent, 1);
  let values = golden?.weights[name];
  if (values === undefined && name.includes(".ln")) values = new Array(size).fill(name.endsWith("weight") ? 1 : 0);
  // a sine is random enough for a speed that does not depend on the weights
  values ??= Array.from({ length: size }, (_, i) => (name.includes("emb") ? 0.02 : 0.4) * Math.sin(i * i + size));
  return np.array(Float32Array.from(values)).reshape(shape);
}

const entries = Object.entries(SHAPES);
const zeros = () => Object.fromEntries(entries.map(([name, shape]) => [name, np.zeros(shape)]));
let parameters = Object.fromEntries(entries.map(([name, shape]) => [name, initialTensor(name, shape)]));
let firstMoment = zeros();
let secondMoment = zeros();

/** -1e9 where query row i would look past position 21 + i. */
function mask() {
  const values = new Float32Array(QUERIES * POSITIONS);
  for (let i = 0; i < values.length; i++) {
    values[i] = i % POSITIONS > FIRST_QUERY + Math.floor(i / POSITIONS) ? -1e9 : 0;
  }
  return np.array(values).reshape([1, QUERIES, POSITIONS]);
}

// An array of jax-js is consumed by its use; `.ref` keeps it for another.

const linear = (x, weight) => np.matmul(x, np.transpose(weight));

function layerNorm(x, weight, bias) {
  const centred = x.ref.sub(np.mean(x, -1, { keepdims: true }));
  const variance = np.mean(np.square(centred.ref), -1, { keepdims: true });
  return centred.div(np.sqrt(variance.add(1e-5))).mul(weight).add(bias);
}

/** tokens: int32 (batch, 33); targets: int32 (batch * 12). */
function lossOf(p, tokens, targets) {
  const batch = tokens.shape[0];
  const oneHot = (ids) => nn.oneHot(ids, TOKENS).astype(np.float32);
  const queriesOf = (x) => x.slice([], [FIRST_QUERY, POSITIONS], []);
  const x = np.matmul(oneHot(tokens.reshape([batch * POSITIONS])), p["tok_emb.weight"].ref)
    .reshape([batch, POSITIONS, WIDTH]).add(p["pos_emb.weight"].slice([0, POSITIONS]));
  const normed = layerNorm(x.ref, p["blocks.0.ln1.weight"], p["blocks.0.ln1.bias"]);
  const qkv = p["blocks.0.attn.qkv.weight"];
  const q = linear(queriesOf(normed.ref).reshape([batch * QUERIES, WIDTH]), qkv.ref.slice([0, 7])).reshape([
    batch,
    QUERIES,
    WIDTH,
  ]);
  const kv = linear(normed.reshape([batch * POSITIONS, WIDTH]), qkv.slice([7, 21])).reshape([
    batch,
    POSITIONS,
    2 * WIDTH,
  ]);
  const k = kv.ref.slice([], [], [0, 7]), v = kv.slice([], [], [7, 14]);
  const weights = nn.softmax(np.matmul(q, np.transpose(k, [0, 2, 1])).mul(1 / Math.sqrt(WIDTH)).add(mask()), -1);
  const attention = linear(np.matmul(weights, v).reshape([batch * QUERIES, WIDTH]), p["blocks.0.attn.proj.weight"]);
  let h = queriesOf(x).reshape([batch * QUERIES, WIDTH]).add(attention);
  const hidden = linear(
    layerNorm(h.ref, p["blocks.0.ln2.weight"], p["blocks.0.ln2.bias"]),
    p["blocks.0.ffn.w1.weight"],
  );
  h = h.add(linear(nn.gelu(hidden, { approximate: false }), p["blocks.0.ffn.w2.weight"]));
  const logits = linear(h, p["tok_emb.weight"]);
  return np.mean(np.sum(nn.logSoftmax(logits, -1).mul(oneHot(targets)), -1)).neg();
}

const lossAndGradient = valueAndGrad(lossOf);

/** One step of clipping and AdamW; `rate` is the learning rate, the corrections are 1 - beta^step. */
const trainStep = jit((p, m, v, tokens, targets, rate, correction1, correction2) => {
  const [loss, gradient] = lossAndGradient(tree.ref(p), tokens, targets);
  const squares = entries.map(([name]) => np.sum(np.square(gradient[name].ref)));
  const norm = np.sqrt(squares.reduce((sum, square) => sum.add(square)));
  const scale = np.minimum(np.array(1), np.array(1).div(norm.add(1e-6)));
  const [p2, m2, v2] = [{}, {}, {}];
  for (const [name] of entries) {
    const g = gradient[name].mul(scale.ref);
    m2[name] = m[name].mul(0.9).add(g.ref.mul(0.1));
    v2[name] = v[name].mul(0.999).add(np.square(g).mul(0.001));
    const step = m2[name].ref.div(correction1.ref).div(np.sqrt(v2[name].ref.div(correction2.ref)).add(1e-8));
    p2[name] = p[name].sub(rate.ref.mul(step.add(p[name].ref.mul(0.1))));
  }
  for (const array of [scale, rate, correction1, correction2]) array.dispose();
  return [p2, m2, v2, loss];
});

/** Writes the digits of one example: tokens into (batch, 33), targets into (batch, 12). */
function writeExample(tokens, targets, i, a, b) {
  const row = i * POSITIONS;
  for (let k = 0, x = a, y = b; k < 10; k++, x = Math.floor(x / 10), y = Math.floor(y / 10)) {
    tokens[row + 9 - k] = x % 10;
    tokens[row + 20 - k] = y % 10;
  }
  for (let k = 0, sum = a + b; k < 11; k++, sum = Math.floor(sum / 10)) {
    tokens[row + 22 + k] = targets[i * QUERIES + k] = sum % 10;
  }
  tokens[row + 10] = 10;
  tokens[row + 21] = 11;
  targets[i * QUERIES + 11] = EOS;
}

function toArrays(operands) {
  const tokens = new Int32Array(operands.length * POSITIONS), targets = new Int32Array(operands.length * QUERIES);
  for (const [i, [a, b]] of operands.entries()) writeExample(tokens, targets, i, Number(a), Number(b));
  return [
    np.array(tokens, { dtype: np.int32 }).reshape([operands.length, POSITIONS]),
    np.array(targets, { dtype: np.int32 }),
  ];
}

if (task === "loss") {
  const loss = jit((p, tokens, targets) => lossOf(p, tokens, targets))(
    parameters,
    ...toArrays(golden.batches[0].operands),
  );
  console.log(JSON.stringify({ loss: await loss.jsAsync() }));
} else {
  const [batch, steps, repeats] = args.map(Number);
  let step = 0;
  const scalar = (value) => np.array(value, { dtype: np.float32 });
  const random = () => Math.floor(Math.random() * 10 ** (1 + Math.floor(10 * Math.random())));
  const train = () => {
    step++;
    const [tokens, targets] = toArrays(Array.from({ length: batch }, () => [random(), random()]));
    const result = trainStep(
      ...[parameters, firstMoment, secondMoment, tokens, targets],
      ...[scalar(1e-3), scalar(1 - 0.9 ** step), scalar(1 - 0.999 ** step)],
    );
    [parameters, firstMoment, secondMoment] = result;
    return result[3];
  };
  let loss;
  for (let i = 0; i < 4; i++) loss = await train().jsAsync(); // compiles
  const rates = [], wallRates = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const begin = process.cpuUsage(), wallBegin = performance.now();
    for (let i = 1; i < steps; i++) train().dispose();
    loss = await train().jsAsync();
    const { user, system } = process.cpuUsage(begin);
    rates.push(steps / (user + system) * 1e6);
    wallRates.push(steps / (performance.now() - wallBegin) * 1e3);
  }
  const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
  console.log(JSON.stringify({ perCpuSecond: median(rates), perSecond: median(wallRates), loss }));
}
process.exit(0);
