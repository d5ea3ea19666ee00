const BAR_WIDTH = 12;

/** Progress of a long command on stderr: a bar on a terminal, otherwise a line every two seconds. */
export class ProgressDisplay {
  readonly terminal: boolean = Deno.stderr.isTerminal();
  #shownAt = performance.now();
  #barDrawn = false;
  #start = { done: 0, at: performance.now() };
  #last = 0;

  /** Shows nothing yet: a short command needs no bar. */
  constructor(private readonly title: string) {}

  /** Shows progress, at most every 60 ms, or every two seconds. If `done` is less than before, the estimate of the time left starts again. */
  update(done: number, total: number, note: string): void {
    const now = performance.now();
    if (done < this.#last || this.#last === 0) this.#start = { done, at: now };
    this.#last = done;
    if (now - this.#shownAt < (this.terminal ? 60 : 2000)) return;
    this.#shownAt = now;
    const percent = `${Math.floor(100 * done / total)}%`;
    if (!this.terminal) return this.#write(`${this.title}: ${percent}, ${note}\n`);
    this.#barDrawn = true;
    const filled = Math.floor(BAR_WIDTH * done / total);
    const paint = (text: string, colour: number) => Deno.noColor ? text : `\x1b[${colour}m${text}\x1b[0m`; // ECMA-48
    const bar = paint("━".repeat(filled), 32) + paint("─".repeat(BAR_WIDTH - filled), 90);
    const seconds = (now - this.#start.at) / 1000 * (total - done) / (done - this.#start.done);
    const left = Number.isFinite(seconds) ? `${Math.ceil(seconds)} s left, ` : "";
    const room = (Deno.consoleSize().columns || 80) - this.title.length - BAR_WIDTH - 8;
    this.#write(`\r${this.title} ${bar} ${percent.padStart(4)} ${`${left}${note}`.slice(0, Math.max(0, room))}\x1b[K`);
  }

  log(line: string): void {
    this.end();
    this.#write(`${line}\n`);
  }

  end(): void {
    if (this.#barDrawn) this.#write("\r\x1b[K");
    this.#barDrawn = false;
  }

  #write(text: string): void {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  }
}

export class Interruption extends Error {
  constructor(message: string, readonly exitCode: number) {
    super(message);
  }
}

/** Runs a long task with progress on stderr. SIGINT or SIGTERM aborts it with an {@linkcode Interruption}; a second one ends the process at once. */
export async function watched<T>(
  title: string,
  run: (display: ProgressDisplay, signal: AbortSignal) => Promise<T>,
  advice = "",
): Promise<T> {
  const display = new ProgressDisplay(title);
  const controller = new AbortController();
  const exitCodes = [["SIGINT", 130], ["SIGTERM", 143]] as const; // 128 plus the number of the signal
  // Windows has only SIGINT, and throws on the other
  const listeners = exitCodes.slice(0, Deno.build.os === "windows" ? 1 : 2).map(([name, exitCode]) =>
    [name, () => {
      if (controller.signal.aborted) Deno.exit(exitCode);
      controller.abort(new Interruption(`Stopped by ${name}${advice}`, exitCode));
    }] as const
  );
  for (const [name, listener] of listeners) Deno.addSignalListener(name, listener);
  try {
    return await run(display, controller.signal);
  } finally {
    display.end();
    for (const [name, listener] of listeners) Deno.removeSignalListener(name, listener);
  }
}
