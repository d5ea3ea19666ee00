import { CheckpointError, refuse } from "../common/error.ts";
import { decodeState, type TrainingState } from "./state.ts";

/** The proof that the weights are right on all inputs, where there is one, in a run directory. */
export const CERTIFICATE_FILE = "certificate.json";

/** The paths of the files in a run directory. None of them need exist. */
export type RunDirectory = ReturnType<typeof runDirectory>;

export function runDirectory(path: string) {
  return {
    path,
    modelFile: joined(path, "model.safetensors"),
    stateFile: joined(path, "state.safetensors"),
    logFile: joined(path, "log.jsonl"),
    certificateFile: joined(path, CERTIFICATE_FILE),
    /** The folder of the weights that are kept on the way. */
    stepsFolder: joined(path, "steps"),
  };
}

/** Our files have some 20 kB: a file larger than this is something else, and is refused before it is read. */
const MAX_FILE_BYTES = 2 ** 24;

/** Names of files that are being written: a killed process leaves them behind. */
const TEMPORARY = /^\.(?:[\w.]+\.[0-9a-f-]{36}\.tmp|writable-\w+)$/;

/** Creates a run directory if it is missing. @throws {CheckpointError} If the path is empty or a file, or nothing can be written there */
export async function openRunDirectory(path: string): Promise<RunDirectory> {
  if (path === "") refuse("write to a run directory", "its path must name one: it is empty");
  requireFiles(`write to ${path}`);
  try {
    await Deno.mkdir(path, { recursive: true });
    await Deno.remove(await Deno.makeTempFile({ dir: path, prefix: ".writable-" }));
  } catch (cause) {
    refuse(`write to ${path}`, `it must be a directory that can be written to: ${reasonOf(cause)}`, cause);
  }
  return runDirectory(path);
}

/** The kept weights in a folder of steps, `STEP.safetensors`, by step. None where there is no such folder. */
export async function keptSteps(folder: string): Promise<{ step: number; path: string }[]> {
  try {
    const files = await Array.fromAsync(Deno.readDir(folder), ({ name }) => /^(\d+)\.safetensors$/.exec(name));
    const kept = files.filter((match) => match !== null);
    const steps = kept.map(([name, step]) => ({ step: Number(step), path: joined(folder, name) }));
    return steps.sort((x, y) => x.step - y.step);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    if (cause instanceof Deno.errors.NotCapable) throw cause; // it says which permission is missing
    return refuse(`read ${folder}`, `it must be a folder: ${reasonOf(cause)}`, cause);
  }
}

/** Removes temporary files of killed processes. No other process may be writing to the directory. */
export async function removeTemporaryFiles(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (TEMPORARY.test(name)) await Deno.remove(joined(folder, name)).catch(() => {}); // no harm where one stays
  }
}

/**
 * Opens and locks the log of a run directory; undefined if another run has it locked. The lock is the operating system's, on the one file that is never
 * replaced, and ends with the file or its process: no lock file can be left behind. @throws {CheckpointError} If it cannot be opened
 */
export async function lockLog({ logFile }: RunDirectory): Promise<Deno.FsFile | undefined> {
  let file: Deno.FsFile | undefined;
  try {
    file = await Deno.open(logFile, { create: true, read: true, write: true });
    if (await file.tryLock(true)) return file;
    file.close();
  } catch (cause) {
    file?.close();
    throw unwritable(logFile, cause);
  }
}

export function unwritable(path: string, cause: unknown): CheckpointError {
  const must = "it must be a file in a folder that can be written to";
  return new CheckpointError(`Cannot write ${path} as ${must}: ${reasonOf(cause)}`, { cause });
}

/**
 * Writes a temporary file in the same folder and renames it: the path holds either the old bytes or the new ones, also after a crash.
 * @param flush Whether to wait for the disk, so that the new bytes survive a power cut @throws {CheckpointError} If it cannot be written
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array, flush = true): Promise<void> {
  const [, folder = ".", name] = /^(.*[/\\])?(.*)$/s.exec(path)!;
  const temporary = joined(folder, `.${name}.${crypto.randomUUID()}.tmp`);
  try {
    await withFile(temporary, { write: true, createNew: true }, async (file) => {
      await writeAll(file, bytes);
      if (flush) await file.sync();
    });
    await Deno.rename(temporary, path);
  } catch (cause) {
    await Deno.remove(temporary).catch(() => {}); // it may not exist
    throw unwritable(path, cause);
  }
  if (!flush) return;
  // a rename survives a power cut once its folder is flushed; not every system can open a folder, and the bytes are safe anyway
  await withFile(folder, { read: true }, (directory) => directory.sync()).catch(() => {});
}

/** The state of a run; undefined if the folder holds none. @throws {CheckpointError} If it cannot be read, or is not a state */
export function readStateFile({ stateFile }: RunDirectory): TrainingState | undefined {
  try {
    return decodeState(readSmallFile(stateFile, "the state of a run"), { source: stateFile });
  } catch (error) {
    if ((error as Error).cause instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Writes a file with permission for it alone, unlike {@linkcode writeFileAtomically}. @throws {CheckpointError} If it cannot be written */
export async function writeFile(path: string, bytes: Uint8Array): Promise<void> {
  await Deno.writeFile(path, bytes).catch((cause) => {
    throw cause instanceof Deno.errors.NotCapable ? cause : unwritable(path, cause); // it says which permission is missing
  });
}

/** Only Deno reads and writes files; other runtimes pass bytes. */
export function requireFiles(asked: string): void {
  if ("Deno" in globalThis) return;
  refuse(asked, "files are for Deno alone: use the bytes of a checkpoint, as other runtimes can");
}

/** Reads a file of bounded size. @param what What it must be. @throws {CheckpointError} If it is missing, too large or cannot be read */
export function readSmallFile(path: string, what: string): Uint8Array {
  let size: number;
  try {
    ({ size } = Deno.statSync(path));
    if (size <= MAX_FILE_BYTES) return Deno.readFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new CheckpointError(`Cannot read ${path}: there is no such file`, { cause });
    }
    return refuse(`read ${path}`, `it must be ${what}: ${reasonOf(cause)}`, cause);
  }
  return refuse(`read ${path}`, `${what} has at most ${MAX_FILE_BYTES} bytes: the file holds ${size}`);
}

/** Plain words for the errors of the file system. */
const REASONS: Readonly<Record<string, string>> = {
  NotFound: "there is no such file or folder",
  NotADirectory: "a part of the path is a file",
  AlreadyExists: "there is a file of that name",
  IsADirectory: "it is a directory",
  PermissionDenied: "the system denies permission",
};

export function reasonOf(error: unknown): string {
  return error instanceof Error ? REASONS[error.name] ?? error.message : String(error);
}

function joined(folder: string, file: string): string {
  return /(^|[/\\])$/.test(folder) ? `${folder}${file}` : `${folder}/${file}`;
}

export async function withFile<T>(path: string, options: Deno.OpenOptions, use: (file: Deno.FsFile) => Promise<T>) {
  const file = await Deno.open(path, options);
  try {
    return await use(file);
  } finally {
    file.close();
  }
}

export async function writeAll(file: Pick<Deno.FsFile, "write">, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
}
