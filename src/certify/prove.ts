/**
 * The proof of all steps. Of each the worst input is looked for first, which says how large a margin can be hoped for; then every group is proved
 * to have nearly that.
 */
import { askingTokens, QUERIES } from "../model/vocabulary.ts";
import type { CounterexampleSearch } from "./counterexample_search.ts";
import type { Aim, Found, GroupProof } from "./prover.ts";
import type { CertificateStep, Input, StepResult } from "./types.ts";
import type { WorkerPool } from "./worker_pool.ts";

/** So many groups, those with the least estimates, are searched for the worst input. */
const SEARCHED = 64;
/**
 * The margins that are tried one after the other, as shares of the worst input's, with so many cuts a group for each: a proof of nearly the worst
 * margin takes far more cuts than one of any margin. The first share comes twice, since the first proofs may meet a worse input.
 */
const AIMS = [[0.87, 300], [0.87, 300], [0.6, 1000], [0.3, 3000], [0.1, 10_000], [0, Infinity]] as const;
/** After this round of them a local search looks for worse inputs, which the walk along gradients has missed. */
const LOCAL_SEARCH_AFTER = 1;
/** Groups of one task; each is a task by itself where it may take more cuts than {@linkcode LARGE_TASK}. */
const GROUPS_OF_TASK = 16;
const LARGE_TASK = 300;
/** So many of the inputs with the smallest margins are reported. */
const MOST_NARROW = 16;

/** The result of a step. */
export type StepOutcome =
  & (
    | { proved: true; result: StepResult; certificate: CertificateStep }
    | { proved: false; counterexample: Input }
    | { proved: false; open: { step: number; bound: number; digits: Uint16Array | undefined } }
  )
  & {
    /** Inputs with the smallest margins met, the smallest first. */
    narrow: Found[];
  };

/** A group by its token and number. */
interface OpenGroup {
  readonly token: number;
  readonly group: number;
}

/** Options of {@linkcode proveAllSteps}. */
export interface ProveOptions {
  pool: WorkerPool;
  search: CounterexampleSearch;
  /** The least margin that will do. */
  needed: number;
  /** Gives up on a group after so many cuts. */
  mostCuts: number;
  /** Milliseconds of Date.now() after which it gives up. */
  until: number;
  /** Whether to go on with the other steps where one is found to be wrong. */
  exhaustive: boolean;
  /** Whether no step need have a larger margin than the least that was met at any, which takes less time. */
  even: boolean;
  /** Called with the share of the groups that are settled, and the number of steps that are. */
  onProgress: (proved: number, provedSteps: number) => void;
}

/**
 * Proves all steps at once, the last one first: it is the one that most often cannot be proved. The result does not depend on which step is done
 * first: a wrong sum counts once all later steps are done.
 *
 * @returns The outcome of each step, the last one first; without those before the one that is found to be wrong, unless the search is exhaustive
 */
export async function proveAllSteps(options: ProveOptions): Promise<StepOutcome[]> {
  const shares = new Float64Array(QUERIES);
  const steps = Array.from({ length: QUERIES }, (_, i) => QUERIES - 1 - i);
  const searched = await Promise.all(steps.map((step) => searchStep(step, options.pool)));
  const least = options.even ? Math.min(...searched.map(({ narrow }) => narrow[0]?.margin ?? NaN)) : Infinity;
  const running = steps.map((step, i) =>
    proveStep(step, searched[i], least, options, (share) => {
      shares[step] = Math.max(shares[step], share);
      const proved = shares.reduce((sum, value) => sum + value, 0) / QUERIES;
      options.onProgress(proved, shares.filter((share) => share === 1).length);
    })
  );
  for (const proof of running) proof.catch(() => {}); // awaited in their order
  const outcomes: StepOutcome[] = [];
  for (const proof of running) {
    const outcome = await proof;
    outcomes.push(outcome);
    if (!options.exhaustive && "counterexample" in outcome) break;
  }
  return outcomes;
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
  const estimates = await Promise.all(tokens.map((token) => pool.submit({ kind: "estimate", step, token }, step)));
  const all = tokens.flatMap((token, i) => Array.from(estimates[i], (estimate, group) => ({ token, group, estimate })));
  const lowest = all.toSorted((x, y) => x.estimate < y.estimate ? -1 : x.estimate > y.estimate ? 1 : 0).slice(
    0,
    SEARCHED,
  );
  const walks = tokens.map((token) => {
    const groups = lowest.filter((entry) => entry.token === token).map(({ group }) => group);
    return groups.length === 0 ? [] : pool.submit({ kind: "search", step, token, groups }, step);
  });
  const narrow: Found[] = [];
  for (const found of await Promise.all(walks)) meet(narrow, found);
  return { all, narrow };
}

/** @param least A margin than which none need be larger */
async function proveStep(
  step: number,
  { all, narrow }: { all: readonly OpenGroup[]; narrow: Found[] },
  least: number,
  { pool, search, needed, mostCuts, until }: ProveOptions,
  onProgress: (proved: number) => void,
): Promise<StepOutcome> {
  const wrong = () => narrow.find((input) => input.margin < needed && search.isWrong(input));
  const met = wrong();
  if (met !== undefined) return { proved: false, counterexample: met, narrow };
  let open: readonly OpenGroup[] = all;
  let left: GroupProof["open"];
  let margin = Infinity;
  let cutCount = 0;
  const cuts: CertificateStep["cuts"] = {};
  for (const [round, [share, mostCutsHere]] of AIMS.entries()) {
    const worst = Math.min(narrow[0].margin, Math.max(least, needed));
    if (!(worst >= needed)) break;
    // a margin is rounded to the sixth decimal, so that certificates stay short
    const aim: Aim = {
      margin: Math.floor(1e6 * Math.max(needed, share * worst)) / 1e6,
      cuts: Math.min(mostCutsHere, mostCuts),
    };
    const running = tasksOf(open, aim.cuts > LARGE_TASK ? 1 : GROUPS_OF_TASK).map(async ({ token, groups }) => {
      const proofs = await pool.submit({ kind: "prove", step, token, groups, aim, until }, step);
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
        margin = Math.min(margin, aim.margin);
        cutCount += taken;
        for (const [digits, own] of splits) cuts[[token, group, ...digits].join(" ")] = own;
      }
      onProgress((all.length - open.length + (i + 1) / running.length * (open.length - unproved.length)) / all.length);
    }
    if (unproved.length > 0 && round === LOCAL_SEARCH_AFTER && Date.now() < until) {
      const searches = [...narrow, ...search.starts].map((start) =>
        pool.submit({ kind: "descend", step, start }, step)
      );
      meet(narrow, await Promise.all(searches));
    }
    const refuted = wrong();
    if (refuted !== undefined) return { proved: false, counterexample: refuted, narrow };
    open = unproved;
    if (open.length === 0) {
      const { a, b } = narrow[0];
      const certificate = { step, margin, worst: { a, b }, cuts };
      return {
        proved: true,
        result: { step, margin, worst: narrow[0], groups: all.length, cuts: cutCount },
        certificate,
        narrow,
      };
    }
  }
  return { proved: false, open: { step, bound: left?.bound ?? narrow[0].margin, digits: left?.digits }, narrow };
}

/** Groups of one token, at most `size` at a time. */
function tasksOf(
  groups: readonly OpenGroup[],
  size: number,
): { token: number; groups: number[] }[] {
  const tasks: { token: number; groups: number[] }[] = [];
  for (const { token, group } of groups) {
    const last = tasks.at(-1);
    if (last?.token === token && last.groups.length < size) last.groups.push(group);
    else tasks.push({ token, groups: [group] });
  }
  return tasks;
}
