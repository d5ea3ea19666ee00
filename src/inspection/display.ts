/** Lets notebooks of Jupyter show a result as a drawing. The member is not enumerable, so that the result prints and compares as before. */
export function withDrawing<T extends object>(result: T, svg: () => string): T {
  return Object.defineProperty(result, Symbol.for("Jupyter.display"), { value: () => ({ "image/svg+xml": svg() }) });
}
