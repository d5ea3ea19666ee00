/**
 * Asks the checker about parts of the inputs of hostile weights, with claims above what the modules compute: `deno task test:adversary [count] [first]`.
 */
import { hostileWeights } from "./models.ts";
import { attack } from "./soundness.ts";

const [count, first] = [Number(Deno.args[0] ?? 10_000), Number(Deno.args[1] ?? 0)];
const total = { weights: 0, margins: 0, proved: 0, unsound: 0 };
for (let i = first; i < first + count; i++) {
  const { margins, proved, unsound } = attack(hostileWeights(i), 1, i, 0.25);
  for (const line of unsound) console.log(line);
  total.weights++;
  total.margins += margins;
  total.proved += proved;
  total.unsound += unsound.length;
  if (total.weights % 500 === 0) console.log(JSON.stringify(total));
}
console.log(JSON.stringify(total));
Deno.exitCode = total.unsound > 0 ? 1 : 0;
