/**
 * How rare failures are that no sample would meet: subset simulation, Au and Beck 2001, Probabilistic Engineering Mechanics 16, 263-277.
 *
 * The share of pairs with a margin of at most 0 is the product of the shares that each of a chain of falling margins keeps of the pairs below the one
 * before; the pairs below a margin are drawn by a random walk that changes one digit at a time and refuses to rise above it.
 */
import { createEngine, type Engine } from "../../src/engine/mod.ts";
import { targetTokens } from "../../src/model/vocabulary.ts";
import type { ModelName } from "../../src/model/variant.ts";
import { randomNumbers } from "./models.ts";

const WALKERS = 4096;
/** What a level keeps. */
const KEPT = 0.1;
/** Changes that a walker tries at each level. */
const TRIES = 20;
const LEVELS = 30;

/** The least margin of each pair over the twelve tokens of its answer. */
async function margins(engine: Engine, operands: Float64Array): Promise<Float64Array> {
  const logits = await engine.logits(operands);
  return Float64Array.from({ length: operands.length / 2 }, (_, i) => {
    const wanted = targetTokens(operands[2 * i], operands[2 * i + 1]);
    let least = Infinity;
    for (let k = 0; k < 12; k++) {
      const row = (12 * i + k) * 14;
      for (let t = 0; t < 14; t++) {
        if (t !== wanted[k]) least = Math.min(least, logits[row + wanted[k]] - logits[row + t]);
      }
    }
    return least;
  });
}

/** The share of all pairs that a model adds wrongly, estimated; 0 where the walk meets none. */
export async function failureShare(
  { model, parameters }: { model: ModelName; parameters: Float32Array },
): Promise<number> {
  const engine = await createEngine({ model });
  try {
    engine.setParameters(parameters);
    const random = randomNumbers(1);
    let operands = engine.sample({ seed: 1, stream: "evaluation", count: WALKERS });
    let margin = await margins(engine, operands);
    let share = 1;
    for (let level = 0; level < LEVELS; level++) {
      const order = Array.from(margin.keys()).sort((a, b) => margin[a] - margin[b]);
      const failing = margin.filter((m) => m <= 0).length / WALKERS;
      if (failing >= KEPT) return share * failing;
      const kept = order.slice(0, Math.ceil(KEPT * WALKERS));
      const limit = margin[kept.at(-1)!];
      share *= KEPT;
      operands = Float64Array.from(
        { length: 2 * WALKERS },
        (_, i) => operands[2 * kept[(i >> 1) % kept.length] + i % 2],
      );
      margin = Float64Array.from({ length: WALKERS }, (_, i) => margin[kept[i % kept.length]]);
      for (let step = 0; step < TRIES; step++) {
        const tried = operands.slice();
        for (let i = 0; i < WALKERS; i++) {
          const at = 2 * i + (random() < 0.5 ? 0 : 1);
          const place = 10 ** Math.floor(10 * random());
          const digit = Math.floor(tried[at] / place) % 10;
          tried[at] += (Math.floor(10 * random()) - digit) * place;
        }
        const found = await margins(engine, tried);
        for (let i = 0; i < WALKERS; i++) {
          if (found[i] > limit) continue;
          margin[i] = found[i];
          operands[2 * i] = tried[2 * i];
          operands[2 * i + 1] = tried[2 * i + 1];
        }
      }
    }
    return 0;
  } finally {
    await engine.dispose();
  }
}
