/** How much of a core this process gets. */
import process from "node:process";

/** Milliseconds of the measurement. */
const MEASURED = 300;

/** The share of a core that a busy loop has, 0 … 1: 1 on a machine that has nothing else to do. */
export function coreShare(): number {
  const before = process.cpuUsage();
  const started = performance.now();
  while (performance.now() - started < MEASURED);
  const { user, system } = process.cpuUsage(before);
  return Math.min(1, (user + system) / 1000 / (performance.now() - started));
}
