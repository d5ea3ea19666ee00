import { encodeState, type TrainingState } from "../checkpoint/safetensors/state.ts";
import {
  lockLog,
  openRunDirectory,
  readStateFile,
  removeTemporaryFiles,
  type RunDirectory,
  unwritable,
  writeAll,
  writeFileAtomically,
} from "../checkpoint/safetensors/store.ts";
import { isDone } from "./progress.ts";
import type { RunProgress } from "./progress.ts";
import { KeptRunError, TrainingError } from "./error.ts";

export type LogEvent = { readonly event: string } & Record<string, unknown>;

/** The folder of a run: weights, state and log, locked by this run. */
export class Journal {
  readonly #directory: RunDirectory;
  /** The log, whose lock keeps other runs out of the folder. */
  readonly #log: Deno.FsFile;
  readonly #encoder = new TextEncoder();
  #pending = "";
  #logBytes = 0;
  /** Whether weights that have a certificate are kept: those of a run that is resumed. */
  #keepsProof = false;

  private constructor(directory: RunDirectory, log: Deno.FsFile) {
    this.#directory = directory;
    this.#log = log;
  }

  /** The path of the weights. */
  get modelFile(): string {
    return this.#directory.modelFile;
  }

  /**
   * Opens a folder for a new run. Nothing is changed before {@linkcode begin}.
   *
   * @param options `overwrite`: whether the run may replace what is there
   * @throws {CheckpointError} If it cannot be written to
   * @throws {TrainingError} If it holds a run, which would be lost, or one that is running
   */
  static async create(path: string, { overwrite = false }: { overwrite?: boolean } = {}): Promise<Journal> {
    return await Journal.#open(path, `start a run in ${path}`, (journal, directory) => {
      if (!overwrite) checkNothingKept(directory);
      return journal;
    });
  }

  /**
   * Opens the folder of a run to resume it.
   *
   * @throws {CheckpointError} If it cannot be written to, or its state cannot be read
   * @param options `overwrite`: whether the run may replace proved weights
   * @throws {TrainingError} If it holds no run, or one that is running
   */
  static async resume(
    path: string,
    { overwrite = false }: { overwrite?: boolean } = {},
  ): Promise<{ journal: Journal; state: TrainingState<RunProgress> }> {
    return await Journal.#open(path, `go on with the run in ${path}`, async (journal, directory) => {
      const state = readStateFile(directory) as TrainingState<RunProgress> | undefined;
      if (state === undefined) {
        throw new TrainingError(
          `Cannot go on with the run in ${path} as it must hold its state: there is no ${directory.stateFile}`,
        );
      }
      // lines after the last save belong to steps that are repeated
      await journal.#truncateLog(state.progress.logBytes);
      journal.#keepsProof = !overwrite;
      return { journal, state };
    });
  }

  static async #open<T>(
    path: string,
    asked: string,
    use: (journal: Journal, directory: RunDirectory) => T | Promise<T>,
  ): Promise<T> {
    const directory = await openRunDirectory(path);
    const log = await lockLog(directory);
    if (log === undefined) {
      throw new TrainingError(
        `Cannot ${asked} as no other run may be at work there: one is, and has ${directory.logFile} locked`,
      );
    }
    try {
      await removeTemporaryFiles(directory);
      return await use(new Journal(directory, log), directory);
    } catch (error) {
      log.close();
      throw error;
    }
  }

  /** Unlocks the folder. */
  close(): void {
    this.#log.close();
  }

  /**
   * Replaces an earlier run, because a resume must not mix the two. If the process is killed before, the old run is intact; after, the new one can be
   * resumed, and is not taken for a proved one.
   *
   * @param state The new run before its first step
   */
  async begin(state: TrainingState<RunProgress>): Promise<void> {
    state.progress.logBytes = 0;
    await writeFileAtomically(this.#directory.stateFile, encodeState(state));
    await this.#removeCertificate();
    await this.#truncateLog(0);
  }

  async #truncateLog(bytes: number): Promise<void> {
    await this.#changeLog(async (log) => {
      this.#logBytes = Math.min(bytes, (await log.stat()).size); // a log that was removed must not come back as zeros
      await log.truncate(this.#logBytes);
    });
  }

  async #changeLog(change: (log: Deno.FsFile) => Promise<void>): Promise<void> {
    try {
      await change(this.#log);
    } catch (cause) {
      throw unwritable(this.#directory.logFile, cause);
    }
  }

  /** Adds a line to the log, to be written with the next save. */
  log(event: LogEvent): void {
    this.#pending += `${JSON.stringify(event)}\n`;
  }

  /**
   * Writes the pending lines.
   *
   * @returns The length of the log in bytes
   * @throws {CheckpointError} If they cannot be written; they stay pending
   */
  async flushLog(): Promise<number> {
    const bytes = this.#encoder.encode(this.#pending);
    await this.#changeLog(async (log) => {
      await log.seek(this.#logBytes, Deno.SeekMode.Start); // after the last whole line: an earlier attempt may have written a part
      await writeAll(log, bytes);
    });
    this.#pending = "";
    this.#logBytes += bytes.length;
    return this.#logBytes;
  }

  /** Writes log and state, from which a resume continues. */
  async saveState(state: TrainingState<RunProgress>): Promise<void> {
    state.progress.logBytes = await this.flushLog();
    await writeFileAtomically(this.#directory.stateFile, encodeState(state));
  }

  async #removeCertificate(): Promise<void> {
    await Deno.remove(this.#directory.certificateFile).catch(() => {}); // as a rule there is none
  }

  /**
   * Checks that a resumed run will not replace proved weights.
   *
   * @throws {TrainingError} If it would
   */
  checkProof(): void {
    const { path, certificateFile } = this.#directory;
    if (!this.#keepsProof || sizeOf(certificateFile) === 0) return;
    throw new TrainingError(
      `Cannot go on with the run in ${path} as it must not replace proved weights: ${certificateFile} proves those that are there. ` +
        "Let it replace them (--overwrite), or train a copy of them further with continue, in another folder",
    );
  }

  /** Writes the weights, after removing a certificate of other weights. */
  async saveModel(checkpoint: Uint8Array): Promise<void> {
    const { modelFile } = this.#directory;
    const found = await Deno.readFile(modelFile).catch(() => new Uint8Array());
    if (found.length === checkpoint.length && found.every((byte, i) => byte === checkpoint[i])) return;
    this.checkProof();
    await this.#removeCertificate();
    await writeFileAtomically(modelFile, checkpoint);
  }

  /** Writes the certificate. */
  async saveCertificate(text: string): Promise<void> {
    await writeFileAtomically(this.#directory.certificateFile, new TextEncoder().encode(text));
  }
}

/** Checks that a folder holds nothing that took work and that a new run would replace. */
function checkNothingKept(directory: RunDirectory): void {
  const { path, modelFile, certificateFile, logFile } = directory;
  const found = readStateFile(directory)?.progress as RunProgress | undefined;
  const unfinished = found !== undefined && found.examples > 0 && !isDone(found, Infinity);
  const files = [modelFile, certificateFile, ...(found === undefined ? [logFile] : [])]
    .filter((file) => sizeOf(file) > 0).map((file) => file.replace(/.*[/\\]/, ""));
  if (!unfinished && files.length === 0) return;
  const asked = `Cannot start a run in ${path} as the folder must not hold`;
  const run = found && `recipe ${found.recipe.name}, model ${found.model}, seed ${found.seed}`;
  const message = unfinished
    ? `${asked} an unfinished one: it holds one at step ${found.step}. Go on with it (--resume), replace it (--overwrite)`
    : `${asked} another one: it holds ${files.join(" and ")}${run ? ` of ${run}` : ""}. Replace it (--overwrite)`;
  throw new KeptRunError(`${message}, or name another folder`, { unfinished });
}

/** The size of a file, 0 if there is none. */
function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
