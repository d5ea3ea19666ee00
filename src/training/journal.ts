/**
 * What a run leaves on disk: the weights, the state for a resume, the log.
 *
 * @module
 */
import { encodeState, type TrainingState } from "../checkpoint/state.ts";
import {
  openRunDirectory,
  readStateFile,
  type RunDirectory,
  withFile,
  writeAll,
  writeFileAtomically,
} from "../checkpoint/store.ts";
import { isDone } from "./progress.ts";
import type { RunProgress } from "./progress.ts";
import { TrainingError } from "./error.ts";

/** One line of the log. */
export type LogEvent = { readonly event: string } & Record<string, unknown>;

/** A run's folder, open for writing. */
export class Journal {
  readonly #directory: RunDirectory;
  readonly #encoder = new TextEncoder();
  #pending = "";
  #logBytes = 0;

  private constructor(directory: RunDirectory) {
    this.#directory = directory;
  }

  /** The path of the weights. */
  get modelFile(): string {
    return this.#directory.modelFile;
  }

  /**
   * Opens a folder for a new run, which may replace a finished one. Nothing is changed before {@linkcode begin}.
   *
   * @throws {CheckpointError} If it cannot be written to
   * @throws {TrainingError} If it holds a run that is not finished, which would be lost
   */
  static async create(path: string): Promise<Journal> {
    const directory = await openRunDirectory(path);
    const found = readStateFile(directory)?.progress as RunProgress | undefined;
    if (found !== undefined && !isDone(found, Infinity)) {
      throw new TrainingError(
        `Cannot start a run in ${path} as the folder must not hold an unfinished one: ` +
          `it holds one at step ${found.step}. Go on with it (--resume), or name another folder`,
      );
    }
    return new Journal(directory);
  }

  /** Forgets the log and the state of the run that was here before: a resume must not mix the two. */
  async begin(): Promise<void> {
    await Deno.remove(this.#directory.stateFile).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    await this.#truncateLog(0);
  }

  /**
   * Opens the folder of a run to go on with it.
   *
   * @throws {CheckpointError} If it cannot be written to, or its state cannot be read
   * @throws {TrainingError} If it holds no run
   */
  static async resume(path: string): Promise<{ journal: Journal; state: TrainingState<RunProgress> }> {
    const directory = await openRunDirectory(path);
    const state = readStateFile(directory) as TrainingState<RunProgress> | undefined;
    if (state === undefined) {
      throw new TrainingError(
        `Cannot go on with the run in ${path} as it must hold its state: there is no ${directory.stateFile}`,
      );
    }
    const journal = new Journal(directory);
    // lines after the last save belong to steps that will be taken again
    await journal.#truncateLog(state.progress.logBytes);
    return { journal, state };
  }

  async #truncateLog(bytes: number): Promise<void> {
    await withFile(this.#directory.logFile, { create: true, write: true }, async (file) => {
      this.#logBytes = Math.min(bytes, (await file.stat()).size); // a log that was removed must not come back as zeros
      await file.truncate(this.#logBytes);
    });
  }

  /** Adds a line to the log; it is written with the next save. */
  log(event: LogEvent): void {
    this.#pending += `${JSON.stringify(event)}\n`;
  }

  /** Writes the lines that are waiting. @returns The length of the log in bytes */
  async flushLog(): Promise<number> {
    const bytes = this.#encoder.encode(this.#pending);
    this.#pending = "";
    await withFile(this.#directory.logFile, { create: true, append: true }, (file) => writeAll(file, bytes));
    this.#logBytes += bytes.length;
    return this.#logBytes;
  }

  /** Writes log and state: from here a resume goes on. */
  async saveState(state: TrainingState<RunProgress>): Promise<void> {
    state.progress.logBytes = await this.flushLog();
    await writeFileAtomically(this.#directory.stateFile, encodeState(state));
  }

  /** Writes the weights. */
  async saveModel(checkpoint: Uint8Array): Promise<void> {
    await writeFileAtomically(this.modelFile, checkpoint);
  }

  /** Writes the proof that the weights are right on all inputs. */
  async saveCertificate(text: string): Promise<void> {
    await writeFileAtomically(this.#directory.certificateFile, new TextEncoder().encode(text));
  }
}
