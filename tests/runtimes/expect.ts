/** Assertions that run anywhere: those of `@std/assert` may be a shim over Node's here, which no browser has. */

/** A value as text, by which values are compared: typed arrays by their elements, bigints apart from numbers. */
function shown(value: unknown): string {
  return JSON.stringify(value, (_, part) => {
    if (typeof part === "bigint") return `${part}n`;
    if (typeof part === "number" && !Number.isFinite(part)) return String(part);
    return ArrayBuffer.isView(part) ? { [part.constructor.name]: Array.from(part as Uint8Array) } : part;
  }) ?? String(value);
}

/** Throws unless two values are alike. */
export function expectEqual(actual: unknown, expected: unknown): void {
  if (shown(actual) === shown(expected)) return;
  throw new Error(`it is ${shown(actual).slice(0, 300)} instead of ${shown(expected).slice(0, 300)}`);
}

/** Throws unless a function throws, or its promise rejects, with an error of that name and a message that has that part. */
export async function expectError(run: () => unknown, name: string, part = ""): Promise<void> {
  let error: unknown;
  try {
    await run();
  } catch (thrown) {
    error = thrown;
  }
  if (!(error instanceof Error)) throw new Error(`there was no error where ${name} was due`);
  if (error.name === name && error.message.includes(part)) return;
  throw new Error(`the error is ${error.name}: ${error.message} instead of ${name} with ${shown(part)}`);
}
