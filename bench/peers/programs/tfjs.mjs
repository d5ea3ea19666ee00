/**
 * The training step in TensorFlow.js on its WASM backend: embeddings as one-hot products, queries, feed-forward and logits for the twelve rows
 * that the loss reads, an optimizer of few operations.
 *
 *   node tfjs.mjs check|train …
 */
import { createRequire } from "node:module";
import process from "node:process";
import { FIRST_QUERY, main, MASK, POSITIONS, QUERIES, readGolden } from "./protocol.mjs";

const require = createRequire(import.meta.url);
const tf = require("@tensorflow/tfjs");
require("@tensorflow/tfjs-backend-wasm");
await tf.setBackend("wasm");

const linear = (x, weight) => tf.matMul(x, weight, false, true);

function layerNorm(x, weight, bias) {
  const centred = x.sub(x.mean(-1, true));
  return centred.div(centred.square().mean(-1, true).add(1e-5).sqrt()).mul(weight).add(bias);
}

/** x (1 + erf(x / sqrt 2)) / 2, with the derivative that it has: the library's own form is many operations */
const gelu = tf.customGrad((x, save) => {
  const phi = x.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
  save([x, phi]);
  const gradFunc = (dy, [x, phi]) => dy.mul(phi.add(x.square().mul(-0.5).exp().mul(x).mul(1 / Math.sqrt(2 * Math.PI))));
  return { value: x.mul(phi), gradFunc };
});

const mask = tf.tensor(MASK, [1, QUERIES, POSITIONS]);

function lossOf([tok, pos, n1, b1, qkv, proj, n2, b2, w1, w2], tokens, targets) {
  const batch = tokens.shape[0] / POSITIONS;
  const x = tf.matMul(tokens, tok).reshape([batch, POSITIONS, 7]).add(pos.slice([0, 0], [POSITIONS, 7]));
  const y = layerNorm(x, n1, b1);
  const rowsOf = (x) => x.slice([0, FIRST_QUERY, 0], [batch, QUERIES, 7]).reshape([batch * QUERIES, 7]);
  const [wq, wk, wv] = tf.split(qkv, 3);
  const keysOf = (w) => linear(y.reshape([batch * POSITIONS, 7]), w).reshape([batch, POSITIONS, 7]);
  const q = linear(rowsOf(y), wq.mul(7 ** -0.5)).reshape([batch, QUERIES, 7]);
  const shares = tf.matMul(q, keysOf(wk), false, true).add(mask).softmax(-1);
  let h = rowsOf(x).add(linear(tf.matMul(shares, keysOf(wv)).reshape([batch * QUERIES, 7]), proj));
  h = h.add(linear(gelu(linear(layerNorm(h, n2, b2), w1)), w2));
  return tf.losses.softmaxCrossEntropy(targets, linear(h, tok));
}

const variables = readGolden().weights.map(({ shape, values }) => tf.variable(tf.tensor(values, shape)));
const sizes = variables.map(({ size }) => size);
// one vector for each moment: few operations instead of ten times as many
const m = tf.variable(tf.zeros([763])), v = tf.variable(tf.zeros([763]));
const oneHot = (ids) => tf.oneHot(tf.tensor1d(ids, "int32"), 14).toFloat();

async function step(tokens, targets, rate, count) {
  const loss = tf.tidy(() => {
    const [tokensHot, targetsHot] = [oneHot(tokens), oneHot(targets)];
    const { value, grads } = tf.variableGrads(() => lossOf(variables, tokensHot, targetsHot), variables);
    const flat = tf.concat(variables.map(({ name }) => grads[name].flatten()));
    const g = flat.mul(tf.minimum(1, tf.div(1, flat.norm().add(1e-6))));
    m.assign(m.mul(0.9).add(g.mul(0.1)));
    v.assign(v.mul(0.999).add(g.square().mul(0.001)));
    const update = m.div(1 - 0.9 ** count).div(v.div(1 - 0.999 ** count).sqrt().add(1e-8));
    for (const [i, part] of tf.split(update, sizes).entries()) {
      variables[i].assign(variables[i].mul(1 - 0.1 * rate).sub(part.reshape(variables[i].shape).mul(rate)));
    }
    return value;
  });
  const [value] = await loss.data();
  loss.dispose();
  return value;
}

await main(process.argv.slice(2), { step });
