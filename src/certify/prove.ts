/**
 * The proof of all steps. Of each the worst input is looked for first, which says how large a margin can be hoped for; then every group is proved
 * to have nearly that.
 */
import { askingTokens, QUERIES } from "../model/vocabulary.ts";
import type { CounterexampleSearch } from "./counterexample_search.ts";
import { ALL_DIGITS, type Found } from "./prover.ts";
import type { CertificateStep, CertifyOptions, Input, OpenRegion, StepResult } from "./types.ts";
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

/** The result of a step: its proof, or a wrong sum, or what is left to prove. */
interface StepOutcome {
  /** The inputs with the smallest margins met, the smallest first. */
  readonly narrow: Found[];
  readonly proof?: { readonly result: StepResult; readonly certificate: CertificateStep };
  readonly counterexample?: Input;
  readonly open?: OpenRegion;
}

/** Options of a proof beside those of `certify`. */
export interface ExamineOptions extends CertifyOptions {
  /** Whether to go on with the other steps where one is found to be wrong. @default {false} */
  exhaustive?: boolean;
  /**
   * For hardening: nothing is proved where a smaller margin than this was met, no step is proved to have a larger one than the least that was met
   * at any, and the first step that cannot be proved is the last that counts.
   */
  promising?: number;
}

/** The groups of a step by token and number, and the inputs with the smallest margins met in those with the least estimates. */
type StepSearch = { readonly step: number; readonly groups: readonly GroupKey[]; readonly narrow: Found[] };
type GroupKey = { readonly token: number; readonly group: number };

/**
 * Proves all steps at once, the last one first: it is the one that most often cannot be proved. The result does not depend on which step is done
 * first: a wrong sum counts once all later steps are done.
 *
 * @param onProgress Called with the share of the groups that are settled, and the number of steps that are
 * @returns The outcome of each step, the last one first, without those before the one that ended the proof; and the inputs with the smallest
 * margins that were met at each step
 */
export async function proveAllSteps(
  pool: WorkerPool,
  search: CounterexampleSearch,
  { seconds = 60, cuts = 100_000, exhaustive = false, promising }: ExamineOptions,
  onProgress: (proved: number, provedSteps: number) => void,
): Promise<{ outcomes: StepOutcome[]; narrow: Found[] }> {
  const until = Date.now() + 1000 * seconds;
  const shares = new Array<number>(QUERIES).fill(0);
  const searches = await Promise.all(shares.map((_, i) => searchStep(QUERIES - 1 - i, pool)));
  const least = Math.min(...searches.map(({ narrow }) => narrow[0]?.margin ?? NaN));
  const isHopeless = promising !== undefined && least < promising;
  const enough = promising === undefined ? undefined : least;
  const running = (isHopeless ? [] : searches).map((own, i) =>
    proveStep(pool, search, own, { cuts, until, enough }, (share) => {
      shares[i] = share;
      onProgress(shares.reduce((sum, value) => sum + value) / QUERIES, shares.filter((value) => value === 1).length);
    })
  );
  for (const proof of running) proof.catch(() => {}); // awaited in their order
  const outcomes: StepOutcome[] = [];
  for (const proof of running) {
    const outcome = await proof;
    outcomes.push(outcome);
    if (!exhaustive && (outcome.counterexample || promising !== undefined && !outcome.proof)) break;
  }
  return { outcomes, narrow: searches.flatMap(({ narrow }, i) => outcomes[i]?.narrow ?? narrow) };
}

/** Those of some inputs with the smallest margins, the smallest first. */
function narrowest(met: readonly Found[]): Found[] {
  const sorted = met.toSorted((x, y) => x.margin - y.margin || x.a - y.a || x.b - y.b);
  return sorted.filter(({ a, b }, i) => a !== sorted[i - 1]?.a || b !== sorted[i - 1].b).slice(0, MOST_NARROW);
}

async function searchStep(step: number, pool: WorkerPool): Promise<StepSearch> {
  const tokens = askingTokens(step);
  const estimates = await Promise.all(tokens.map((token) => pool.submit("estimate", step, token)));
  const groups = tokens.flatMap((token, i) =>
    Array.from(estimates[i], (estimate, group) => ({ token, group, estimate }))
  );
  const sorted = groups.toSorted((x, y) => x.estimate < y.estimate ? -1 : x.estimate > y.estimate ? 1 : 0);
  const walks = byToken(sorted.slice(0, SEARCHED)).map((own) =>
    pool.submit("search", step, own[0].token, own.map(({ group }) => group))
  );
  return { step, groups, narrow: narrowest((await Promise.all(walks)).flat()) };
}

/** The groups of each token that has some. */
function byToken(groups: readonly GroupKey[]): GroupKey[][] {
  const tokens = [...new Set(groups.map(({ token }) => token))]; // Map.groupBy is missing in Node 20
  return tokens.map((token) => groups.filter((own) => own.token === token));
}

/** @param limits `enough`: a margin that is enough; without one nearly the worst input's */
async function proveStep(
  pool: WorkerPool,
  search: CounterexampleSearch,
  { step, groups, narrow }: StepSearch,
  limits: { readonly cuts: number; readonly until: number; readonly enough: number | undefined },
  onProgress: (proved: number) => void,
): Promise<StepOutcome> {
  const { until, enough } = limits;
  const wrong = () => narrow.find((input) => input.margin < NEEDED && search.isWrong(input));
  let unproved = groups;
  let open: OpenRegion = { step, bound: narrow[0].margin, a: ALL_DIGITS, b: ALL_DIGITS };
  let margin = Infinity;
  let [settled, cutCount] = [0, 0];
  const cuts: CertificateStep["cuts"] = {};
  for (const [round, [share, mostCuts]] of (enough === undefined ? AIMS : EVEN_AIMS).entries()) {
    const most = Math.min(narrow[0].margin, enough ?? Infinity);
    if (!(most >= NEEDED)) break; // as where a sum is wrong
    // rounded to the sixth decimal, so that certificates stay short
    const aimed = Math.floor(1e6 * Math.max(NEEDED, share * most)) / 1e6;
    const aim = { margin: aimed, cuts: Math.min(mostCuts, limits.cuts), until };
    const tasks = aim.cuts > LARGE_TASK ? unproved.map((own) => [own]) : byToken(unproved);
    const running = tasks.map(async (own) => {
      const proofs = await pool.submit("prove", step, own[0].token, own.map(({ group }) => group), aim);
      settled += proofs.filter((proof) => proof.open === undefined).length;
      onProgress(settled / groups.length);
      return proofs.map((proof, i) => ({ token: own[i].token, group: own[i].group, ...proof }));
    });
    const proofs = (await Promise.all(running)).flat();
    for (const { splits, cuts: taken } of proofs.filter((proof) => proof.open === undefined)) {
      margin = Math.min(margin, aimed);
      cutCount += taken;
      Object.assign(cuts, splits);
    }
    unproved = proofs.filter((proof) => proof.open !== undefined);
    open = proofs.find((proof) => proof.open !== undefined)?.open ?? open;
    narrow = narrowest([...narrow, ...proofs.flatMap(({ found }) => found)]);
    if (unproved.length > 0 && round === LOCAL_SEARCH_AFTER && Date.now() < until) {
      const starts = search.starts.filter((_, i) => enough === undefined || i % HARDENING_STARTS === 0);
      const found = await Promise.all([...narrow, ...starts].map((start) => pool.submit("descend", step, start)));
      narrow = narrowest([...narrow, ...found]);
    }
    if (unproved.length > 0 || wrong() !== undefined) continue;
    const { a, b } = narrow[0];
    const result = { step, margin, worst: narrow[0], groups: groups.length, cuts: cutCount };
    return { narrow, proof: { result, certificate: { step, margin, worst: { a, b }, cuts } } };
  }
  const counterexample = wrong();
  return { narrow, ...counterexample === undefined ? { open } : { counterexample } };
}
