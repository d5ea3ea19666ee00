/** A request that names something wrong or lacks something: one sentence, exit code 2. */
export class UsageError extends Error {
  /** The class, for those who catch by name. */
  override readonly name = "UsageError";
}

/** What someone typed, for a message of one line: bare where it is plain, otherwise in quotes; cut where it is long. */
export function quote(typed: string): string {
  const short = typed.length > 60 ? `${typed.slice(0, 60)}…` : typed;
  return /^[\p{L}\p{N}\p{P}\p{S}]+$/u.test(short) ? short : JSON.stringify(short);
}
