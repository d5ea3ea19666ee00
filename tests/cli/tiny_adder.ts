/**
 * The command line as a program of its own, the way people run it.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";

const CLI = fromFileUrl(new URL("../../cli.ts", import.meta.url));

/** What a program left behind. */
export interface Outcome {
  /** Its exit code. */
  code: number;
  /** What it printed. */
  stdout: string;
  /** What it printed for people to watch. */
  stderr: string;
}

/** Starts the command line; nothing is asked, what `allow` does not permit is denied. */
export function startTinyAdder(
  args: readonly string[],
  allow: readonly string[] = [],
  { stdin = "null" }: { stdin?: "null" | "piped" } = {},
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", ...allow, CLI, ...args],
    env: { NO_COLOR: "1" },
    stdin,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs the command line on what is piped into it. @returns Its output in bytes */
export async function pipeThrough(
  input: Uint8Array<ArrayBuffer> | string,
  args: readonly string[],
  allow: readonly string[] = [],
): Promise<{ code: number; stdout: Uint8Array<ArrayBuffer>; stderr: string }> {
  const process = startTinyAdder(args, allow, { stdin: "piped" });
  await new Blob([input]).stream().pipeTo(process.stdin).catch(() => {}); // it may end before it has read all
  const { code, stdout, stderr } = await process.output();
  return { code, stdout: new Uint8Array(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** Waits for a program to end. */
export async function outcome(process: Deno.ChildProcess): Promise<Outcome> {
  const { code, stdout, stderr } = await process.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** Runs the command line to its end. */
export function tinyAdder(args: readonly string[], allow: readonly string[] = []): Promise<Outcome> {
  return outcome(startTinyAdder(args, allow));
}

/**
 * Asserts that a request is refused: exit code 2, nothing on stdout, and one line on stderr that names `asked` before its
 * first colon and `found` after it.
 */
export async function assertRefused(
  args: readonly string[],
  [asked, found]: readonly [asked: string, found: string],
  allow: readonly string[] = [],
): Promise<void> {
  const { code, stdout, stderr } = await tinyAdder(args, allow);
  assertEquals([code, stdout], [2, ""], stderr);
  const [, before, after] = /^Cannot (.*?): (.*)\n$/.exec(stderr) ?? [];
  assertStringIncludes(before ?? stderr, asked);
  assertStringIncludes(` ${after}`, ` ${found}`); // a whole word, or more
}

/** Runs a command that the program printed: this Deno takes the place of the one in its first words. */
export async function typed(command: string): Promise<Outcome> {
  const args = command.trim().replace(/^(?:npx -y )?deno\S* run /, "").split(" ");
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** The path of a checkpoint that PyTorch wrote: `w0` … `w3` of 763 parameters, `x0` and `x1` of 777, none of which can add. */
export function goldenCheckpoint(name: string): string {
  return fromFileUrl(new URL(`../golden/${name}.safetensors`, import.meta.url));
}

/** Makes an empty folder that goes away with the variable. */
export async function temporaryFolder(): Promise<
  { path: string; allow: string[]; [Symbol.asyncDispose](): Promise<void> }
> {
  const path = await Deno.makeTempDir({ prefix: "tiny-adder-" });
  return {
    path,
    allow: [`--allow-read=${path}`, `--allow-write=${path}`],
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
