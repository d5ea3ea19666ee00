import { certificateText } from "../certify/certificate.ts";
import { encodeState } from "../checkpoint/safetensors/state.ts";
import * as store from "../checkpoint/safetensors/store.ts";
import { KeptRunError, TrainingError } from "./error.ts";
import type { RunEvent } from "./events.ts";
import { isDone, type RunProgress, type RunState } from "./run.ts";
import type { RunOptions } from "./types.ts";

/** Approximate seconds between two saves of the state. */
const SECONDS_BETWEEN_SAVES = 10;

/** The folder of a run: weights, state and log, locked by this run. */
export class Journal {
  /**
   * The end of the log; undefined as long as the folder holds an earlier run. The file may be longer: what a killed process logged after its last save
   * belongs to steps that are repeated.
   */
  #logBytes: number | undefined;
  #savedAt = performance.now();

  /** @param log The lock on it keeps other runs out of the folder @param state That of the run to resume */
  private constructor(
    readonly directory: store.RunDirectory,
    private readonly log: Deno.FsFile,
    private readonly options: RunOptions,
    readonly state: RunState | undefined,
  ) {
    this.#logBytes = state?.progress.logBytes;
  }

  /**
   * Opens the folder of a run: a new one, which changes nothing there before it begins, or one to resume.
   *
   * @throws {CheckpointError} If it cannot be written to, or its state cannot be read
   * @throws {TrainingError} If a new run would replace another one, there is none to resume, or one is running
   */
  static async open(path: string, options: RunOptions = {}): Promise<Journal> {
    const directory = await store.openRunDirectory(path);
    const log = await store.lockLog(directory);
    const doing = options.resume ? "go on with the run" : "start a run";
    const refused = (reason: string) => new TrainingError(`Cannot ${doing} in ${path} as ${reason}`);
    if (log === undefined) {
      throw refused(`no other run may be at work there: one is, and has ${directory.logFile} locked`);
    }
    try {
      await store.removeTemporaryFiles(directory.path);
      await store.removeTemporaryFiles(directory.stepsFolder).catch(() => {}); // as a rule there is none
      let state: RunState | undefined;
      if (options.resume) {
        state = store.readStateFile(directory) as RunState | undefined;
        if (state === undefined) throw refused(`it must hold its state: there is no ${directory.stateFile}`);
      } else if (!options.overwrite) checkNothingKept(directory);
      return new Journal(directory, log, options, state);
    } catch (error) {
      log.close();
      throw error;
    }
  }

  close(): void {
    this.log.close();
  }

  /** Writes what an event adds to the folder. @returns The file of weights that are saved or kept */
  async record(event: RunEvent): Promise<string | undefined> {
    const { certificateFile, modelFile, stepsFolder } = this.directory;
    switch (event.type) {
      case "begin":
        // a resume must not mix two runs: killed before the state is written, the old one is intact; after, the new one can be resumed
        await this.#saveState(event.state);
        await Deno.remove(certificateFile).catch(() => {}); // if there is one, it is not of the new run
        await this.#removeKept();
        this.#logBytes = 0;
        return await this.#addLine("start", event.settings);
      case "step":
      case "evaluation":
      case "measures":
      case "restart": {
        if (event.type === "restart") await this.#removeKept();
        const { type, ...fields } = event;
        return await this.#addLine(type, { ...fields, totalSteps: undefined });
      }
      case "kept": {
        const file = `${stepsFolder}/${event.step}.safetensors`;
        await Deno.mkdir(stepsFolder, { recursive: true });
        await store.writeFileAtomically(file, event.checkpoint(), false);
        return file;
      }
      case "state": {
        const { saveEvery = SECONDS_BETWEEN_SAVES } = this.options;
        if (event.due || performance.now() - this.#savedAt > 1000 * saveEvery) await this.#saveState(event.state());
        return;
      }
      case "model": {
        const { step, exactMatch, examples, checkpoint } = event;
        await this.#addLine("end", { step, exactMatch, examples }); // without the state: a resume ends the log anew
        const found = await Deno.readFile(modelFile).catch(() => new Uint8Array());
        if (found.length !== checkpoint.length || found.some((byte, i) => byte !== checkpoint[i])) {
          this.checkProof();
          await Deno.remove(certificateFile).catch(() => {}); // if there is one, it is of other weights
          await store.writeFileAtomically(modelFile, checkpoint);
        }
        return modelFile;
      }
      case "certificate":
        await store.writeFileAtomically(certificateFile, new TextEncoder().encode(certificateText(event.certificate)));
    }
  }

  /** Logs why the run stopped. Its state stays at the last save, for a resume. */
  async logError(step: number, error: unknown): Promise<void> {
    if (this.#logBytes === undefined) return;
    const message = error instanceof Error ? error.message : String(error);
    await this.#addLine("error", { step, message }).catch(() => {}); // a full disk may be the cause
  }

  async #addLine(event: string, fields: Record<string, unknown>): Promise<undefined> {
    const bytes = new TextEncoder().encode(`${JSON.stringify({ event, ...fields })}\n`);
    try {
      const start = Math.min(this.#logBytes ?? 0, this.log.statSync().size); // a log that was removed must not come back as zeros
      this.log.seekSync(start, Deno.SeekMode.Start);
      await store.writeAll(this.log, bytes);
      this.#logBytes = start + bytes.length;
      this.log.truncateSync(this.#logBytes);
    } catch (cause) {
      throw store.unwritable(this.directory.logFile, cause);
    }
  }

  async #saveState(state: RunState): Promise<void> {
    state.progress.logBytes = this.#logBytes ?? 0;
    await store.writeFileAtomically(this.directory.stateFile, encodeState(state));
    this.#savedAt = performance.now();
  }

  async #removeKept(): Promise<void> {
    for (const { path } of await store.keptSteps(this.directory.stepsFolder)) await Deno.remove(path);
  }

  /** Checks that the run will not replace proved weights. @throws {TrainingError} If it would */
  checkProof(): void {
    const { path, certificateFile } = this.directory;
    if (this.options.overwrite || sizeOf(certificateFile) === 0) return;
    throw new TrainingError(
      `Cannot go on with the run in ${path} as it must not replace proved weights: ${certificateFile} proves those that are there. ` +
        "Let it replace them (--overwrite), or train a copy of them further with continue, in another folder",
    );
  }
}

/** Checks that a folder holds nothing that took work and that a new run would replace. */
function checkNothingKept(directory: store.RunDirectory): void {
  const { path, modelFile, certificateFile, logFile } = directory;
  const found = store.readStateFile(directory)?.progress as RunProgress | undefined;
  const unfinished = found !== undefined && found.examples > 0 && !isDone(found);
  const files = [modelFile, certificateFile, ...(found === undefined ? [logFile] : [])]
    .filter((file) => sizeOf(file) > 0).map((file) => file.replace(/.*[/\\]/, ""));
  if (!unfinished && files.length === 0) return;
  const cannot = `Cannot start a run in ${path} as the folder must not hold`;
  const run = found && ` of recipe ${found.recipe.name}, model ${found.model}, seed ${found.seed}`;
  const message = unfinished
    ? `${cannot} an unfinished one: it holds one at step ${found.step}. Go on with it (--resume), replace it (--overwrite)`
    : `${cannot} another one: it holds ${files.join(" and ")}${run ?? ""}. Replace it (--overwrite)`;
  throw new KeptRunError(`${message}, or name another folder`, unfinished);
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
