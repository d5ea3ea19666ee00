/**
 * The proof of all steps. Of each the worst input is looked for first, which says how large a margin can be hoped for; then every group is proved
 * to have nearly that.
 */
import { askingTokens, QUERIES } from "../model/vocabulary.ts";
import type { CounterexampleSearch } from "./counterexample_search.ts";
import { describePart } from "./groups.ts";
import type { Found } from "./prover.ts";
import type { CertificateStep, Input, OpenRegion, StepResult } from "./types.ts";
import type { WorkerPool } from "./worker_pool.ts";

/** The least margin that is claimed, in logits: bounds hold for float32 as it is rounded, so any above 0 would do. */
const NEEDED = 0.001;
/** So many groups, those with the least estimates, are searched for the worst input. */
const SEARCHED = 64;
/**
 * The margins that are tried one after the other, as shares of the worst input's, with so many cuts a group for each: a proof of nearly the worst
 * margin takes far more cuts than one of any margin. The first share comes twice, since the first proofs may meet a worse input.
 */
const AIMS = [[0.87, 300], [0.87, 300], [0.6, 1000], [0.3, 3000], [0.1, 10_000], [0, Infinity]] as const;
/** The same where the least margin of all steps is enough. Most cuts are those of one group, and hardly fewer for a smaller margin. */
const EVEN_AIMS = [[0.87, 300], [0.5, 5000], [0.1, Infinity]] as const;
/** After this round of them a local search looks for worse inputs, which the walk along gradients has missed. */
const LOCAL_SEARCH_AFTER = 1;
/** Hardening searches from one of so many starts: it does so in each round. */
const HARDENING_STARTS = 8;
/** The groups of a token are one task; each is a task by itself where it may take more cuts than that. */
const LARGE_TASK = 300;
/** So many of the inputs with the smallest margins are reported. */
const MOST_NARROW = 16;

/** The result of a step. `narrow`: the inputs with the smallest margins met, the smallest first. */
type StepOutcome =
  & { narrow: Found[] }
  & (
    | { proved: true; result: StepResult; certificate: CertificateStep }
    | { proved: false; counterexample: Input }
    | { proved: false; open: OpenRegion }
  );

/** A group by its token and number. */
type OpenGroup = { readonly token: number; readonly group: number };

/** Options of {@linkcode proveAllSteps}. */
export interface ProveOptions {
  pool: WorkerPool;
  search: CounterexampleSearch;
  /** Gives up on a group after so many cuts. */
  mostCuts: number;
  /** Milliseconds of Date.now() after which it gives up. */
  until: number;
  /** Whether to go on with the other steps where one is found to be wrong. */
  exhaustive: boolean;
  /**
   * For hardening: nothing is proved where a smaller margin than this was met, no step is proved to have a larger one than the least that was met
   * at any, and the first step that cannot be proved is the last that counts.
   */
  promising?: number | undefined;
  /** Called with the share of the groups that are settled, and the number of steps that are. */
  onProgress: (proved: number, provedSteps: number) => void;
}

/**
 * Proves all steps at once, the last one first: it is the one that most often cannot be proved. The result does not depend on which step is done
 * first: a wrong sum counts once all later steps are done.
 *
 * @returns The outcome of each step, the last one first, without those before the one that ended the proof; and the inputs with the smallest
 * margins that were met at each step
 */
export async function proveAllSteps(options: ProveOptions): Promise<{ outcomes: StepOutcome[]; narrow: Found[] }> {
  const { pool, promising, exhaustive, onProgress } = options;
  const shares = new Float64Array(QUERIES);
  const steps = Array.from({ length: QUERIES }, (_, i) => QUERIES - 1 - i);
  const searched = await Promise.all(steps.map((step) => searchStep(step, pool)));
  const met = searched.map(({ narrow }) => [...narrow]); // proofs add to them, whenever they are done
  const outcomes: StepOutcome[] = [];
  const least = Math.min(...met.map((narrow) => narrow[0]?.margin ?? NaN));
  if (promising !== undefined && least < promising) return { outcomes, narrow: met.flat() };
  const running = steps.map((step, i) =>
    proveStep(step, searched[i], promising === undefined ? undefined : least, options, (share) => {
      shares[step] = Math.max(shares[step], share);
      const proved = shares.reduce((sum, value) => sum + value, 0) / QUERIES;
      onProgress(proved, shares.filter((share) => share === 1).length);
    })
  );
  for (const proof of running) proof.catch(() => {}); // awaited in their order
  for (const proof of running) {
    const outcome = await proof;
    outcomes.push(outcome);
    if (!exhaustive && ("counterexample" in outcome || promising !== undefined && !outcome.proved)) break;
  }
  return { outcomes, narrow: met.flatMap((narrow, i) => outcomes[i]?.narrow ?? narrow) };
}

/** Adds inputs that were met to those with the smallest margins. */
function meet(narrow: Found[], found: readonly Found[]): void {
  for (const input of found) if (!narrow.some(({ a, b }) => a === input.a && b === input.b)) narrow.push(input);
  narrow.sort((x, y) => x.margin - y.margin || x.a - y.a || x.b - y.b);
  narrow.length = Math.min(narrow.length, MOST_NARROW);
}

/** All groups of a step, and the inputs with the smallest margins that were met in those with the least estimates. */
async function searchStep(step: number, pool: WorkerPool): Promise<{ all: OpenGroup[]; narrow: Found[] }> {
  const tokens = askingTokens(step);
  const estimates = await Promise.all(tokens.map((token) => pool.submit(step, "estimate", step, token)));
  const all = tokens.flatMap((token, i) => Array.from(estimates[i], (estimate, group) => ({ token, group, estimate })));
  const sorted = all.toSorted((x, y) => x.estimate < y.estimate ? -1 : x.estimate > y.estimate ? 1 : 0);
  const walks = byToken(sorted.slice(0, SEARCHED)).map((own) =>
    pool.submit(step, "search", step, own[0].token, own.map(({ group }) => group))
  );
  const narrow: Found[] = [];
  for (const found of await Promise.all(walks)) meet(narrow, found);
  return { all, narrow };
}

/** The groups of each token that has some. */
function byToken(groups: readonly OpenGroup[]): OpenGroup[][] {
  const tokens = [...new Set(groups.map(({ token }) => token))]; // Map.groupBy is missing in Node 20
  return tokens.map((token) => groups.filter((own) => own.token === token));
}

/** @param enough A margin that is enough; without one nearly the worst input's */
async function proveStep(
  step: number,
  { all, narrow }: { all: readonly OpenGroup[]; narrow: Found[] },
  enough: number | undefined,
  { pool, search, mostCuts, until }: ProveOptions,
  onProgress: (proved: number) => void,
): Promise<StepOutcome> {
  const wrong = () => narrow.find((input) => input.margin < NEEDED && search.isWrong(input));
  let open: readonly OpenGroup[] = all;
  let left = describePart(step, [], narrow[0].margin);
  let margin = Infinity;
  let cutCount = 0;
  const cuts: CertificateStep["cuts"] = {};
  for (const [round, [share, mostCutsHere]] of (enough === undefined ? AIMS : EVEN_AIMS).entries()) {
    const most = Math.min(narrow[0].margin, enough ?? Infinity);
    if (!(most >= NEEDED)) break; // as where a sum is wrong
    // rounded to the sixth decimal, so that certificates stay short
    const aimed = Math.floor(1e6 * Math.max(NEEDED, share * most)) / 1e6;
    const aim = { margin: aimed, cuts: Math.min(mostCutsHere, mostCuts), until };
    const tasks = aim.cuts > LARGE_TASK ? open.map((own) => [own]) : byToken(open);
    const running = tasks.map(async (own) => {
      const [{ token }, groups] = [own[0], own.map(({ group }) => group)];
      const proofs = await pool.submit(step, "prove", step, token, groups, aim);
      return proofs.map((proof, i) => ({ token, group: groups[i], ...proof }));
    });
    for (const proof of running) proof.catch(() => {}); // awaited in their order
    const unproved: OpenGroup[] = [];
    for (const [i, proofs] of running.entries()) {
      for (const { token, group, splits, cuts: taken, found, open: part } of await proofs) {
        meet(narrow, found);
        if (part !== undefined) {
          if (unproved.length === 0) left = part;
          unproved.push({ token, group });
          continue;
        }
        margin = Math.min(margin, aimed);
        cutCount += taken;
        for (const [digits, own] of splits) cuts[[token, group, ...digits].join(" ")] = own;
      }
      onProgress((all.length - open.length + (i + 1) / running.length * (open.length - unproved.length)) / all.length);
    }
    if (unproved.length > 0 && round === LOCAL_SEARCH_AFTER && Date.now() < until) {
      const starts = search.starts.filter((_, i) => enough === undefined || i % HARDENING_STARTS === 0);
      const searches = [...narrow, ...starts].map((start) => pool.submit(step, "descend", step, start));
      meet(narrow, await Promise.all(searches));
    }
    open = unproved;
    if (open.length > 0 || wrong() !== undefined) continue;
    const worst = narrow[0];
    const result = { step, margin, worst, groups: all.length, cuts: cutCount };
    return { proved: true, result, certificate: { step, margin, worst: { a: worst.a, b: worst.b }, cuts }, narrow };
  }
  const counterexample = wrong();
  return { proved: false, ...counterexample === undefined ? { open: left } : { counterexample }, narrow };
}
