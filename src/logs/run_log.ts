import { isWhole } from "../common/checks.ts";
import { parseJson } from "../common/text.ts";

/** A line of the log of a run. `step` and `evaluation` have a step and numbers; the others are for people. */
export interface LogLine {
  readonly event: string;
  /** Attempts before this one. */
  readonly attempt: number;
  readonly [field: string]: unknown;
}

export interface RunLog {
  readonly run: string;
  readonly lines: readonly LogLine[];
}

const ROWS = ["step", "evaluation"];
const COLUMNS = [
  ...["attempt", "event", "step", "stage", "loss", "learningRate", "gradientNorm", "examplesPerSecond"],
  ...["total", "correct", "exactMatch", "digitAccuracy"],
];
/** The fields that must be whole numbers where they are, and the events that must have them. */
const WHOLE = { step: ROWS, attempt: ["restart"] };

/** Reads a log. Text after the last line break is an unfinished line of a process that was killed, and is ignored. @param fail Makes an error of a reason */
export function parseLog(run: string, text: string, fail: (reason: string) => Error): RunLog {
  let attempt = 0;
  const lines: LogLine[] = [];
  for (const [i, line] of text.split("\n").slice(0, -1).entries()) {
    if (line.trim() === "") continue;
    const wrong = (reason: string) => fail(`line ${i + 1} must be that of a run's log: ${reason}`);
    const value = parseJson(line, () => wrong("it is not JSON"));
    if (typeof value?.event !== "string") throw wrong("it has no text named event");
    for (const [field, events] of Object.entries(WHOLE)) {
      const number = value[field] ?? (events.includes(value.event) ? NaN : 0);
      if (!isWhole(number, 0)) throw wrong(`its ${field} is not a whole number`);
    }
    if (value.event === "restart") attempt = value.attempt;
    lines.push({ ...value, attempt });
  }
  return { run, lines };
}

/** A cell as in RFC 4180. */
function cell(value: unknown): string {
  const text = typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Steps and evaluations as CSV, a row for each; a cell is empty where an event has no such number. */
export function toCsv(logs: readonly RunLog[]): string {
  const rows = logs.flatMap(({ run, lines }) =>
    lines.filter(({ event }) => ROWS.includes(event)).map((line) => [run, ...COLUMNS.map((name) => line[name])])
  );
  return [["run", ...COLUMNS], ...rows].map((row) => `${row.map(cell).join(",")}\n`).join("");
}
