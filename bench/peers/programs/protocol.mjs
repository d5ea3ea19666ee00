/** What the rivals in JavaScript share: the protocol of ../rivals.ts. */
import { readFileSync } from "node:fs";
import process from "node:process";

export const POSITIONS = 33, FIRST_QUERY = 21, QUERIES = 12, EOS = 13;
export const SHAPES = {
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

/** -1e9 where query row i would look past position 21 + i: (12, 33). */
export const MASK = Float32Array.from(
  { length: QUERIES * POSITIONS },
  (_, i) => i % POSITIONS > FIRST_QUERY + Math.floor(i / POSITIONS) ? -1e9 : 0,
);

function initial() {
  // a sine is random enough for a speed that does not depend on the weights
  return Object.entries(SHAPES).flatMap(([name, [rows, columns = 1]]) =>
    Array.from(
      { length: rows * columns },
      (_, i) =>
        name.includes(".ln")
          ? Number(name.endsWith("weight"))
          : (name.includes("emb") ? 0.02 : 0.4) * Math.sin(i * i + rows * columns),
    )
  );
}

/** Weights by name, each a flat array with its shape. */
function byName(weights) {
  let end = 0;
  return Object.fromEntries(
    Object.entries(SHAPES).map(([name, shape]) => {
      const size = shape.reduce((product, extent) => product * extent, 1);
      return [name, { shape, values: Float32Array.from(weights.slice(end, end += size)) }];
    }),
  );
}

const random = () => Math.floor(Math.random() * 10 ** (1 + Math.floor(10 * Math.random())));

/** Tokens (batch, 33) of random problems. */
export function draw(batch) {
  const tokens = new Int32Array(batch * POSITIONS);
  for (let row = 0; row < tokens.length; row += POSITIONS) {
    const a = random(), b = random();
    for (let k = 0, x = a, y = b; k < 10; k++, x = Math.floor(x / 10), y = Math.floor(y / 10)) {
      tokens[row + 9 - k] = x % 10;
      tokens[row + 20 - k] = y % 10;
    }
    for (let k = 0, sum = a + b; k < 11; k++, sum = Math.floor(sum / 10)) tokens[row + 22 + k] = sum % 10;
    tokens[row + 10] = 10;
    tokens[row + 21] = 11;
  }
  return tokens;
}

/** The next tokens at positions 21 to 32: (batch, 33) -> (batch, 12). */
export function targetsOf(tokens) {
  return Int32Array.from({ length: tokens.length / POSITIONS * QUERIES }, (_, i) => {
    const position = FIRST_QUERY + 1 + i % QUERIES;
    return position < POSITIONS ? tokens[Math.floor(i / QUERIES) * POSITIONS + position] : EOS;
  });
}

async function measure(work, batch, seconds, repeats) {
  const rates = { wall: [], cpu: [] };
  for (let i = 0; i < 4; i++) await work();
  for (let repeat = 0; repeat < repeats; repeat++) {
    const cpu = process.cpuUsage(), wall = performance.now();
    let examples = 0;
    do {
      await work();
      examples += batch;
    } while (performance.now() - wall < 1e3 * seconds);
    const { user, system } = process.cpuUsage(cpu);
    rates.wall.push(examples / (performance.now() - wall) * 1e3);
    rates.cpu.push(examples / (user + system) * 1e6);
  }
  return rates;
}

/**
 * `trainStep(weights)` gives a function of (tokens, targets, learning rate, number of the step) that resolves to the loss; `decoder()` one
 * of tokens that resolves to the twelve or eleven likeliest tokens of each problem.
 */
export async function main([task, ...args], { trainStep, decoder }) {
  if (task === "check") {
    const { buffer } = Uint8Array.from(readFileSync(args[0]));
    const tokens = new Int32Array(buffer, 4 * 763);
    const step = trainStep?.(byName(new Float32Array(buffer, 0, 763)));
    const losses = [];
    for (let i = 1; i <= 10 && step; i++) losses.push(await step(tokens, targetsOf(tokens), 0.02, i));
    const decode = await decoder?.();
    console.log(JSON.stringify(decode ? { tokens: Array.from(await decode(tokens)) } : { losses }));
  } else {
    const [batch, seconds, repeats] = args.map(Number);
    let work, steps = 0;
    if (task === "train") {
      const step = trainStep(byName(initial()));
      work = () => {
        const tokens = draw(batch);
        return step(tokens, targetsOf(tokens), 1e-3, ++steps);
      };
    } else {
      const decode = await decoder(), tokens = draw(batch);
      work = () => decode(tokens);
    }
    console.log(JSON.stringify(await measure(work, batch, seconds, repeats)));
  }
  process.exit(0);
}
