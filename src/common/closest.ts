/** Levenshtein distance: the least number of letters to insert, remove or replace that turns `from` into `to`. */
export function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const exchange = row[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(exchange, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[to.length];
}

/** Longer names are not compared: the time grows with the square of their length. */
const MAX_LENGTH = 60;

/**
 * The name that was probably meant by a wrong one: one that begins with it (`eps` and `epsilon`), of whose letters at most a third differ, with
 * its initials (`lr` and `learningRate`), or that it contains (`batchSize` and `batch`). Case, hyphens and underscores do not count.
 */
export function closest(name: string, names: Iterable<string>): string | undefined {
  const plain = (text: string) => text.replaceAll(/[-_]/g, "").toLowerCase();
  const written = plain(name);
  if (written === "" || name.length > MAX_LENGTH) return undefined;
  const candidates = [...names];
  const near = candidates.map((candidate) => ({ candidate, distance: editDistance(written, plain(candidate)) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, Math.ceil(candidate.length / 3)))
    .sort((a, b) => a.distance - b.distance);
  return candidates.find((candidate) => written.length > 2 && plain(candidate).startsWith(written)) ??
    near[0]?.candidate ??
    candidates.find((candidate) => plain(candidate.replaceAll(/\B[^A-Z]/g, "")) === written) ??
    candidates.find((candidate) => candidate.length > 2 && written.includes(plain(candidate)));
}

/** The end of an error about a wrong name: the closest right one, if there is one. */
export function didYouMean(name: string, names: Iterable<string>): string {
  const near = closest(name, names);
  return near === undefined ? "" : `, did you mean ${near}?`;
}
