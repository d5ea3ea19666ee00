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
  // Windows has only SIGINT, and throws on the other
  const signals = (["SIGINT", "SIGTERM"] as const).filter((name) => name === "SIGINT" || Deno.build.os !== "windows");
  const listeners = signals.map((name) => ({
    name,
    listener() {
      const reason = new Interruption(name);
      if (controller.signal.aborted) Deno.exit(reason.exitCode);
      controller.abort(reason);
    },
  }));
  for (const { name, listener } of listeners) Deno.addSignalListener(name, listener);
  try {
    return await run(controller.signal);
  } finally {
    for (const { name, listener } of listeners) Deno.removeSignalListener(name, listener);
  }
}
