/** A whole number with thousands separators: 13,000. Without `Intl`, whose first use costs a process 5 MiB and a page 10 ms (measured). */
export function formatInteger(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}
