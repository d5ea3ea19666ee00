/**
 * Loop unrolling for AssemblyScript sources.
 *
 * WASM has no arrays of registers: to keep seven values in seven `v128` registers they must be seven locals. A loop that
 * carries the comment `// unroll` is therefore written out before it is compiled; within it, a name that contains `$c`, with `c`
 * the loop's variable, is one local per round:
 *
 * ```text
 * for (let c = 0; c < 7; ++c) { // unroll
 *   const q$c = v128.load(query, 16 * c);        // const q0 = v128.load(query, 16 * 0); …
 * }
 * ```
 *
 * Loops may be nested, and the bounds of an inner one may depend on the outer one: `for (let m = 4 * h; m < 4 + 3 * h; ++m)` goes over 0 … 3, then over
 * 4 … 6. The body is not a scope of its own, so what it declares must carry the `$`.
 */

const MARKED_LOOP = /^([ \t]*)for \(let (\w+) = ([\d *+]+); \2 < ([\w *+]+); \+\+\2\) \{ \/\/ unroll\n/m;

/** The value of a sum of products of whole numbers and constants, such as `4 + 3 * 1`; NaN if it is something else. */
function valueOf(expression: string, constants: Readonly<Record<string, number>>): number {
  const factorOf = (text: string) => constants[text] ?? Number(text || NaN);
  const products = expression.split(/ *\+ */).map((term) => term.split(/ *\* */).map(factorOf).reduce((x, y) => x * y));
  return products.reduce((sum, product) => sum + product);
}

/** Writes out every marked loop of a source text. @throws {SyntaxError} If one is not of the form understood, or a bound is no constant */
export function unroll(source: string, constants: Readonly<Record<string, number>>): string {
  for (let match = MARKED_LOOP.exec(source); match !== null; match = MARKED_LOOP.exec(source)) {
    const [head, indent, variable, ...bounds] = match;
    const [start, end] = bounds.map((bound) => valueOf(bound, constants));
    if (Number.isNaN(start + end)) {
      throw new SyntaxError(
        `Cannot unroll a loop as its bound must be a known constant: current value is ${bounds[1]}`,
      );
    }
    const bodyStart = match.index + head.length;
    // The sources are formatted: the loop ends at the first closing brace in its column.
    const close = source.indexOf(`\n${indent}}\n`, bodyStart - 1);
    if (close < 0) throw new SyntaxError(`Cannot unroll a loop as its closing brace is missing: ${head.trim()}`);
    const body = source.slice(bodyStart, close + 1);
    let written = "";
    for (let value = start; value < end; value++) {
      written += body.replaceAll(new RegExp(`\\$?\\b${variable}\\b`, "g"), String(value));
    }
    source = source.slice(0, match.index) + written + source.slice(close + indent.length + 3);
  }
  if (source.includes("// unroll\n")) {
    throw new SyntaxError("Cannot unroll a loop as it is not of the form `for (let c = 0; c < N; ++c) { // unroll`");
  }
  return source;
}
