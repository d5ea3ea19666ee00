import type { TrainReport } from "../training/types.ts";
import { STANDARD } from "./files.ts";

/** The flags of `certify`. */
export type Proof = { from?: string; out?: string; seconds?: number; threads?: number };

/** Below this share of right sums a model has not learned to add: new weights help, training on single pairs does not. */
const LEARNED = 0.9;
/** Seconds for a proof that was not finished in its time. */
export const PATIENT_SECONDS = 600;

type Paths = readonly (string | undefined)[];

/** A line that runs this program when it is typed into a shell here, with permission for the files that it reads and writes. */
export function commandLine(
  args: readonly (string | number)[],
  { read = [], write = [] }: { readonly read?: Paths; readonly write?: Paths } = {},
): string {
  const allowed = Object.entries({ read, write }).flatMap(([kind, paths]) => permission(`--allow-${kind}`, paths));
  // as Deno was started: by its name, or by npx where it may be installed nowhere
  const deno = /[\\/]_npx[\\/]/.test(Deno.execPath()) ? ["npx", "-y", `deno@${Deno.version.deno}`] : ["deno"];
  return [...deno, "run", ...allowed, program(), ...args].map((arg) => shellQuoted(String(arg))).join(" ");
}

/** A permission flag for files, none for standard input and output. */
export function permission(flag: string, paths: Paths): string[] {
  const files = paths.filter((path) => path !== STANDARD).flatMap((path) => path?.replaceAll(",", ",,") ?? []);
  return files.length === 0 ? [] : [`${flag}=${files}`];
}

/** `cli.ts`, relative to the working directory where it is below it. */
function program(): string {
  const url = new URL("../../cli.ts", import.meta.url);
  if (url.protocol !== "file:") return "jsr:@x/tiny-adder/cli";
  const path = decodeURIComponent(url.pathname).replace(/^\/(?=[A-Za-z]:)/, ""); // /C:/… on Windows
  const folder = `${Deno.cwd().replaceAll("\\", "/").replace(/\/$/, "")}/`;
  return path.startsWith(folder) ? path.slice(folder.length) : path;
}

export function shellQuoted(arg: string): string {
  if (/^[\w./:\\@%+,=~-]+$/.test(arg)) return arg;
  return Deno.build.os === "windows" ? `"${arg}"` : `'${arg.replaceAll("'", "'\\''")}'`;
}

/** The command that makes a proved model of a refuted one. @param refuted `hardened`: whether that was tried by training on the failing pairs */
export function mendingCommand(
  refuted: Pick<TrainReport, "model" | "seed" | "exactMatch"> & { hardened: boolean; file?: string },
): string {
  const { model, seed, exactMatch, hardened, file } = refuted;
  const isFile = file === STANDARD || file?.endsWith(".safetensors");
  const folder = isFile ? file!.replace(/[^/\\]*$/, "") || "." : file ?? "run";
  const within = (out: string) => folder.replace(/[/\\]*$/, `/${out}`).replace(/^\.\//, "");
  const hasLearned = exactMatch >= LEARNED;
  if (file !== undefined && hasLearned && !hardened) {
    const out = within("proved");
    const args = ["continue", "--from", file, "--recipe", "sure", "--harden", "--out", out];
    return commandLine(args, { read: [file, out], write: [out] });
  }
  // the same seed again, unless it has had the whole treatment
  const other = hardened || !hasLearned ? (seed + 1) % 2 ** 32 : seed;
  const out = file === undefined ? folder : within(`seed-${other}`);
  const name = model === 763 ? [] : ["--model", model];
  const args = ["train", "--recipe", "sure", ...name, "--seed", other, "--out", out];
  return commandLine(args, { read: [out], write: [out] });
}

export function provingCommand({ from, out, seconds = PATIENT_SECONDS, threads }: Proof): string {
  const flags = Object.entries({ from, out, seconds, threads }).filter(([, value]) => value !== undefined);
  const args = flags.flatMap(([name, value]) => [`--${name}`, value!]);
  return commandLine(["certify", ...args], { read: [from], write: [out] });
}
