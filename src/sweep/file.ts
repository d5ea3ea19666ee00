// The file of a sweep has a line for each finished run. Any number of processes may append to it, always whole lines.
import { withFile, writeAll } from "../checkpoint/store.ts";
import { SweepFileError } from "./error.ts";
import { keyOf, parseLine, type SweepLine } from "./line.ts";

/**
 * Reads the runs in a file: none if there is no file. Text after the last line break is an unfinished line of a process that was killed, and is ignored.
 *
 * @throws {SweepFileError} If the file cannot be read, or if a line is not that of a run
 */
export async function readSweep(path: string): Promise<SweepLine[]> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw fileError("read", path, cause);
  }
  return parseLines(text, path);
}

/**
 * Appends the line of a run, unless the file has one already. The file is locked meanwhile, so several processes can share it; the line is on disk when
 * the promise resolves.
 *
 * @returns Whether it was appended
 * @throws {SweepFileError} If the file cannot be written, or holds something else
 */
export async function appendRun(path: string, line: SweepLine): Promise<boolean> {
  try {
    return await withFile(path, { read: true, write: true, create: true }, async (file) => {
      await file.lock(true);
      try {
        const text = await readAll(file);
        const known = parseLines(text, path);
        if (known.some((one) => keyOf(one) === keyOf(line))) return false;
        // overwrites an unfinished line
        const end = new TextEncoder().encode(text.slice(0, text.lastIndexOf("\n") + 1)).length;
        await file.truncate(end);
        await file.seek(end, Deno.SeekMode.Start);
        await writeAll(file, new TextEncoder().encode(`${JSON.stringify(line)}\n`));
        await file.sync();
        return true;
      } finally {
        await file.unlock();
      }
    });
  } catch (cause) {
    if (cause instanceof SweepFileError) throw cause;
    throw fileError("write", path, cause);
  }
}

function parseLines(text: string, path: string): SweepLine[] {
  return text.split("\n").slice(0, -1).map((line, i) => parseLine(line, `${path}, line ${i + 1},`));
}

async function readAll(file: Deno.FsFile): Promise<string> {
  const { size } = await file.stat();
  const bytes = new Uint8Array(size);
  let read = 0;
  while (read < size) {
    const count = await file.read(bytes.subarray(read));
    if (count === null) break;
    read += count;
  }
  return new TextDecoder().decode(bytes.subarray(0, read));
}

function fileError(verb: string, path: string, cause: unknown): Error {
  if (cause instanceof Deno.errors.NotCapable) return cause;
  return new SweepFileError(`Cannot ${verb} ${path} as it must be the file of a sweep: ${(cause as Error).message}`, {
    cause,
  });
}
