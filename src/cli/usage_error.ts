/** A wrong or incomplete request; exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Typed text for an error message: bare if it is plain, otherwise in quotes; cut after 60 characters. */
export function quote(typed: string): string {
  const short = typed.length > 60 ? `${typed.slice(0, 60)}…` : typed;
  return /^[\p{L}\p{N}\p{P}\p{S}]+$/u.test(short) ? short : JSON.stringify(short);
}
