/** Text without its numbers, which other weights change, and without the number of spaces between them. */
export function masked(text: string): string {
  return text.replace(/-?\d[\d,.]*/g, "#").replace(/ +/g, " ").trim();
}
