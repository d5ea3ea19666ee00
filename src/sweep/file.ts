// The file of a sweep has a line for each finished run. Any number of processes may append to it, always whole lines.
import { withFile, writeAll } from "../checkpoint/safetensors/store.ts";
import { decodeText, encodingOf } from "../common/text.ts";
import { keyOf, parseLine, SweepFileError, type SweepLine } from "./line.ts";

/** Reads the runs in a file: none if there is no file. @throws {SweepFileError} If the file cannot be read, or if a line is not that of a run */
export async function readSweep(path: string): Promise<SweepLine[]> {
  try {
    return parseBytes(await Deno.readFile(path), path).runs;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw fileError("read", path, cause);
  }
}

/**
 * Reads the lines of runs, with any kind of line break; blank lines do not count. @throws {SweepFileError} If a line is not that of a run
 * @returns `open`: whether the last line is whole but has no line break; `torn`: the unfinished line of a process that was killed
 */
export function parseSweep(text: string, source: string): { runs: SweepLine[]; open: boolean; torn: string } {
  const lines = text.split(/\r\n|\n|\r/);
  const last = lines.pop()!;
  const parse = (line: string, i: number) => line.trim() === "" ? [] : [parseLine(line, `${source}, line ${i + 1},`)];
  const runs = lines.flatMap(parse);
  try {
    const [run] = parse(last, lines.length);
    if (run === undefined) return { runs, open: false, torn: "" };
    if (runs.some((one) => keyOf(one) === keyOf(run))) return { runs, open: false, torn: last };
    return { runs: [...runs, run], open: true, torn: "" };
  } catch (error) {
    if (runs.length === 0 && !last.startsWith(FIRST) && !FIRST.startsWith(last)) throw error;
    return { runs, open: false, torn: last };
  }
}

/** How a line of a run begins. */
const FIRST = '{"format":';

function parseBytes(bytes: Uint8Array, path: string) {
  return parseSweep(decodeText(bytes, (reason) => fileError("read", path, new Error(reason))), path);
}

/**
 * Appends the line of a run, and returns whether it did: not if the file has one already. The file is locked meanwhile, so several processes can
 * share it; the line is on disk when the promise resolves. @throws {SweepFileError} If the file cannot be written, or holds something else
 */
export async function appendRun(path: string, line: SweepLine): Promise<boolean> {
  try {
    return await withFile(path, { read: true, write: true, create: true }, async (file) => {
      await file.lock(true); // until it is closed
      const bytes = new Uint8Array((await file.stat()).size);
      for (let read = 0; read < bytes.length;) read += await file.read(bytes.subarray(read)) ?? Infinity;
      if (encodingOf(bytes) !== "utf-8") {
        throw new SweepFileError(`Cannot write ${path} as it must be UTF-8 to append to it: it is UTF-16`);
      }
      const { runs, open, torn } = parseBytes(bytes, path);
      if (runs.some((one) => keyOf(one) === keyOf(line))) return false;
      // overwrites an unfinished line
      const end = torn === "" ? bytes.length : Math.max(bytes.lastIndexOf(0x0a), bytes.lastIndexOf(0x0d)) + 1;
      await file.truncate(end);
      await file.seek(end, Deno.SeekMode.Start);
      await writeAll(file, new TextEncoder().encode(`${open ? "\n" : ""}${JSON.stringify(line)}\n`));
      await file.sync();
      return true;
    });
  } catch (cause) {
    throw fileError("write", path, cause);
  }
}

function fileError(verb: string, path: string, cause: unknown): Error {
  if (cause instanceof Deno.errors.NotCapable || cause instanceof SweepFileError) return cause;
  return new SweepFileError(`Cannot ${verb} ${path} as it must be the file of a sweep: ${(cause as Error).message}`, {
    cause,
  });
}
