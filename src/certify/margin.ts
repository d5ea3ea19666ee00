/**
 * How a proved margin is shown.
 *
 * @module
 */

/** A margin with so many decimals, rounded down: what is proved must not be overstated. */
export function marginText(margin: number, decimals = 2): string {
  return (Math.floor(margin * 10 ** decimals) / 10 ** decimals).toFixed(decimals);
}
