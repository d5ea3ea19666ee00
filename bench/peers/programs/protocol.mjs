/** What the programs in JavaScript share: how they are timed, ours too, and the protocol of ../protocol.ts. */
import { readFileSync } from "node:fs";
import process from "node:process";

export const POSITIONS = 33, FIRST_QUERY = 21, QUERIES = 12;

/** -1e9 where query row i would look past position 21 + i: (12, 33). */
export const MASK = Float32Array.from(
  { length: QUERIES * POSITIONS },
  (_, i) => i % POSITIONS > FIRST_QUERY + Math.floor(i / POSITIONS) ? -1e9 : 0,
);

/**
 * Measures some work after a warm-up, in which V8 optimizes: ours, and that of the rivals in JavaScript.
 *
 * @param {() => Promise<number>} work Returns the number of examples it processed
 * @param {{ seconds: number, repeats: number, warmup?: number }} duration
 * @returns {Promise<{ wall: number, cpu: number }[]>} For each repeat examples per second: by elapsed time, and by the CPU time of all threads of the
 * process
 */
export async function measure(work, { seconds, repeats, warmup = 0.3 }) {
  const rates = [];
  for (const least of [warmup, ...new Array(repeats).fill(seconds)]) {
    const cpuBegin = process.cpuUsage();
    const begin = performance.now();
    let [examples, elapsed] = [0, 0];
    do {
      examples += await work();
      elapsed = (performance.now() - begin) / 1e3;
    } while (elapsed < least);
    const { user, system } = process.cpuUsage(cpuBegin);
    rates.push({ wall: examples / elapsed, cpu: 1e6 * examples / (user + system) });
  }
  return rates.slice(1);
}

/** `weights` have a shape and values each; `problems` have 34 tokens. */
export const readGolden = () => JSON.parse(readFileSync("golden.json"));

/**
 * `step` trains on (tokens, targets, learning rate, number of the step) and resolves to the loss; `decode` resolves to the twelve likeliest tokens of
 * each problem, with the weights that are given.
 */
export async function main([task, ...numbers], { step, decode }) {
  const golden = readGolden().problems;
  const [batch = golden.length, seconds, repeats] = numbers.map(Number);
  const problems = Array.from({ length: batch }, (_, i) => golden[i % golden.length]);
  const tokens = Int32Array.from(problems.flatMap((problem) => problem.slice(0, POSITIONS)));
  const targets = Int32Array.from(problems.flatMap((problem) => problem.slice(FIRST_QUERY + 1)));
  let result;
  if (task === "check") {
    const losses = [];
    for (let i = 1; i <= 10 && step; i++) losses.push(await step(tokens, targets, 0.02, i));
    result = { losses: step && losses, tokens: decode && Array.from(await decode(tokens)) };
  } else {
    let steps = 0;
    const work = task === "train" ? () => step(tokens, targets, 1e-3, ++steps) : () => decode(tokens);
    result = await measure(() => work().then(() => batch), { seconds, repeats });
  }
  console.log(JSON.stringify(result));
  process.exit(0);
}
