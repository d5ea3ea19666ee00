/** What a kernel of Jupyter asks a result for. */
const DISPLAY = Symbol.for("Jupyter.display");

/** Lets notebooks show a result as a drawing. The member is not enumerable, so that the result prints and compares as before. */
export function withDrawing<T extends object>(result: T, svg: () => string): T {
  return Object.defineProperty(result, DISPLAY, { value: () => ({ "image/svg+xml": svg() }) });
}
