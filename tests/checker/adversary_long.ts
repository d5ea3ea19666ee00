/**
 * Asks the checker about hostile weights: `deno task test:adversary [count] [first]`. For each it is asked about parts of the inputs, with claims
 * above what the modules compute; for one of fifty a whole certificate is made from its own answers.
 */
import { hostileWeights } from "./models.ts";
import { attack, attackWhole } from "./soundness.ts";

const [count, first] = [Number(Deno.args[0] ?? 10_000), Number(Deno.args[1] ?? 0)];
const WHOLE = 50;
const total = { weights: 0, refused: 0, margins: 0, proved: 0, unsound: 0, whole: {} as Record<string, number> };
for (let i = first; i < first + count; i++) {
  const weights = hostileWeights(i);
  const { isRefused, margins, proved, unsound } = attack(weights, 1, i, 0.25);
  for (const line of unsound) console.log(line);
  total.weights++;
  total.refused += Number(isRefused);
  total.margins += margins;
  total.proved += proved;
  total.unsound += unsound.length;
  // 50 and the number of kinds of weights have a factor in common
  if (i % WHOLE === Math.floor(i / WHOLE) % WHOLE) {
    const outcome = await attackWhole(weights, i);
    if (outcome === "unsound" || outcome === "not accepted") console.log(`${outcome}: ${weights.name}`);
    total.whole[outcome] = (total.whole[outcome] ?? 0) + 1;
    total.unsound += Number(outcome === "unsound");
  }
  if (total.weights % 500 === 0) console.log(JSON.stringify(total));
}
console.log(JSON.stringify(total));
Deno.exitCode = total.unsound > 0 ? 1 : 0;
