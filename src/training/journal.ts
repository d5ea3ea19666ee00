import { encodeState, type TrainingState } from "../checkpoint/state.ts";
import {
  lockLog,
  openRunDirectory,
  readStateFile,
  removeTemporaryFiles,
  type RunDirectory,
  unwritable,
  writeAll,
  writeFileAtomically,
} from "../checkpoint/store.ts";
import { isDone } from "./progress.ts";
import type { RunProgress } from "./progress.ts";
import { TrainingError } from "./error.ts";

export type LogEvent = { readonly event: string } & Record<string, unknown>;

/** The folder of a run: weights, state and log, locked by this run. */
export class Journal {
  readonly #directory: RunDirectory;
  /** The log, whose lock keeps other runs out of the folder. */
  readonly #log: Deno.FsFile;
  readonly #encoder = new TextEncoder();
  #pending = "";
  #logBytes = 0;

  private constructor(directory: RunDirectory, log: Deno.FsFile) {
    this.#directory = directory;
    this.#log = log;
  }

  /** The path of the weights. */
  get modelFile(): string {
    return this.#directory.modelFile;
  }

  /**
   * Opens a folder for a new run. Nothing is changed before {@linkcode begin}, which replaces a finished run.
   *
   * @throws {CheckpointError} If it cannot be written to
   * @throws {TrainingError} If it holds an unfinished run, which would be lost, or one that is running
   */
  static async create(path: string): Promise<Journal> {
    return await Journal.#open(path, `start a run in ${path}`, (journal, directory) => {
      const found = readStateFile(directory)?.progress as RunProgress | undefined;
      if (found !== undefined && found.examples > 0 && !isDone(found, Infinity)) {
        throw new TrainingError(
          `Cannot start a run in ${path} as the folder must not hold an unfinished one: ` +
            `it holds one at step ${found.step}. Go on with it (--resume), or name another folder`,
        );
      }
      return journal;
    });
  }

  /**
   * Opens the folder of a run to resume it.
   *
   * @throws {CheckpointError} If it cannot be written to, or its state cannot be read
   * @throws {TrainingError} If it holds no run, or one that is running
   */
  static async resume(path: string): Promise<{ journal: Journal; state: TrainingState<RunProgress> }> {
    return await Journal.#open(path, `go on with the run in ${path}`, async (journal, directory) => {
      const state = readStateFile(directory) as TrainingState<RunProgress> | undefined;
      if (state === undefined) {
        throw new TrainingError(
          `Cannot go on with the run in ${path} as it must hold its state: there is no ${directory.stateFile}`,
        );
      }
      // lines after the last save belong to steps that are repeated
      await journal.#truncateLog(state.progress.logBytes);
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
   * resumed.
   *
   * @param state The new run before its first step
   */
  async begin(state: TrainingState<RunProgress>): Promise<void> {
    state.progress.logBytes = 0;
    await writeFileAtomically(this.#directory.stateFile, encodeState(state));
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

  /** Writes the weights, after removing a certificate of other weights. */
  async saveModel(checkpoint: Uint8Array): Promise<void> {
    const { modelFile, certificateFile } = this.#directory;
    const found = await Deno.readFile(modelFile).catch(() => new Uint8Array());
    if (found.length === checkpoint.length && found.every((byte, i) => byte === checkpoint[i])) return;
    await Deno.remove(certificateFile).catch(() => {}); // as a rule there is none
    await writeFileAtomically(modelFile, checkpoint);
  }

  /** Writes the certificate. */
  async saveCertificate(text: string): Promise<void> {
    await writeFileAtomically(this.#directory.certificateFile, new TextEncoder().encode(text));
  }
}
