/** A line of the log of a run. `step` and `evaluation` have a step and numbers; the others are for people. */
export interface LogLine {
  readonly event: string;
  /** Attempts before this one. */
  readonly attempt: number;
  readonly [field: string]: unknown;
}

/** The log of a run. */
export interface RunLog {
  /** Its name, which tells it from others. */
  readonly run: string;
  readonly lines: readonly LogLine[];
}

/**
 * Reads a log. Text after the last line break is an unfinished line of a process that was killed, and is ignored.
 *
 * @param fail Makes the error of a line that is not one of a log
 */
export function parseLog(run: string, text: string, fail: (line: number, reason: string) => Error): RunLog {
  let attempt = 0;
  const lines = text.split("\n").slice(0, -1).filter((line) => line.trim() !== "").map((line, i): LogLine => {
    let value;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw fail(i + 1, (error as Error).message);
    }
    if (typeof value?.event !== "string") throw fail(i + 1, "it has no text named event");
    if (["step", "evaluation"].includes(value.event) && !Number.isSafeInteger(value.step)) {
      throw fail(i + 1, "its step is not a whole number");
    }
    if (value.event === "restart") attempt = Number(value.attempt);
    return { ...value, attempt };
  });
  return { run, lines };
}

/** The columns of {@linkcode toCsv}. */
const COLUMNS = [
  ...["attempt", "event", "step", "stage", "loss", "learningRate", "gradientNorm", "examplesPerSecond"],
  ...["total", "correct", "exactMatch", "digitAccuracy"],
];

/** A cell as in RFC 4180. */
function cell(value: unknown): string {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Steps and evaluations as CSV, a row for each; a cell is empty where an event has no such number. */
export function toCsv(logs: readonly RunLog[]): string {
  const rows = logs.flatMap(({ run, lines }) =>
    lines.filter(({ event }) => ["step", "evaluation"].includes(event))
      .map((line) => [run, ...COLUMNS.map((name) => line[name])])
  );
  return [["run", ...COLUMNS], ...rows].map((row) => `${row.map(cell).join(",")}\n`).join("");
}
