const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** SIGINT or SIGTERM stopped the command. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  /** 128 plus the number of the signal. */
  readonly exitCode: number;

  constructor(signal: keyof typeof EXIT_CODES) {
    super(`Stopped by ${signal}`);
    this.exitCode = EXIT_CODES[signal];
  }
}

/** Runs a task whose `AbortSignal` aborts with an {@linkcode Interruption}. A second SIGINT or SIGTERM ends the process at once. */
export async function interruptible<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const interrupt = (name: keyof typeof EXIT_CODES) => () => {
    if (controller.signal.aborted) Deno.exit(EXIT_CODES[name]);
    controller.abort(new Interruption(name));
  };
  const listeners = [["SIGINT", interrupt("SIGINT")], ["SIGTERM", interrupt("SIGTERM")]] as const;
  // Windows has only SIGINT, and throws on the other
  const known = listeners.slice(0, Deno.build.os === "windows" ? 1 : 2);
  for (const [name, listener] of known) Deno.addSignalListener(name, listener);
  try {
    return await run(controller.signal);
  } finally {
    for (const [name, listener] of known) Deno.removeSignalListener(name, listener);
  }
}
