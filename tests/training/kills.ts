/**
 * Runs that are killed at random moments, again and again, until they are through all the same.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { decodeCheckpoint } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { decodeState } from "../../src/checkpoint/safetensors/state.ts";
import { startTinyAdder } from "../cli/tiny_adder.ts";

/** What became of the runs. */
export interface KillReport {
  /** Processes that SIGKILL ended. */
  kills: number;
  /** Of these, those that left a file half written, or whole but not yet in its place. */
  duringWrite: number;
  /** Of these, those that came before the run had saved anything. */
  beforeFirstSave: number;
  /** Runs that went through in the end, each with the bytes of a run that nobody disturbed. */
  runs: number;
}

const COMMANDS = {
  train: ["--seed", "5", "--steps", "2500"],
  continue: ["--seed", "6", "--steps", "2500"],
} as const;

type Command = keyof typeof COMMANDS;

/** The two commands with one thread, so that a loaded machine does not slow them, and as many saves as can be. */
function argumentsOf(command: Command, folder: string, out: string): string[] {
  const from = command === "continue" ? ["--from", join(folder, "undisturbed-train", "model.safetensors")] : [];
  const rest = ["--out", out, "--threads", "1", "--save-every", "0", "--no-certify", "--json"];
  return [command, ...COMMANDS[command], ...from, ...rest];
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Whatever the moment: what is there is whole. */
async function assertWhole(out: string): Promise<void> {
  const [model, state] = ["model.safetensors", "state.safetensors"].map((name) => join(out, name));
  if (await exists(model)) decodeCheckpoint(await Deno.readFile(model), { source: model });
  if (await exists(state)) decodeState(await Deno.readFile(state), { source: state });
}

/**
 * Kills `train` and `continue` in turn at moments that are uniform over the time that they need, resumes them, and kills them again.
 *
 * @param folder An empty folder
 * @param kills How many kills there are to be
 */
export async function killRuns(folder: string, kills: number): Promise<KillReport> {
  const allow = [`--allow-read=${folder}`, `--allow-write=${folder}`];
  const report: KillReport = { kills: 0, duringWrite: 0, beforeFirstSave: 0, runs: 0 };
  const expected = {} as Record<Command, Uint8Array>;
  const duration = {} as Record<Command, number>;
  for (const command of ["train", "continue"] as const) {
    const out = join(folder, `undisturbed-${command}`);
    const begin = performance.now();
    const { code, stderr } = await startTinyAdder(argumentsOf(command, folder, out), allow).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    duration[command] = performance.now() - begin;
    expected[command] = await Deno.readFile(join(out, "model.safetensors"));
  }

  while (report.kills < kills) {
    const command = report.runs % 2 === 0 ? "train" : "continue";
    const out = join(folder, `killed-${report.runs}`);
    for (let through = false; !through;) {
      const resume = await exists(join(out, "state.safetensors"));
      const args = [...argumentsOf(command, folder, out), ...(resume ? ["--resume"] : [])];
      const process = startTinyAdder(args, allow);
      const kill = setTimeout(
        () => {
          try {
            process.kill("SIGKILL");
          } catch (error) {
            if (!(error instanceof TypeError)) throw error; // it has ended just now
          }
        },
        report.kills < kills ? Math.random() * duration[command] : 2 ** 30,
      );
      const { code, signal, stderr } = await process.output();
      clearTimeout(kill);
      await assertWhole(out);
      through = signal === null;
      if (through) {
        assertEquals(code, 0, new TextDecoder().decode(stderr));
        continue;
      }
      assertEquals(signal, "SIGKILL");
      report.kills++;
      report.beforeFirstSave += Number(!await exists(join(out, "state.safetensors")));
      const names = await Array.fromAsync(Deno.readDir(out), ({ name }) => name).catch(() => []);
      report.duringWrite += Number(names.some((name) => name.endsWith(".tmp")));
    }
    const found = await Deno.readFile(join(out, "model.safetensors"));
    assertEquals(found, expected[command], `after ${report.kills} kills ${command} ended with other bytes`);
    const names = (await Array.fromAsync(Deno.readDir(out), ({ name }) => name)).sort();
    assertEquals(names, ["log.jsonl", "model.safetensors", "state.safetensors"]);
    report.runs++;
  }
  return report;
}
