/**
 * The training step in jax-js: embeddings as one-hot products (a gather has no fast gradient there), queries, feed-forward and logits for
 * the twelve rows that the loss reads, the whole step in one `jit`.
 *
 *   node jaxjs.mjs wasm|webgpu check|train …
 */
import process from "node:process";
import { FIRST_QUERY, main, MASK, POSITIONS, QUERIES, readGolden } from "./protocol.mjs";

// not written as a literal, so that tools which read this project do not ask it for the package
const PACKAGE = "@jax-js/jax";
const { defaultDevice, init, jit, nn, numpy: np, tree, valueAndGrad } = await import(PACKAGE);

const [device, ...args] = process.argv.slice(2);
await init(device);
defaultDevice(device);

// An array of jax-js is consumed by its use; `.ref` keeps it for another.

const linear = (x, weight) => np.matmul(x, np.transpose(weight));
const oneHot = (ids) => nn.oneHot(ids, 14).astype(np.float32);
const layerNorm = (x, weight, bias) => nn.standardize(x).mul(weight).add(bias);

/** tokens: int32 (batch, 33); targets: int32 (batch * 12) */
function lossOf([tok, pos, n1, b1, qkv, proj, n2, b2, w1, w2], tokens, targets) {
  const batch = tokens.shape[0];
  const queriesOf = (x) => x.slice([], [FIRST_QUERY, POSITIONS], []).reshape([batch * QUERIES, 7]);
  const x = np.matmul(oneHot(tokens.reshape([batch * POSITIONS])), tok.ref)
    .reshape([batch, POSITIONS, 7]).add(pos.slice([0, POSITIONS]));
  const y = layerNorm(x.ref, n1, b1);
  const q = linear(queriesOf(y.ref), qkv.ref.slice([0, 7])).reshape([batch, QUERIES, 7]);
  const kv = linear(y.reshape([batch * POSITIONS, 7]), qkv.slice([7, 21])).reshape([batch, POSITIONS, 14]);
  const k = kv.ref.slice([], [], [0, 7]), v = kv.slice([], [], [7, 14]);
  const scores = np.matmul(q, np.transpose(k, [0, 2, 1])).mul(7 ** -0.5);
  const shares = nn.softmax(scores.add(np.array(MASK).reshape([1, QUERIES, POSITIONS])), -1);
  let h = queriesOf(x).add(linear(np.matmul(shares, v).reshape([batch * QUERIES, 7]), proj));
  h = h.add(linear(nn.gelu(linear(layerNorm(h.ref, n2, b2), w1), { approximate: false }), w2));
  return np.mean(np.sum(nn.logSoftmax(linear(h, tok), -1).mul(oneHot(targets)), -1)).neg();
}

/** One step of clipping and AdamW; the corrections are 1 - beta^step. */
const jittedStep = jit((p, m, v, tokens, targets, rate, correction1, correction2) => {
  const [loss, gradient] = valueAndGrad(lossOf)(tree.ref(p), tokens, targets);
  const squares = gradient.map((part) => np.sum(np.square(part.ref)));
  const norm = np.sqrt(squares.reduce((sum, square) => sum.add(square)));
  const scale = np.minimum(np.array(1), np.array(1).div(norm.add(1e-6)));
  const [p2, m2, v2] = [[], [], []];
  for (const [i, part] of gradient.entries()) {
    const g = part.mul(scale.ref);
    m2[i] = m[i].mul(0.9).add(g.ref.mul(0.1));
    v2[i] = v[i].mul(0.999).add(np.square(g).mul(0.001));
    const step = m2[i].ref.div(correction1.ref).div(np.sqrt(v2[i].ref.div(correction2.ref)).add(1e-8));
    p2[i] = p[i].sub(rate.ref.mul(step.add(p[i].ref.mul(0.1))));
  }
  for (const array of [scale, rate, correction1, correction2]) array.dispose();
  return [p2, m2, v2, loss];
});

const { weights } = readGolden();
const zeros = () => weights.map(({ shape }) => np.zeros(shape));
let state = [weights.map(({ shape, values }) => np.array(values).reshape(shape)), zeros(), zeros()];
const scalar = (value) => np.array(value, { dtype: np.float32 });

async function step(tokens, targets, rate, count) {
  const [p, m, v, loss] = jittedStep(
    ...state,
    np.array(tokens, { dtype: np.int32 }).reshape([tokens.length / POSITIONS, POSITIONS]),
    np.array(targets, { dtype: np.int32 }),
    ...[rate, 1 - 0.9 ** count, 1 - 0.999 ** count].map(scalar),
  );
  state = [p, m, v];
  return await loss.jsAsync();
}

await main(args, { step });
