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

/** The name closest to a mistyped one, if at most a third of its letters are wrong. */
export function closest(name: string, names: Iterable<string>): string | undefined {
  const near = [...names].map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, Math.ceil(candidate.length / 3)));
  return near.sort((a, b) => a.distance - b.distance)[0]?.candidate;
}

/** The end of an error about a wrong name: the closest right one, if there is one. */
export function didYouMean(name: string, names: Iterable<string>): string {
  const near = closest(name, names);
  return near === undefined ? "" : `, did you mean ${near}?`;
}
