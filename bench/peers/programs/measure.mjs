import process from "node:process";

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
